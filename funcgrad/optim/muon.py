"""Muon: momentum orthogonalised by Newton-Schulz iterations, for the matrices of a network."""

from __future__ import annotations

from typing import Any, NamedTuple

import funcgrad.numpy as jnp
from funcgrad import tree
from funcgrad.optim.adding import add_decayed_weights
from funcgrad.optim.base import (
    GradientTransformation,
    GradientTransformationExtraArgs,
    ScalarOrSchedule,
    stateless,
)
from funcgrad.optim.combine import chain, partition
from funcgrad.optim.masking import MaskOrFn
from funcgrad.optim.numerics import safe_increment
from funcgrad.optim.optimizers import adamw
from funcgrad.optim.scaling import scale_by_learning_rate
from funcgrad.optim.tree_utils.like import tree_cast, tree_zeros_like
from funcgrad.optim.tree_utils.moments import tree_bias_correction, tree_update_moment

__all__ = ["MuonDimensionNumbers", "MuonState", "muon", "scale_by_muon"]

Array = jnp.ndarray

# The quintic of Jordan et al. 2024: steepest at 0 among those that keep singular values near 1.
QUINTIC = (3.4445, -4.775, 2.0315)


class MuonDimensionNumbers(NamedTuple):
    """Which axes of a leaf are the inputs and the outputs of its matrix.

    >>> from funcgrad.optim import contrib
    >>> contrib.MuonDimensionNumbers()
    MuonDimensionNumbers(reduction_axis=0, output_axis=1)
    """

    reduction_axis: int | tuple[int, ...] = 0
    output_axis: int | tuple[int, ...] = 1


class MuonState(NamedTuple):
    """Steps taken, the mean of the gradients, the coefficients of the iteration."""

    count: Any
    mu: Any
    ns_coeffs: Any


def _axes(x: Any, numbers: MuonDimensionNumbers | None) -> tuple[tuple[int, ...], tuple[int, ...]]:
    numbers = numbers or MuonDimensionNumbers()
    if numbers == MuonDimensionNumbers() and jnp.ndim(x) != 2:
        raise ValueError(
            f"Muon needs matrices, got shape {jnp.shape(x)}: say with MuonDimensionNumbers which axes "
            "are inputs and outputs, or leave the leaf to Adam"
        )
    found = []
    for axis in numbers:
        axes = (axis,) if isinstance(axis, int) else tuple(axis)
        found.append(tuple(a % jnp.ndim(x) for a in axes))
    return found[0], found[1]


def _as_matrices(x: Array, numbers: MuonDimensionNumbers | None) -> tuple[Array, Any]:
    """`[..., inputs, outputs]`, and the way back."""
    inputs, outputs = _axes(x, numbers)
    rest = tuple(i for i in range(x.ndim) if i not in inputs + outputs)
    order = rest + inputs + outputs
    moved = jnp.transpose(x, order)
    n = len(rest)
    matrices = moved.reshape(*moved.shape[:n], _size(x, inputs), _size(x, outputs))
    inverse = tuple(order.index(i) for i in range(x.ndim))
    return matrices, lambda y: jnp.transpose(y.reshape(moved.shape), inverse)


def _size(x: Any, axes: tuple[int, ...]) -> int:
    size = 1
    for axis in axes:
        size *= jnp.shape(x)[axis]
    return size


def _orthogonalized(x: Array, coefficients: Array, steps: int, eps: Any, norm: str) -> Array:
    """Newton-Schulz: x with its singular values driven towards 1."""
    tall = x.shape[-2] > x.shape[-1]
    if tall:
        x = jnp.swapaxes(x, -1, -2)
    gram = None
    if norm == "schatten":  # a tighter bound of the largest singular value
        gram = x @ jnp.swapaxes(x, -1, -2)
        x = x / (jnp.sum(gram**2, axis=(-1, -2), keepdims=True) ** 0.25 + eps)
    else:
        x = x / (jnp.sqrt(jnp.sum(x**2, axis=(-1, -2), keepdims=True)) + eps)
    rows = jnp.broadcast_to(coefficients, (steps, 3)) if coefficients.ndim == 1 else coefficients
    for a, b, c in rows.astype(x.dtype):
        gram = x @ jnp.swapaxes(x, -1, -2)
        x = a * x + (b * gram + c * gram @ gram) @ x
    return jnp.swapaxes(x, -1, -2) if tall else x


def scale_by_muon(
    ns_coeffs: Any = QUINTIC,
    ns_steps: int = 5,
    beta: Any = 0.95,
    eps: Any = 1e-8,
    mu_dtype: Any = None,
    *,
    nesterov: bool = True,
    adaptive: bool = False,
    preconditioning: str = "frobenius",
    weight_dimension_numbers: Any = None,
) -> GradientTransformation:
    """The mean of the gradients with its singular values driven to 1 (Jordan et al. 2024,
    kellerjordan.github.io/posts/muon).

    Args:
      ns_coeffs: three coefficients of the quintic, or three for each step.
      adaptive: multiply by the inner product with the mean (the nuclear norm, nearly).
      preconditioning: the norm that is divided by first, "frobenius" or "schatten".
      weight_dimension_numbers: a tree of `MuonDimensionNumbers` for leaves that are no matrices.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.optim import contrib
    >>> tx = contrib.scale_by_muon()
    >>> updates, _ = tx.update(jnp.eye(2) * 5.0, tx.init(jnp.zeros((2, 2))))
    >>> bool(jnp.all(jnp.abs(jnp.linalg.svd(updates)[1] - 1) < 0.35))
    True
    """
    if preconditioning not in ("frobenius", "schatten"):
        raise ValueError(f"preconditioning is 'frobenius' or 'schatten', not {preconditioning!r}")

    def init(params: Any) -> MuonState:
        return MuonState(
            jnp.zeros([], jnp.int32), tree_zeros_like(params, mu_dtype), jnp.asarray(ns_coeffs)
        )

    def leaf(m: Any, numbers: Any, coefficients: Any) -> Array:
        x, back = _as_matrices(m, numbers)
        out = _orthogonalized(x, coefficients, ns_steps, eps, preconditioning)
        if adaptive:
            out = jnp.sum(x * out, axis=(-1, -2), keepdims=True) * out
        return back(out)

    def update(updates: Any, state: Any, params: Any = None) -> Any:
        mu = tree_update_moment(updates, state.mu, beta, 1)
        count = safe_increment(state.count)
        if nesterov:
            ahead = tree_bias_correction(mu, beta, safe_increment(count))
            now = tree_bias_correction(updates, beta, count)
            mean = tree.map(lambda m, g: beta * m + (1 - beta) * g, ahead, now)
        else:
            mean = tree_bias_correction(mu, beta, count)
        out = _map_numbered(
            lambda m, n: leaf(m, n, state.ns_coeffs), mean, weight_dimension_numbers
        )
        return out, MuonState(count, tree_cast(mu, mu_dtype), state.ns_coeffs)

    return GradientTransformation(init, update)


