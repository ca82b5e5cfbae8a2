"""Adam and its relatives: updates divided by moving averages of their sizes."""

from __future__ import annotations

from typing import Any, NamedTuple

import funcgrad.numpy as jnp
from funcgrad import tree
from funcgrad.optim.base import GradientTransformation
from funcgrad.optim.numerics import abs_sq, safe_increment
from funcgrad.optim.tree_utils.like import tree_cast, tree_full_like, tree_zeros_like
from funcgrad.optim.tree_utils.moments import (
    map_present,
    tree_bias_correction,
    tree_update_infinity_moment,
    tree_update_moment,
    tree_update_moment_per_elem_norm,
)

__all__ = [
    "ScaleByAdamState",
    "ScaleByAmsgradState",
    "ScaleByBeliefState",
    "scale_by_adam",
    "scale_by_adamax",
    "scale_by_amsgrad",
    "scale_by_belief",
    "scale_by_radam",
    "scale_by_yogi",
]

Array = jnp.ndarray


class ScaleByAdamState(NamedTuple):
    """Steps taken, and moving averages of the gradients and of their squares."""

    count: Any
    mu: Any
    nu: Any


class ScaleByBeliefState(NamedTuple):
    """Steps taken, and moving averages of the gradients and of their squared surprise."""

    count: Any
    mu: Any
    nu: Any


def _zero() -> Array:
    return jnp.zeros([], jnp.int32)


def _first_moment(mu: Any, updates: Any, b1: Any, count: Any, nesterov: bool) -> Any:
    """The corrected mean of the gradients; Nesterov's looks one step ahead (Dozat 2016)."""
    if not nesterov:
        return tree_bias_correction(mu, b1, count)
    ahead = tree_bias_correction(mu, b1, safe_increment(count))
    now = tree_bias_correction(updates, b1, count)
    return map_present(lambda m, g: b1 * m + (1 - b1) * g, ahead, now)


def _quotient(mu: Any, nu: Any, eps: Any, eps_root: Any) -> Any:
    """mu / (sqrt(nu + eps_root) + eps), leaf by leaf."""

    def leaf(m: Any, v: Any) -> Any:
        root = jnp.sqrt(v if _is_zero(eps_root) else v + eps_root)
        return m / (root + eps)

    return map_present(leaf, mu, nu)


def _is_zero(x: Any) -> bool:
    return isinstance(x, int | float) and x == 0


def scale_by_adam(
    b1: Any = 0.9,
    b2: Any = 0.999,
    eps: Any = 1e-8,
    eps_root: Any = 0.0,
    mu_dtype: Any = None,
    *,
    nesterov: bool = False,
) -> GradientTransformation:
    """The mean of the gradients over the root of the mean of their squares (Kingma & Ba 2015,
    arXiv:1412.6980), both corrected for their start at zero.

    Args:
      b1, b2: how much of the two moving averages stays at each step.
      eps: added to the root, `eps_root` under it.
      mu_dtype: the dtype in which the mean is kept.
      nesterov: look one step ahead, as NAdam does.

    >>> from funcgrad import optim
    >>> tx = optim.scale_by_adam()
    >>> tx.update(5.0, tx.init(0.0))[0]
    Array(1., dtype=float64)
    """

    def init(params: Any) -> ScaleByAdamState:
        return ScaleByAdamState(_zero(), tree_zeros_like(params, mu_dtype), tree_zeros_like(params))

    def update(updates: Any, state: Any, params: Any = None) -> Any:
        mu = tree_update_moment(updates, state.mu, b1, 1)
        nu = tree_update_moment_per_elem_norm(updates, state.nu, b2, 2)
        count = safe_increment(state.count)
        mu_hat = _first_moment(mu, updates, b1, count, nesterov)
        nu_hat = tree_bias_correction(nu, b2, count)
        out = _quotient(mu_hat, nu_hat, eps, eps_root)
        return out, ScaleByAdamState(count, tree_cast(mu, mu_dtype), nu)

    return GradientTransformation(init, update)


class ScaleByAmsgradState(NamedTuple):
    """As for Adam, and the largest corrected mean of squares so far."""

    count: Any
    mu: Any
    nu: Any
    nu_max: Any


def scale_by_amsgrad(
    b1: Any = 0.9,
    b2: Any = 0.999,
    eps: Any = 1e-8,
    eps_root: Any = 0.0,
    mu_dtype: Any = None,
    bias_correction_mu: bool = True,
    bias_correction_nu: bool = True,
) -> GradientTransformation:
    """Adam with the largest mean of squares so far (Reddi et al. 2018, openreview ryQu7f-RZ).

    >>> from funcgrad import optim
    >>> tx = optim.scale_by_amsgrad()
    >>> tx.update(5.0, tx.init(0.0))[0]
    Array(1., dtype=float64)
    """

    def init(params: Any) -> ScaleByAmsgradState:
        zeros = tree_zeros_like(params)
        return ScaleByAmsgradState(_zero(), tree_zeros_like(params, mu_dtype), zeros, zeros)

    def update(updates: Any, state: Any, params: Any = None) -> Any:
        mu = tree_update_moment(updates, state.mu, b1, 1)
        nu = tree_update_moment_per_elem_norm(updates, state.nu, b2, 2)
        count = safe_increment(state.count)
        mu_hat = tree_bias_correction(mu, b1, count) if bias_correction_mu else mu
        nu_hat = tree_bias_correction(nu, b2, count) if bias_correction_nu else nu
        nu_max = tree.map(jnp.maximum, state.nu_max, nu_hat)
        out = _quotient(mu_hat, nu_max, eps, eps_root)
        return out, ScaleByAmsgradState(count, tree_cast(mu, mu_dtype), nu, nu_max)

    return GradientTransformation(init, update)


