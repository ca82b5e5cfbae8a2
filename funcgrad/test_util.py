"""Checks of derivatives against numerical ones: `check_grads`, `check_jvp`, `check_vjp`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

import funcgrad.numpy as fnp
from funcgrad.api.forward import jvp
from funcgrad.api.grad import vjp
from funcgrad.dtypes import float0
from funcgrad.tree_util import tree_leaves, tree_map, tree_structure

__all__ = ["check_grads", "check_jvp", "check_vjp"]

_STEP = 1e-4
# Relative and absolute errors that differences of numbers of a dtype are allowed.
_TOLERANCE = {"float16": 1e-1, "bfloat16": 1e-1, "float32": 1e-2, "complex64": 1e-2}
_FINE = 1e-5


def _tolerance(tree: Any, given: float | None) -> float:
    if given is not None:
        return given
    return max((_TOLERANCE.get(str(x.dtype), _FINE) for x in tree_leaves(tree)), default=_FINE)


def _arrays(tree: Any) -> Any:
    return tree_map(lambda x: np.asarray(x), tree)


def _differentiable(x: Any) -> bool:
    return np.asarray(x).dtype.kind not in "biuV"


def _direction(random: np.random.RandomState, tree: Any) -> Any:
    """A random tangent; integers and booleans have none."""

    def one(x: Any) -> Any:
        x = np.asarray(x)
        if not _differentiable(x):
            return np.zeros(x.shape, float0)
        draw = np.asarray(random.standard_normal(x.shape))
        if x.dtype.kind == "c":
            draw = draw + 1j * random.standard_normal(x.shape)
        return draw.astype(x.dtype)

    return tree_map(one, tree)


def _moved(tree: Any, tangent: Any, eps: float) -> Any:
    def one(x: Any, t: Any) -> Any:
        return x + np.asarray(eps * t, np.asarray(x).dtype) if _differentiable(x) else x

    return tree_map(one, tree, tangent)


def _numerical_jvp(f: Callable[..., Any], args: Any, tangents: Any, eps: float) -> Any:
    """Central differences along the tangents."""
    after, before = f(*_moved(args, tangents, eps)), f(*_moved(args, tangents, -eps))

    def slope(a: Any, b: Any) -> Any:
        a, b = np.asarray(a), np.asarray(b)
        return (a - b) / (2 * eps) if _differentiable(a) else np.zeros(a.shape, float0)

    return tree_map(slope, after, before)


def _close(found: Any, wanted: Any, atol: Any, rtol: Any, message: str) -> None:
    if tree_structure(found) != tree_structure(wanted):
        raise AssertionError(
            f"{message}: the structures differ, {tree_structure(found)} and {tree_structure(wanted)}"
        )
    for a, b in zip(tree_leaves(found), tree_leaves(wanted)):
        a, b = np.asarray(a), np.asarray(b)
        if _differentiable(a) and _differentiable(b):
            np.testing.assert_allclose(
                a,
                b,
                atol=_tolerance([a, b], atol),
                rtol=_tolerance([a, b], rtol),
                err_msg=message,
            )


def _inner(a: Any, b: Any) -> Any:
    """The real part of the sum of the products of all elements."""
    pairs = zip(tree_leaves(a), tree_leaves(b))
    return sum(
        np.sum(np.real(np.asarray(x) * np.asarray(y)))
        for x, y in pairs
        if _differentiable(x) and _differentiable(y)
    )


def check_jvp(
    f: Callable[..., Any],
    f_jvp: Callable[..., Any],
    args: Sequence[Any],
    atol: float | None = None,
    rtol: float | None = None,
    eps: float = _STEP,
    err_msg: str = "",
) -> None:
    """Compare a directional derivative with central differences.

    `f_jvp(args, tangents)` gives the value of `f(*args)` and its tangent; the direction is drawn
    at random, the same at each call.

    Raises:
      AssertionError: where they differ by more than `atol` and `rtol`.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import test_util
    >>> test_util.check_jvp(jnp.sin, lambda p, t: fg.jvp(jnp.sin, p, t), (2.0,))
    """
    args = tuple(args)
    tangents = _direction(np.random.RandomState(0), args)
    value, tangent = f_jvp(args, tangents)
    said = f"{err_msg} " if err_msg else ""
    _close(_arrays(value), _arrays(f(*args)), atol, rtol, f"{said}JVP primal")
    numerical = _numerical_jvp(f, args, tangents, eps)
    _close(_arrays(tangent), numerical, atol, rtol, f"{said}JVP tangent")


def check_vjp(
    f: Callable[..., Any],
    f_vjp: Callable[..., Any],
    args: Sequence[Any],
    atol: float | None = None,
    rtol: float | None = None,
    eps: float = _STEP,
    err_msg: str = "",
) -> None:
    """Compare a pullback with central differences, projected on a random cotangent.

    `f_vjp(*args)` gives the value of `f(*args)` and the function from cotangents to those of the
    arguments.

    Raises:
      AssertionError: where they differ by more than `atol` and `rtol`.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import test_util
    >>> test_util.check_vjp(jnp.sin, lambda x: fg.vjp(jnp.sin, x), (2.0,))
    """
    args = tuple(args)
    random = np.random.RandomState(0)
    value, pullback = f_vjp(*args)
    said = f"{err_msg} " if err_msg else ""
    _close(_arrays(value), _arrays(f(*args)), atol, rtol, f"{said}VJP primal")
    tangents = _direction(random, args)
    slope = _numerical_jvp(f, args, tangents, eps)
    cotangent = _direction(random, tree_map(np.asarray, value))
    pulled = pullback(tree_map(fnp.asarray, cotangent))
    # Rounding is relative to the largest of the numbers that went in.
    ours, theirs = np.asarray(_inner(tangents, pulled)), np.asarray(_inner(slope, cotangent))
    both = [_arrays(value), _arrays(args)]
    np.testing.assert_allclose(
        ours,
        theirs,
        atol=_tolerance(both, atol),
        rtol=_tolerance(both, rtol),
        err_msg=f"{said}VJP cotangent projection",
    )


def check_grads(
    f: Callable[..., Any],
    args: Sequence[Any],
    order: int,
    modes: Sequence[str] = ("fwd", "rev"),
    atol: float | None = None,
    rtol: float | None = None,
    eps: float | None = None,
) -> None:
    """Compare the derivatives of `f` up to `order`, in forward and reverse mode and mixed, with differences.

    Raises:
      AssertionError: where they differ by more than `atol` and `rtol`.
      ValueError: for a mode other than "fwd" and "rev".

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import test_util
    >>> test_util.check_grads(jnp.sin, (2.0,), order=2)
    """
    if wrong := set(modes).difference(("fwd", "rev")):
        raise ValueError(f"modes are 'fwd' and 'rev', got {sorted(wrong)}")
    step = _STEP if eps is None else eps

    def check(f: Callable[..., Any], args: Any, order: int, message: str) -> None:
        for mode in modes:
            said = f"{message} {mode}".strip()
            if mode == "fwd":
                check_jvp(f, partial(jvp, f), args, atol, rtol, step, said)
                if order > 1:
                    tangents = _direction(np.random.RandomState(1), args)
                    along = partial(_along, f, tangents)
                    check(along, args, order - 1, said)
            else:
                check_vjp(f, partial(vjp, f), args, atol, rtol, step, said)
                if order > 1:
                    value = f(*args)
                    cotangent = _direction(np.random.RandomState(1), value)
                    check(partial(_against, f, cotangent), args, order - 1, said)

    check(f, tuple(args), order, "")


def _along(f: Callable[..., Any], tangents: Any, *args: Any) -> Any:
    return jvp(f, args, tangents)


def _against(f: Callable[..., Any], cotangent: Any, *args: Any) -> Any:
    value, pullback = vjp(f, *args)
    pulled = pullback(tree_map(fnp.asarray, cotangent))
    return value, tree_map(lambda x, p: p if _differentiable_type(x) else x, args, pulled)


def _differentiable_type(x: Any) -> bool:
    return fnp.result_type(x).kind not in "biuV"
