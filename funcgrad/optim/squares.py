"""Updates divided by the root of gathered squares, without Adam's means: RMSProp, Adagrad, Adadelta
and SM3."""

from __future__ import annotations

from typing import Any, NamedTuple

import funcgrad.numpy as jnp
from funcgrad import lax, tree
from funcgrad.optim.base import GradientTransformation
from funcgrad.optim.numerics import abs_sq, safe_increment
from funcgrad.optim.tree_utils.like import tree_full_like, tree_zeros_like
from funcgrad.optim.tree_utils.moments import (
    map_present,
    tree_bias_correction,
    tree_update_moment,
    tree_update_moment_per_elem_norm,
)

__all__ = [
    "ScaleByAdaDeltaState",
    "ScaleByRStdDevState",
    "ScaleByRStdDevWithCountState",
    "ScaleByRmsState",
    "ScaleByRmsWithCountState",
    "ScaleByRssState",
    "ScaleBySM3State",
    "scale_by_adadelta",
    "scale_by_rms",
    "scale_by_rss",
    "scale_by_sm3",
    "scale_by_stddev",
]

Array = jnp.ndarray


def _divided(updates: Any, nu: Any, eps: Any, eps_in_sqrt: bool) -> Any:
    if eps_in_sqrt:
        return map_present(lambda g, v: g * lax.rsqrt(v + eps), updates, nu)
    return map_present(lambda g, v: g / (jnp.sqrt(v) + eps), updates, nu)


class ScaleByRmsState(NamedTuple):
    """The moving average of the squared gradients."""

    nu: Any


class ScaleByRmsWithCountState(NamedTuple):
    """Steps taken, and the moving average of the squared gradients."""

    count: Any
    nu: Any


def scale_by_rms(
    decay: Any = 0.9,
    eps: Any = 1e-8,
    initial_scale: Any = 0.0,
    eps_in_sqrt: bool = True,
    bias_correction: bool = False,
) -> GradientTransformation:
    """Gradients over the root of the moving average of their squares (Tieleman & Hinton 2012).

    Args:
      initial_scale: where the average starts.
      eps_in_sqrt: whether `eps` is added under the root.
      bias_correction: divide the average by its weights' sum.

    >>> from funcgrad import optim
    >>> tx = optim.scale_by_rms(0.75, eps=0.0)
    >>> tx.update(5.0, tx.init(0.0))[0]
    Array(2., dtype=float64, weak_type=True)
    """

    def init(params: Any) -> Any:
        nu = tree_full_like(params, initial_scale)
        if bias_correction:
            return ScaleByRmsWithCountState(jnp.zeros([], jnp.int32), nu)
        return ScaleByRmsState(nu)

    def update(updates: Any, state: Any, params: Any = None) -> Any:
        nu = tree_update_moment_per_elem_norm(updates, state.nu, decay, 2)
        if not bias_correction:
            return _divided(updates, nu, eps, eps_in_sqrt), ScaleByRmsState(nu)
        count = safe_increment(state.count)
        nu_hat = tree_bias_correction(nu, decay, count)
        out = _divided(updates, nu_hat, eps, eps_in_sqrt)
        return out, ScaleByRmsWithCountState(count, nu)

    return GradientTransformation(init, update)


class ScaleByRStdDevState(NamedTuple):
    """Moving averages of the gradients and of their squares."""

    mu: Any
    nu: Any


class ScaleByRStdDevWithCountState(NamedTuple):
    """Steps taken, and moving averages of the gradients and of their squares."""

    count: Any
    mu: Any
    nu: Any


def scale_by_stddev(
    decay: Any = 0.9,
    eps: Any = 1e-8,
    initial_scale: Any = 0.0,
    eps_in_sqrt: bool = True,
    bias_correction: bool = False,
) -> GradientTransformation:
    """Gradients over their moving standard deviation (centred RMSProp; Graves 2013).

    >>> from funcgrad import optim
    >>> tx = optim.scale_by_stddev(0.5, eps=0.0)
    >>> tx.update(5.0, tx.init(0.0))[0]
    Array(2., dtype=float64, weak_type=True)
    """

    def init(params: Any) -> Any:
        mu, nu = tree_zeros_like(params), tree_full_like(params, initial_scale)
        if bias_correction:
            return ScaleByRStdDevWithCountState(jnp.zeros([], jnp.int32), mu, nu)
        return ScaleByRStdDevState(mu, nu)

    def update(updates: Any, state: Any, params: Any = None) -> Any:
        mu = tree_update_moment(updates, state.mu, decay, 1)
        nu = tree_update_moment_per_elem_norm(updates, state.nu, decay, 2)
        new: Any = ScaleByRStdDevState(mu, nu)
        mu_hat, nu_hat = mu, nu
        if bias_correction:
            count = safe_increment(state.count)
            mu_hat = tree_bias_correction(mu, decay, count)
            nu_hat = tree_bias_correction(nu, decay, count)
            new = ScaleByRStdDevWithCountState(count, mu, nu)
        variance = map_present(lambda v, m: v - abs_sq(m), nu_hat, mu_hat)
        return _divided(updates, variance, eps, eps_in_sqrt), new

    return GradientTransformation(init, update)


