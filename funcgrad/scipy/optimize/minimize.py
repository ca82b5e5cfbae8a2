"""BFGS and L-BFGS as programs: they go under `jit` and `vmap`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

import funcgrad.numpy as fnp
from funcgrad import lax
from funcgrad.api import value_and_grad
from funcgrad.numpy import ndarray as Array

__all__ = ["OptimizeResults", "minimize"]

# Nocedal & Wright, Numerical Optimization (2006): the constants of Wolfe's conditions.
_DECREASE, _CURVATURE = 1e-4, 0.9
_CONVERGED, _TOO_MANY, _NO_STEP = 0, 1, 3


class OptimizeResults(NamedTuple):
    """What `minimize` found.

    `x`, `fun` and `jac` are the point, the value and the gradient; `hess_inv` the approximate inverse of the
    Hessian (None for L-BFGS); `success` whether the gradient is small; `status` 0 then, 1 after too many
    iterations, 3 where no step led further down; `nfev`, `njev` and `nit` count evaluations of the function,
    of the gradient, and iterations.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.optimize import minimize
    >>> minimize(lambda x: ((x - 1) ** 2).sum(), jnp.zeros(2), method="BFGS").success
    Array(True, dtype=bool)
    """

    x: Array
    success: Any
    status: Any
    fun: Array
    jac: Array
    hess_inv: Any
    nfev: Any
    njev: Any
    nit: Any


def minimize(
    fun: Callable[..., Any],
    x0: Array,
    args: tuple[Any, ...] = (),
    *,
    method: str,
    tol: float | None = None,
    options: Mapping[str, Any] | None = None,
) -> OptimizeResults:
    """A local minimum of a function of a vector.

    Args:
      fun: `fun(x, *args)` returns a number.
      x0: where to begin, a floating vector.
      args: further arguments of the function.
      method: "BFGS", or "l-bfgs-experimental-do-not-rely-on-this".
      tol: the norm of the gradient at which to stop; the same as the option `gtol` (1e-5).
      options: `gtol`; `maxiter` (200 times the size); `norm`, the order of the norm (infinity, for L-BFGS 2);
        `line_search_maxiter` (for L-BFGS `maxls`), 20; for L-BFGS also `maxcor`, how many steps it remembers
        (10), `ftol`, the relative decrease at which it stops (2.2e-9), `maxfun` and `maxgrad`.
    Raises:
      ValueError: for another method. TypeError: for `args` that are no tuple, unknown options, and x0 that
      are not floating vectors.

    Steps fulfil Wolfe's conditions. Goes under `jit` and `vmap`; to differentiate a minimum by what the
    function holds see `lax.custom_root`.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.optimize import minimize
    >>> minimize(lambda x, a: ((x - a) ** 2).sum(), jnp.zeros(2), (3.0,), method="BFGS").x
    Array([3., 3.], dtype=float64)
    """
    if not isinstance(args, tuple):
        raise TypeError(f"args argument to minimize must be a tuple, got {args}")
    start = fnp.asarray(x0)
    if start.ndim != 1 or not fnp.issubdtype(start.dtype, fnp.floating):
        raise TypeError(
            "minimize takes a vector of floating-point numbers x0, got "
            f"{start.dtype.name}{list(start.shape)}: use ravel_pytree, and astype."
        )
    chosen = dict(options or {})
    if tol is not None:
        chosen.setdefault("gtol", tol)
    # Traced once, whatever calls it.
    objective = value_and_grad(lambda x: fun(x, *args))
    if method.lower() == "bfgs":
        return _bfgs(objective, start, **chosen)
    if method.lower() == "l-bfgs-experimental-do-not-rely-on-this":
        return _lbfgs(objective, start, **chosen)
    raise ValueError(f"Method {method} not recognized")


class _State(NamedTuple):
    """Where a descent stands; `memory` is what the method knows of the curvature."""

    x: Any
    f: Any
    g: Any
    memory: Any
    nit: Any
    nfev: Any
    status: Any


def _bfgs(
    objective: Callable[[Array], Any],
    x0: Array,
    maxiter: int | None = None,
    norm: float = np.inf,
    gtol: float = 1e-5,
    line_search_maxiter: int = 20,
) -> OptimizeResults:
    one = fnp.eye(x0.size, dtype=x0.dtype)

    def update(h: Array, s: Array, y: Array, first: Array) -> Array:
        sy = fnp.dot(s, y)
        useful = sy > 0
        rho = fnp.where(useful, 1 / fnp.where(useful, sy, 1), 0.0)
        # The scale of the first step's curvature, before anything else is known.
        h = fnp.where(first & useful, one * sy / fnp.where(useful, fnp.dot(y, y), 1), h)
        turn = one - rho * fnp.outer(s, y)
        return fnp.where(useful, turn @ h @ turn.T + rho * fnp.outer(s, s), h)

    limit = 200 * x0.size if maxiter is None else maxiter
    state = _descend(
        objective, x0, one, lambda h, g: -(h @ g), update, limit, norm, gtol, line_search_maxiter
    )
    return _results(state, state.memory)


def _lbfgs(
    objective: Callable[[Array], Any],
    x0: Array,
    maxiter: float | None = None,
    norm: float = 2,
    maxcor: int = 10,
    ftol: float = 2.220446049250313e-09,
    gtol: float = 1e-05,
    maxfun: float | None = None,
    maxgrad: float | None = None,
    maxls: int = 20,
) -> OptimizeResults:
    zeros = fnp.zeros((maxcor, x0.size), x0.dtype)
    memory = (zeros, zeros, fnp.zeros(maxcor, x0.dtype), fnp.ones((), x0.dtype))

    def direction(memory: Any, g: Array) -> Array:
        """The two loops of Nocedal & Wright, algorithm 7.4, the newest step last."""
        steps, changes, rhos, scale = memory

        def down(q: Array, k: Array) -> tuple[Array, Array]:
            a = rhos[k] * fnp.dot(steps[k], q)
            return q - a * changes[k], a

        q, alphas = lax.scan(down, g, fnp.arange(maxcor), reverse=True)

        def up(r: Array, k: Array) -> tuple[Array, None]:
            b = rhos[k] * fnp.dot(changes[k], r)
            return r + (alphas[k] - b) * steps[k], None

        return -lax.scan(up, q * scale, fnp.arange(maxcor))[0]

    def update(memory: Any, s: Array, y: Array, first: Array) -> Any:
        steps, changes, rhos, _ = memory
        sy = fnp.dot(s, y)
        useful = sy > 0
        safe = fnp.where(useful, sy, 1)
        pushed = (
            fnp.concatenate([steps[1:], s[None]]),
            fnp.concatenate([changes[1:], y[None]]),
            fnp.concatenate([rhos[1:], (1 / safe)[None]]),
            safe / fnp.where(useful, fnp.dot(y, y), 1),
        )
        return tuple(fnp.where(useful, a, b) for a, b in zip(pushed, memory, strict=True))

    limit = min(
        200 * x0.size if maxiter is None else maxiter,
        np.inf if maxfun is None else maxfun,
        np.inf if maxgrad is None else maxgrad,
    )
    state = _descend(objective, x0, memory, direction, update, limit, norm, gtol, maxls, ftol)
    return _results(state, None)


def _results(state: _State, hess_inv: Any) -> OptimizeResults:
    status = state.status.astype(state.nit.dtype)
    return OptimizeResults(
        x=state.x,
        success=status == _CONVERGED,
        status=status,
        fun=state.f,
        jac=state.g,
        hess_inv=hess_inv,
        nfev=state.nfev,
        njev=state.nfev,
        nit=state.nit,
    )


def _descend(
    objective: Callable[[Array], Any],
    x0: Array,
    memory: Any,
    direction: Callable[[Any, Array], Array],
    update: Callable[[Any, Array, Array, Array], Any],
    maxiter: float,
    norm: float,
    gtol: float,
    max_trials: int,
    ftol: float = 0.0,
) -> _State:
    """Steps along `direction(memory, gradient)` until the gradient is small."""
    f, g = objective(x0)
    # A status below zero says that it goes on.
    small = fnp.linalg.norm(g, ord=norm) < gtol
    state = _State(
        x0, f, g, memory, fnp.asarray(0), fnp.asarray(1), fnp.where(small, _CONVERGED, -1)
    )

    def step(state: _State) -> _State:
        d = direction(state.memory, state.g)
        # Rounding may have spoiled the memory: the gradient itself always leads down.
        d = fnp.where(fnp.dot(d, state.g) < 0, d, -state.g)
        length = fnp.where(state.nit == 0, 1 / fnp.maximum(fnp.abs(d).sum(), 1), 1.0)
        x, f, g, trials, down = _line_search(
            objective, state.x, state.f, state.g, d, length.astype(x0.dtype), max_trials
        )
        memory = update(state.memory, x - state.x, g - state.g, state.nit == 0)
        nit = state.nit + 1
        flat = state.f - f <= ftol * fnp.maximum(fnp.maximum(fnp.abs(f), fnp.abs(state.f)), 1)
        small = fnp.linalg.norm(g, ord=norm) < gtol
        converged = small | (flat & down if ftol else False)
        status = fnp.where(
            converged,
            _CONVERGED,
            fnp.where(~down, _NO_STEP, fnp.where(nit >= maxiter, _TOO_MANY, -1)),
        )
        return _State(x, f, g, memory, nit, state.nfev + trials, status)

    done: _State = lax.while_loop(lambda s: (s.status < 0) & (s.nit < maxiter), step, state)
    return done._replace(status=fnp.where(done.status < 0, _TOO_MANY, done.status))


def _line_search(
    objective: Callable[[Array], Any],
    x: Array,
    f: Array,
    g: Array,
    d: Array,
    length: Array,
    max_trials: int,
) -> tuple[Array, Array, Array, Array, Array]:
    """A step that fulfils the weak conditions of Wolfe, by doubling and bisection.

    A. Lewis, M. Overton, Math. Program. 141 (2013). Returns the point, its value and gradient, the number of
    trials, and whether it lies lower; the point itself where no trial does.
    """
    slope = fnp.dot(g, d)

    def unfinished(state: Any) -> Array:
        *_, trials, found = state
        return ~found & (trials < max_trials)

    def trial(state: Any) -> Any:
        low, high, t, best, trials, _ = state
        new = x + t * d
        value, gradient = objective(new)
        # A NaN counts as too high.
        enough = value <= f + _DECREASE * t * slope
        steep = fnp.dot(gradient, d) < _CURVATURE * slope
        low, high = fnp.where(enough, t, low), fnp.where(enough, high, t)
        better = value < best[1]
        best = tuple(
            fnp.where(better, a, b) for a, b in zip((new, value, gradient), best, strict=True)
        )
        t = fnp.where(fnp.isinf(high), 2 * low, (low + high) / 2)
        return low, high, t, best, trials + 1, enough & ~steep

    infinite = fnp.full((), np.inf, x.dtype)
    start = (
        fnp.zeros((), x.dtype),
        infinite,
        length,
        (x, f, g),
        fnp.asarray(0),
        fnp.asarray(False),
    )
    *_, best, trials, _ = lax.while_loop(unfinished, trial, start)
    return (*best, trials, best[1] < f)