def scale_by_adamax(b1: Any = 0.9, b2: Any = 0.999, eps: Any = 1e-8) -> GradientTransformation:
    """Adam with the decaying maximum of |g| for the root (Kingma & Ba 2015, section 7.1).

    >>> from funcgrad import optim
    >>> tx = optim.scale_by_adamax()
    >>> tx.update(5.0, tx.init(0.0))[0]
    Array(1., dtype=float64)
    """

    def init(params: Any) -> ScaleByAdamState:
        return ScaleByAdamState(_zero(), tree_zeros_like(params), tree_zeros_like(params))

    def update(updates: Any, state: Any, params: Any = None) -> Any:
        count = safe_increment(state.count)
        mu = tree_update_moment(updates, state.mu, b1, 1)
        nu = tree_update_infinity_moment(updates, state.nu, b2, eps)
        mu_hat = tree_bias_correction(mu, b1, count)
        return map_present(lambda m, v: m / v, mu_hat, nu), ScaleByAdamState(count, mu, nu)

    return GradientTransformation(init, update)


def scale_by_belief(
    b1: Any = 0.9,
    b2: Any = 0.999,
    eps: Any = 1e-16,
    eps_root: Any = 1e-16,
    *,
    nesterov: bool = False,
) -> GradientTransformation:
    """Adam with the spread of the gradients about their mean (Zhuang et al. 2020, arXiv:2010.07468).

    >>> from funcgrad import optim
    >>> tx = optim.scale_by_belief()
    >>> tx.update(5.0, tx.init(0.0))[0]
    Array(1.11111111, dtype=float64)
    """

    def init(params: Any) -> ScaleByBeliefState:
        return ScaleByBeliefState(_zero(), tree_zeros_like(params), tree_zeros_like(params))

    def update(updates: Any, state: Any, params: Any = None) -> Any:
        mu = tree_update_moment(updates, state.mu, b1, 1)
        surprise = map_present(lambda g, m: g - m, updates, mu)
        nu = tree_update_moment_per_elem_norm(surprise, state.nu, b2, 2)
        nu = map_present(lambda v: v + eps_root, nu)
        count = safe_increment(state.count)
        mu_hat = _first_moment(mu, updates, b1, count, nesterov)
        out = _quotient(mu_hat, tree_bias_correction(nu, b2, count), eps, 0.0)
        return out, ScaleByBeliefState(count, mu, nu)

    return GradientTransformation(init, update)


def scale_by_yogi(
    b1: Any = 0.9,
    b2: Any = 0.999,
    eps: Any = 1e-3,
    eps_root: Any = 0.0,
    initial_accumulator_value: Any = 1e-6,
) -> GradientTransformation:
    """Adam whose mean of squares changes by at most (1 - b2) g**2 a step (Zaheer et al. 2018).

    >>> from funcgrad import optim
    >>> tx = optim.scale_by_yogi()
    >>> tx.update(5.0, tx.init(0.0))[0]
    Array(0.99978185, dtype=float64)
    """

    def init(params: Any) -> ScaleByAdamState:
        start = tree_full_like(params, initial_accumulator_value)
        return ScaleByAdamState(_zero(), start, start)

    def squares(g: Any, v: Any) -> Array:
        new = abs_sq(g)
        return v - (1 - b2) * jnp.sign(v - new) * new

    def update(updates: Any, state: Any, params: Any = None) -> Any:
        mu = tree_update_moment(updates, state.mu, b1, 1)
        nu = map_present(squares, updates, state.nu)
        count = safe_increment(state.count)
        mu_hat = tree_bias_correction(mu, b1, count)
        out = _quotient(mu_hat, tree_bias_correction(nu, b2, count), eps, eps_root)
        return out, ScaleByAdamState(count, mu, nu)

    return GradientTransformation(init, update)


def scale_by_radam(
    b1: Any = 0.9,
    b2: Any = 0.999,
    eps: Any = 1e-8,
    eps_root: Any = 0.0,
    threshold: Any = 5.0,
    *,
    nesterov: bool = False,
) -> GradientTransformation:
    """Adam that divides only once the mean of squares is known well (Liu et al. 2020,
    arXiv:1908.03265).

    >>> from funcgrad import optim
    >>> tx = optim.scale_by_radam()
    >>> tx.update(5.0, tx.init(0.0))[0]
    Array(5., dtype=float64)
    """
    limit = 2.0 / (1.0 - b2) - 1.0

    def init(params: Any) -> ScaleByAdamState:
        return ScaleByAdamState(_zero(), tree_zeros_like(params), tree_zeros_like(params))

    def update(updates: Any, state: Any, params: Any = None) -> Any:
        mu = tree_update_moment(updates, state.mu, b1, 1)
        nu = tree_update_moment_per_elem_norm(updates, state.nu, b2, 2)
        count = safe_increment(state.count)
        b2t = b2**count
        length = limit - 2 * count * b2t / (1 - b2t)
        mu_hat = _first_moment(mu, updates, b1, count, nesterov)
        nu_hat = tree_bias_correction(nu, b2, count)
        r = jnp.sqrt(
            (length - 4.0) * (length - 2.0) * limit / ((limit - 4.0) * (limit - 2.0) * length)
        )
        divided = _quotient(mu_hat, nu_hat, eps, eps_root)
        out = map_present(
            lambda d, m: jnp.where(length >= threshold, r.astype(m.dtype) * d, m), divided, mu_hat
        )
        return out, ScaleByAdamState(count, mu, nu)

    return GradientTransformation(init, update)