class ScaleByRssState(NamedTuple):
    """The sum of the squared gradients."""

    sum_of_squares: Any


def scale_by_rss(initial_accumulator_value: Any = 0.1, eps: Any = 1e-7) -> GradientTransformation:
    """Gradients over the root of the sum of all their squares (Duchi et al. 2011).

    >>> from funcgrad import optim
    >>> tx = optim.scale_by_rss(0.0, eps=0.0)
    >>> tx.update(5.0, tx.init(0.0))[0]
    Array(1., dtype=float64, weak_type=True)
    """

    def init(params: Any) -> ScaleByRssState:
        return ScaleByRssState(tree_full_like(params, initial_accumulator_value))

    def update(updates: Any, state: Any, params: Any = None) -> Any:
        sums = map_present(lambda g, t: abs_sq(g) + t, updates, state.sum_of_squares)

        def leaf(g: Any, s: Any) -> Array:
            return jnp.where(s > 0, lax.rsqrt(s + eps), jnp.zeros_like(s)) * g

        return map_present(leaf, updates, sums), ScaleByRssState(sums)

    return GradientTransformation(init, update)


class ScaleByAdaDeltaState(NamedTuple):
    """Moving averages of the squared gradients and of the squared updates."""

    e_g: Any
    e_x: Any


def scale_by_adadelta(rho: Any = 0.9, eps: Any = 1e-6) -> GradientTransformation:
    """Gradients times the root of the mean squared update over that of the mean squared gradient
    (Zeiler 2012, arXiv:1212.5701).

    >>> from funcgrad import optim
    >>> tx = optim.scale_by_adadelta()
    >>> tx.update(5.0, tx.init(0.0))[0]
    Array(0.00316228, dtype=float64, weak_type=True)
    """

    def init(params: Any) -> ScaleByAdaDeltaState:
        return ScaleByAdaDeltaState(tree_zeros_like(params), tree_zeros_like(params))

    def update(updates: Any, state: Any, params: Any = None) -> Any:
        e_g = tree_update_moment(updates, state.e_g, rho, 2)

        def leaf(g: Any, square: Any, step: Any) -> Array:
            return jnp.sqrt(step + eps) / jnp.sqrt(square + eps) * g

        out = map_present(leaf, updates, e_g, state.e_x)
        return out, ScaleByAdaDeltaState(e_g, tree_update_moment(out, state.e_x, rho, 2))

    return GradientTransformation(init, update)


class ScaleBySM3State(NamedTuple):
    """For each leaf a list with a vector for each axis, and the mean of the updates."""

    mu: Any
    nu: Any


def scale_by_sm3(b1: Any = 0.9, b2: Any = 1.0, eps: Any = 1e-8) -> GradientTransformation:
    """Adagrad whose sums are kept by rows and columns only (Anil et al. 2019, arXiv:1901.11150).

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import optim
    >>> tx = optim.scale_by_sm3(b1=0.0)
    >>> tx.update(jnp.array([5.0, 0.0]), tx.init(jnp.zeros(2)))[0]
    Array([1., 0.], dtype=float64)
    """

    def init(params: Any) -> ScaleBySM3State:
        rows = tree.map(
            lambda p: [jnp.zeros(n, jnp.asarray(p).dtype) for n in jnp.shape(p) or [()]], params
        )
        return ScaleBySM3State(rows, tree_zeros_like(params))

    def bound(g: Any, rows: list[Any]) -> Any:
        """The least of what the axes know about the sum at each element."""
        n = jnp.ndim(g)
        wide = [
            r.reshape([-1 if i == axis else 1 for i in range(n)]) for axis, r in enumerate(rows)
        ]
        least = wide[0]
        for row in wide[1:]:
            least = jnp.minimum(least, row)
        return least

    def update(updates: Any, state: Any, params: Any = None) -> Any:
        gain = 1.0 if b2 == 1.0 else 1.0 - b2
        sums = tree.map(
            lambda g, rows: gain * jnp.square(g) + b2 * bound(g, rows), updates, state.mu
        )
        scaled = tree.map(
            lambda g, s: g * jnp.where(s > 0.0, lax.rsqrt(s + eps), 0.0), updates, sums
        )
        mean = tree_update_moment(scaled, state.nu, b1, 1)

        def folded(s: Array) -> list[Array]:
            return [jnp.max(s, tuple(set(range(s.ndim)) - {i})) for i in range(s.ndim)] or [s]

        return mean, ScaleBySM3State(tree.map(folded, sums), mean)

    return GradientTransformation(init, update)
