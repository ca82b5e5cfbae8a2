"""Bridges to other libraries: SciPy's optimizers over pytrees, with exact derivatives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

import funcgrad.numpy as fnp
from funcgrad.api import grad, hessian, jacrev, jit, jvp, value_and_grad
from funcgrad.core.optional import require
from funcgrad.flatten_util import ravel_pytree
from funcgrad.tree_util import tree_flatten_with_path, tree_leaves, tree_map, tree_structure

__all__ = ["scipy_minimize"]

# What each method of SciPy asks for beside the value; the others take the gradient.
_WITHOUT_GRADIENT = {"nelder-mead", "powell", "cobyla", "cobyqa"}
_WITH_PRODUCTS = {"newton-cg", "trust-ncg", "trust-krylov", "trust-constr"}
_WITH_HESSIAN = {"dogleg", "trust-exact"}


def scipy_minimize(
    fun: Callable[..., Any],
    params: Any,
    args: tuple[Any, ...] = (),
    *,
    method: str | None = None,
    bounds: Any = None,
    constraints: Any = (),
    tol: float | None = None,
    callback: Callable[[Any], Any] | None = None,
    options: Mapping[str, Any] | None = None,
) -> Any:
    """`scipy.optimize.minimize` of a function of a pytree, with exact derivatives. Needs SciPy.

    The gradient, and Hessian-vector products or the Hessian where the method takes them (Newton-CG, trust-ncg,
    trust-krylov, trust-constr; dogleg, trust-exact), are those of `fun`, compiled once. SciPy works in float64;
    `fun` sees the dtypes of `params`.

    Args:
      fun: `fun(params, *args)` returns a real number.
      params: where to begin, a pytree of floating-point arrays.
      args: further arguments of the function.
      method, tol, options: those of SciPy.
      bounds: a pair of pytrees of the structure of `params`, the lower and the upper bounds, whose leaves broadcast
        to those of `params` (infinite where there is none); or one number or None for either.
      constraints: dicts as SciPy takes them, `{"type": "eq" or "ineq", "fun": f}`, where f is a function of the
        pytree and its Jacobian is computed; or SciPy's own objects, of the flat vector.
      callback: called with the pytree after each iteration; True stops.
    Returns:
      SciPy's OptimizeResult, where `x`, and `jac` if there is one, are pytrees. What else it has is about the
      flat vector of `ravel_pytree(params)`.
    Raises:
      TypeError: for leaves that are not floating-point arrays, and a `fun` that does not return a number.
      ValueError: for bounds that do not fit. MissingExtraError: without SciPy.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.interop import scipy_minimize
    >>> loss = lambda p: ((p["a"] - 1) ** 2).sum() + (p["b"] - 2) ** 2
    >>> result = scipy_minimize(loss, {"a": jnp.zeros(2), "b": 0.0}, method="BFGS")
    >>> bool(result.success), result.x["a"].round(6)
    (True, Array([1., 1.], dtype=float64))
    """
    optimize = require("scipy.optimize", "scipy")
    params = _floating(params)
    vector, unravel = ravel_pytree(params)
    dtype = vector.dtype

    def objective(v: Any) -> Any:
        out = fun(unravel(v.astype(dtype)), *args)
        if fnp.shape(out) != () or not fnp.issubdtype(fnp.result_type(out), np.floating):
            raise TypeError(
                "the function to minimize must return a real number, got "
                f"{fnp.result_type(out)}{list(fnp.shape(out))}: take its sum or mean."
            )
        return fnp.asarray(out).astype(float)

    choice = "" if method is None else method.lower() if isinstance(method, str) else "custom"
    derivatives: dict[str, Any] = {}
    if choice not in _WITHOUT_GRADIENT:
        both = jit(value_and_grad(objective))
        derivatives["jac"] = True
        function = lambda v: _to_numpy(both(v))
    else:
        value = jit(objective)
        function = lambda v: _to_numpy(value(v))
    if choice in _WITH_PRODUCTS:
        product = jit(lambda v, t: jvp(grad(objective), (v,), (t,))[1])
        derivatives["hessp"] = lambda v, t: _to_numpy(product(v, np.asarray(t, np.float64)))
    if choice in _WITH_HESSIAN:
        second = jit(hessian(objective))
        derivatives["hess"] = lambda v: _to_numpy(second(v))
    if callback is not None:
        called = callback
        # Named as SciPy's oldest form, in which the point comes alone.
        derivatives["callback"] = lambda xk, *state: called(unravel(fnp.asarray(xk).astype(dtype)))
    result = optimize.minimize(
        function,
        np.asarray(vector, np.float64),
        method=method,
        bounds=_flat_bounds(bounds, params),
        constraints=_flat_constraints(constraints, unravel, dtype),
        tol=tol,
        options=None if options is None else dict(options),
        **derivatives,
    )
    for name in ("x", "jac"):
        found = result.get(name)
        if isinstance(found, np.ndarray) and found.shape == vector.shape:
            result[name] = unravel(fnp.asarray(found).astype(dtype))
    return result


def _floating(params: Any) -> Any:
    for path, leaf in tree_flatten_with_path(params)[0]:
        if not fnp.issubdtype(fnp.result_type(leaf), np.floating):
            where = "".join(map(str, path)) or "the argument itself"
            raise TypeError(
                f"scipy_minimize takes floating-point parameters, got {fnp.result_type(leaf)} at {where}: "
                "give the others in `args`."
            )
    return tree_map(fnp.asarray, params)


def _to_numpy(tree: Any) -> Any:
    """Numbers and arrays as SciPy takes them; it may write into the arrays."""
    return tree_map(lambda x: float(x) if fnp.ndim(x) == 0 else np.array(x, np.float64), tree)


def _flat_bounds(bounds: Any, params: Any) -> Any:
    if bounds is None:
        return None
    if not isinstance(bounds, tuple | list) or len(bounds) != 2:
        raise ValueError("bounds must be a pair: the lower and the upper ones.")
    sides = []
    for side, missing in zip(bounds, (-np.inf, np.inf), strict=True):
        side = missing if side is None else side
        if isinstance(side, int | float):
            leaves = [side] * len(tree_leaves(params))
        elif tree_structure(side) == tree_structure(params):
            leaves = tree_leaves(side)
        else:
            raise ValueError(
                f"bounds must have the structure of the parameters, {tree_structure(params)}, "
                f"got {tree_structure(side)}"
            )
        shapes = [fnp.shape(x) for x in tree_leaves(params)]
        flat = [np.broadcast_to(b, shape).ravel() for b, shape in zip(leaves, shapes, strict=True)]
        sides.append(np.concatenate(flat).astype(np.float64))
    return list(zip(*sides, strict=True))


def _flat_constraints(constraints: Any, unravel: Callable[[Any], Any], dtype: Any) -> Any:
    if isinstance(constraints, Mapping):
        return _flat_constraint(constraints, unravel, dtype)
    if isinstance(constraints, Sequence):
        return [_flat_constraints(c, unravel, dtype) for c in constraints]
    return constraints


def _flat_constraint(constraint: Mapping[str, Any], unravel: Any, dtype: Any) -> dict[str, Any]:
    args = constraint.get("args", ())

    def values(v: Any) -> Any:
        return fnp.ravel(constraint["fun"](unravel(v.astype(dtype)), *args)).astype(float)

    compiled, jacobian = jit(values), jit(jacrev(values))
    return {
        "type": constraint["type"],
        "fun": lambda v: _to_numpy(compiled(v)),
        "jac": lambda v: _to_numpy(jacobian(v)),
    }
