"""Means of gradients used in other ways than Adam's: by sign (Lion), by layer (NovoGrad), with
differences (Adan), orthogonalised (Muon is in `muon`)."""

from __future__ import annotations

from typing import Any, NamedTuple

import funcgrad.numpy as jnp
from funcgrad import tree
from funcgrad.optim.base import NO_PARAMS, GradientTransformation
from funcgrad.optim.numerics import abs_sq, safe_increment
from funcgrad.optim.tree_utils.like import tree_cast, tree_zeros_like
from funcgrad.optim.tree_utils.moments import (
    map_present,
    tree_bias_correction,
    tree_update_moment,
    tree_update_moment_per_elem_norm,
)

__all__ = [
    "ScaleByAdanState",
    "ScaleByLionState",
    "ScaleByNovogradState",
    "scale_by_adan",
    "scale_by_lion",
    "scale_by_novograd",
]


class ScaleByLionState(NamedTuple):
    """Steps taken, and the moving average of the gradients."""

    count: Any
    mu: Any


def scale_by_lion(
    b1: Any = 0.9,
    b2: Any = 0.99,
    mu_dtype: Any = None,
    *,
    mode: str = "hard",
    smooth_beta: Any = 1.0,
) -> GradientTransformation:
    """The sign of a mean of the gradients (Chen et al. 2023, arXiv:2302.06675).

    Args:
      b1: how much of the average is in the mean whose sign is taken.
      b2: how much of the average stays.
      mode: "hard" for the sign, "smooth" for tanh(smooth_beta * mean).

    >>> from funcgrad import optim
    >>> tx = optim.scale_by_lion()
    >>> tx.update(5.0, tx.init(0.0))[0]
    Array(1., dtype=float64, weak_type=True)
    """
    if mode not in ("hard", "smooth"):
        raise ValueError(f"scale_by_lion: mode is 'hard' or 'smooth', not {mode!r}")

    def init(params: Any) -> ScaleByLionState:
        return ScaleByLionState(jnp.zeros([], jnp.int32), tree_zeros_like(params, mu_dtype))

    def step(g: Any, m: Any) -> Any:
        mean = (1.0 - b1) * g + b1 * m
        return jnp.sign(mean) if mode == "hard" else jnp.tanh(smooth_beta * mean)

    def update(updates: Any, state: Any, params: Any = None) -> Any:
        out = map_present(step, updates, state.mu)
        mu = tree_update_moment(updates, state.mu, b2, 1)
        return out, ScaleByLionState(safe_increment(state.count), tree_cast(mu, mu_dtype))

    return GradientTransformation(init, update)


class ScaleByNovogradState(NamedTuple):
    """Steps taken, the decaying sum of the updates, and for each leaf the mean squared norm."""

    count: Any
    mu: Any
    nu: Any


def scale_by_novograd(
    b1: Any = 0.9,
    b2: Any = 0.25,
    eps: Any = 1e-8,
    eps_root: Any = 0.0,
    weight_decay: Any = 0.0,
    mu_dtype: Any = None,
) -> GradientTransformation:
    """Momentum of gradients divided by the norm of their leaf (Ginsburg et al. 2019,
    arXiv:1905.11286).

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import optim
    >>> tx = optim.scale_by_novograd()
    >>> tx.update(jnp.array([3.0, 4.0]), tx.init(jnp.zeros(2)), jnp.zeros(2))[0]
    Array([0.6, 0.8], dtype=float64)
    """

    def init(params: Any) -> ScaleByNovogradState:
        return ScaleByNovogradState(
            jnp.zeros([], jnp.int32),
            tree_zeros_like(params, mu_dtype),
            tree.map(lambda p: jnp.zeros([], jnp.asarray(p).dtype), params),
        )

    def update(updates: Any, state: Any, params: Any = None) -> Any:
        if params is None:
            raise ValueError(NO_PARAMS)
        count = safe_increment(state.count)
        first = state.count == 0

        def norm(g: Any, v: Any) -> Any:
            square = jnp.sum(abs_sq(g))
            return jnp.where(first, square, (1 - b2) * square + b2 * v)

        nu = map_present(norm, updates, state.nu)

        def step(g: Any, m: Any, v: Any, p: Any) -> Any:
            divided = g / (jnp.sqrt(v + eps_root) + eps) + weight_decay * p
            return jnp.where(first, divided, b1 * m + divided)

        mu = map_present(step, updates, state.mu, nu, params)
        return mu, ScaleByNovogradState(count, tree_cast(mu, mu_dtype), nu)

    return GradientTransformation(init, update)


class ScaleByAdanState(NamedTuple):
    """Means of gradients, their differences and squares; the last gradient; steps taken."""

    m: Any
    v: Any
    n: Any
    g: Any
    t: Any


def scale_by_adan(
    b1: Any = 0.98, b2: Any = 0.92, b3: Any = 0.99, eps: Any = 1e-8, eps_root: Any = 0.0
) -> GradientTransformation:
    """Adam with Nesterov's momentum by differences of gradients (Xie et al. 2022,
    arXiv:2208.06677).

    >>> from funcgrad import optim
    >>> tx = optim.scale_by_adan()
    >>> tx.update(5.0, tx.init(0.0))[0]
    Array(1., dtype=float64)
    """

    def init(params: Any) -> ScaleByAdanState:
        zeros = tree_zeros_like(params)
        return ScaleByAdanState(zeros, zeros, zeros, zeros, jnp.zeros([], jnp.int32))

    def update(updates: Any, state: Any, params: Any = None) -> Any:
        g = updates
        change = map_present(
            lambda new, old: jnp.where(state.t == 0, jnp.zeros_like(new), new - old), g, state.g
        )
        m = tree_update_moment(g, state.m, b1, 1)
        v = tree_update_moment(change, state.v, b2, 1)
        ahead = map_present(lambda new, d: new + (1 - b2) * d, g, change)
        n = tree_update_moment_per_elem_norm(ahead, state.n, b3, 2)
        t = safe_increment(state.t)
        m_hat = tree_bias_correction(m, b1, t)
        v_hat = tree_bias_correction(v, b2, t)
        n_hat = tree_bias_correction(n, b3, t)
        out = map_present(
            lambda a, d, s: (a + (1 - b2) * d) / (jnp.sqrt(s + eps_root) + eps), m_hat, v_hat, n_hat
        )
        return out, ScaleByAdanState(m, v, n, g, t)

    return GradientTransformation(init, update)