def _map_numbered(f: Any, values: Any, numbers: Any) -> Any:
    """f(leaf, its dimension numbers): one for all, a tree of them, or a function that makes it."""
    numbers = numbers(values) if callable(numbers) else numbers
    if numbers is None or isinstance(numbers, MuonDimensionNumbers):
        return tree.map(lambda x: f(x, numbers), values)
    return tree.map(
        lambda n, x: f(x, n),
        numbers,
        values,
        is_leaf=lambda n: n is None or isinstance(n, MuonDimensionNumbers),
    )


def _scale_by_shape(numbers: Any, consistent_rms: Any) -> GradientTransformation:
    """Steps of one size whatever the shape: by sqrt(outputs / inputs), or of one root mean square."""

    def leaf(g: Any, n: Any) -> Any:
        inputs, outputs = (_size(g, axes) for axes in _axes(g, n))
        if consistent_rms is not None:
            return g * (max(inputs, outputs) ** 0.5 * consistent_rms)
        return g * max(1.0, outputs / inputs) ** 0.5

    return stateless(lambda updates, _: _map_numbered(leaf, updates, numbers))


def muon(
    learning_rate: ScalarOrSchedule,
    ns_coeffs: Any = QUINTIC,
    ns_steps: int = 5,
    beta: Any = 0.95,
    eps: Any = 1e-8,
    weight_decay: ScalarOrSchedule = 0.0,
    weight_decay_mask: MaskOrFn | None = None,
    mu_dtype: Any = None,
    *,
    nesterov: bool = True,
    adaptive: bool = False,
    preconditioning: str = "frobenius",
    adam_b1: Any = 0.9,
    adam_b2: Any = 0.999,
    adam_eps_root: Any = 0.0,
    adam_weight_decay: ScalarOrSchedule = 0.0,
    adam_learning_rate: ScalarOrSchedule | None = None,
    muon_weight_dimension_numbers: Any = None,
    consistent_rms: Any = None,
) -> GradientTransformationExtraArgs:
    """`scale_by_muon` for matrices, Adam for all other leaves (Jordan et al. 2024).

    Args:
      adam_learning_rate: by default `learning_rate`.
      muon_weight_dimension_numbers: a tree of `MuonDimensionNumbers`, None for leaves left to Adam,
        or a function of the parameters that makes it; by default matrices are Muon's.
      consistent_rms: the root mean square of a step, 0.2 for that of Adam (Liu et al. 2025,
        arXiv:2502.16982); by default steps are scaled by sqrt(max(1, outputs / inputs)).

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.optim import contrib
    >>> state = contrib.muon(0.1).init({"w": jnp.ones((2, 2)), "b": jnp.ones(2)})
    >>> sorted(state.inner_states)
    ['adam', 'muon']
    """
    given = muon_weight_dimension_numbers

    def is_numbers(n: Any) -> bool:
        return n is None or isinstance(n, MuonDimensionNumbers)

    def labels(params: Any) -> Any:
        if given is None:
            return tree.map(lambda p: "muon" if jnp.ndim(p) == 2 else "adam", params)
        numbers = given(params) if callable(given) else given
        return tree.map(lambda n: "adam" if n is None else "muon", numbers, is_leaf=is_numbers)

    def chosen(values: Any) -> Any:
        """The dimension numbers of the leaves that Muon sees; Adam's are masked out."""
        if given is None:
            return MuonDimensionNumbers()
        numbers = given(values) if callable(given) else given
        return tree.map(lambda n, x: n if n is not None else x, numbers, values, is_leaf=is_numbers)

    matrices = chain(
        scale_by_muon(
            ns_coeffs,
            ns_steps,
            beta,
            eps,
            mu_dtype,
            nesterov=nesterov,
            adaptive=adaptive,
            preconditioning=preconditioning,
            weight_dimension_numbers=chosen,
        ),
        _scale_by_shape(chosen, consistent_rms),
        add_decayed_weights(weight_decay, weight_decay_mask),
        scale_by_learning_rate(learning_rate),
    )
    others = adamw(
        learning_rate if adam_learning_rate is None else adam_learning_rate,
        b1=adam_b1,
        b2=adam_b2,
        eps=eps,
        eps_root=adam_eps_root,
        weight_decay=adam_weight_decay,
        mu_dtype=mu_dtype,
        nesterov=nesterov,
    )
    return partition({"muon": matrices, "adam": others}, labels)
