"""Ordinary differential equations: `odeint`, with gradients by the adjoint equation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

import funcgrad.numpy as jnp
from funcgrad import lax, tree_util
from funcgrad.api import custom_vjp, vjp, vmap
from funcgrad.api.custom_gradient import closure_convert
from funcgrad.flatten_util import ravel_pytree
from funcgrad.numpy import ndarray

__all__ = ["odeint"]

# The Dormand-Prince pair of orders 5 and 4 (Dormand and Prince 1980): stages, the solution of order 5,
# its difference from that of order 4, and the interpolant of order 4 (Shampine 1986, table 2).
_NODES = (1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0)
_STAGES = (
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
)
_SOLUTION = (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84)
_ERROR = np.array([-71 / 57600, 0, 71 / 16695, -71 / 1920, 17253 / 339200, -22 / 525, 1 / 40])
_INTERPOLANT = np.array([
    [1, -8048581381 / 2820520608, 8663915743 / 2820520608, -12715105075 / 11282082432],
    [0, 0, 0, 0],
    [0, 131558114200 / 32700410799, -68118460800 / 10900136933, 87487479700 / 32700410799],
    [0, -1754552775 / 470086768, 14199869525 / 1410260304, -10690763975 / 1880347072],
    [0, 127303824393 / 49829197408, -318862633887 / 49829197408, 701980252875 / 199316789632],
    [0, -282668133 / 205662961, 2019193451 / 616988883, -1453857185 / 822651844],
    [0, 40617522 / 29380423, -110615467 / 29380423, 69997945 / 29380423],
])  # fmt: skip

_ORDER = 5
_SAFETY, _SHRINK, _GROW = 0.9, 0.2, 10.0

_Flow = Callable[..., Any]


def odeint(
    func: Callable[..., Any],
    y0: Any,
    t: Any,
    *args: Any,
    rtol: float = 1.4e-8,
    atol: float = 1.4e-8,
    mxstep: float = np.inf,
    hmax: float = np.inf,
) -> Any:
    """The solution of dy/dt = func(y, t, *args), y(t[0]) = y0, at the times `t`.

    Adaptive steps of the Dormand-Prince method of order 5(4). Gradients with respect to `y0`, `t` and
    `args` come from solving the adjoint equation backwards in time: their memory does not grow with
    the number of steps (Pontryagin; Chen et al. 2018). What `func` closes over is differentiated, too.

    Args:
      func: gives dy/dt, a pytree of the structure of y.
      y0: the value at `t[0]`, a pytree of arrays.
      t: times, a strictly increasing array of floats.
      *args: further arguments of `func`, pytrees of arrays.
      rtol, atol: the error of a step is kept below atol + rtol |y|, in the root mean square.
      mxstep: the greatest number of steps from one time to the next. Where it does not suffice, the
        solution is NaN from there on.
      hmax: the longest step.

    Returns:
      A pytree like `y0` whose leaves have a leading axis of the length of `t`.

    Raises:
      TypeError: for times that are not floating, or arguments that are no arrays.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.experimental.ode import odeint
    >>> odeint(lambda y, t: -y, 1.0, jnp.array([0.0, 1.0, 2.0]))
    Array([1.        , 0.36787944, 0.13533528], dtype=float64)
    """
    for arg in tree_util.tree_leaves(args):
        if not isinstance(arg, (ndarray, np.ndarray, np.generic, int, float, complex)):
            raise TypeError(
                "The contents of odeint *args must be arrays or scalars, but got\n"
                f"{arg}. Close over it instead."
            )
    t = jnp.asarray(t)
    if not jnp.issubdtype(t.dtype, jnp.floating):
        raise TypeError(f"t must be an array of floats, but got {t}.")
    if t.ndim != 1 or not t.shape[0]:
        raise ValueError(f"t must be an array of at least one time, but has the shape {t.shape}.")
    y0 = tree_util.tree_map(_inexact, y0)
    flow, consts = closure_convert(func, y0, t[0], *args)
    return _solve(flow, rtol, atol, mxstep, hmax, y0, t, *args, *consts)


def _inexact(x: Any) -> Any:
    x = jnp.asarray(x)
    return x if jnp.issubdtype(x.dtype, jnp.inexact) else x.astype(float)


@partial(custom_vjp, nondiff_argnums=(0, 1, 2, 3, 4))
def _solve(
    func: _Flow, rtol: float, atol: float, mxstep: float, hmax: float, y0: Any, t: Any, *args: Any
) -> Any:
    vector, unravel = ravel_pytree(y0)

    def flow(y: Any, s: Any) -> Any:
        return ravel_pytree(func(unravel(y), s, *args))[0].astype(y.dtype)

    return vmap(unravel)(_integrate(flow, vector, t, (rtol, atol, mxstep, hmax)))


def _forward(
    func: _Flow, rtol: float, atol: float, mxstep: float, hmax: float, y0: Any, t: Any, *args: Any
) -> Any:
    ys = _solve(func, rtol, atol, mxstep, hmax, y0, t, *args)
    return ys, (ys, t, args)


def _backward(
    func: _Flow, rtol: float, atol: float, mxstep: float, hmax: float, res: Any, ct: Any
) -> Any:
    """The adjoint equation a' = -(df/dy)^T a backwards in time, with the integral of (df/dargs)^T a.

    At each time of `t` the cotangent that arrived there is added to a. y is solved again along.
    """
    ys, t, args = res
    leaves, tree = tree_util.tree_flatten(args)
    moving = [jnp.issubdtype(jnp.result_type(x), jnp.inexact) for x in leaves]
    inexact = [x for x, m in zip(leaves, moving, strict=True) if m]

    def dynamics(y: Any, s: Any, values: Sequence[Any]) -> Any:
        given = iter(values)
        full = [next(given) if m else x for x, m in zip(leaves, moving, strict=True)]
        return func(y, s, *tree_util.tree_unflatten(tree, full))

    def adjoint(state: Any, minus_s: Any, values: Any) -> Any:
        """Time runs backwards: by the rule of d/d(-s) every right-hand side has the other sign."""
        y, a, *_ = state
        dy, pull = vjp(dynamics, y, -minus_s, values)
        return (tree_util.tree_map(jnp.negative, dy), *pull(a))

    def one(carry: Any, i: Any) -> Any:
        a, t0, of_values = carry
        y = tree_util.tree_map(lambda v: v[i], ys)
        given = tree_util.tree_map(lambda c: c[i], ct)
        # What a later time gains here the start loses.
        slope = _dot(dynamics(y, t[i], inexact), given)
        state = (y, a, t0 - slope, of_values)
        times = jnp.stack([-t[i], -t[i - 1]])
        _, *new = _solve(adjoint, rtol, atol, mxstep, hmax, state, times, inexact)
        a, t0, of_values = tree_util.tree_map(lambda v: v[1], new)
        a = tree_util.tree_map(lambda v, c: v + c[i - 1], a, ct)
        return (a, t0, of_values), slope

    last = tree_util.tree_map(lambda c: c[-1], ct)
    zero = jnp.zeros((), t.dtype)
    start = (last, zero, tree_util.tree_map(jnp.zeros_like, inexact))
    (a, t0, of_values), slopes = lax.scan(one, start, jnp.arange(t.shape[0] - 1, 0, -1))
    of_t = jnp.concatenate([t0[None], slopes[::-1].astype(t.dtype)])
    found = iter(of_values)
    of_args = [next(found) if m else None for m in moving]
    return (a, of_t, *_tuple(tree, of_args))


_solve.defvjp(_forward, _backward)


def _dot(f: Any, ct: Any) -> Any:
    """<f, ct>, summed over the leaves."""
    products = tree_util.tree_map(lambda x, y: jnp.sum(x * y).real, f, ct)
    return sum(tree_util.tree_leaves(products))


def _tuple(tree: Any, leaves: Sequence[Any]) -> tuple[Any, ...]:
    """The cotangents of `args`, None in the place of leaves that have none."""
    return tuple(tree.unflatten(leaves))


def _integrate(flow: _Flow, y0: Any, t: Any, control: tuple[float, float, float, float]) -> Any:
    """The solution at the times `t` as rows, for one vector."""
    rtol, atol, mxstep, hmax = control
    real = jnp.abs(y0[:0]).dtype

    def step(state: Any) -> Any:
        n, y, f, s, h, *_ = state
        new, stages = _stages(flow, y, f, s, h)
        error = _norm(h * (_ERROR.astype(real) @ stages), _scale(y, new, rtol, atol))
        factor = _SAFETY * jnp.maximum(error, 1e-20) ** (-1 / _ORDER)
        accepted = error <= 1.0
        factor = jnp.clip(factor, _SHRINK, jnp.where(accepted, _GROW, 1.0))
        # A step into NaN is too long, too.
        longer = h * jnp.where(jnp.isnan(error), _SHRINK, factor)
        after = (new, stages[-1], s + h, y, s, h, stages)
        before = (y, f, s, *state[5:])
        y, f, s, *dense = [jnp.where(accepted, x, z) for x, z in zip(after, before, strict=True)]
        return (n + 1, y, f, s, jnp.minimum(longer, hmax).astype(h.dtype), *dense)

    def reach(state: Any, target: Any) -> Any:
        def going(state: Any) -> Any:
            n, _, _, s, h, *_ = state
            return (s < target) & (n < mxstep) & (s + h > s)

        state = lax.while_loop(going, step, (jnp.zeros((), int), *state))
        _, y, f, s, h, y1, s1, h1, stages = state
        theta = (target - s1) / jnp.where(h1 == 0, 1, h1)
        powers = jnp.stack([theta, theta**2, theta**3, theta**4])
        there = y1 + h1 * ((_INTERPOLANT.astype(real) @ powers) @ stages)
        there = jnp.where(s < target, jnp.nan, there)
        return (y, f, s, h, y1, s1, h1, stages), there.astype(y.dtype)

    f0 = flow(y0, t[0])
    h0 = jnp.minimum(_first_step(flow, y0, f0, t[0], rtol, atol), hmax).astype(t.dtype)
    nothing = jnp.zeros((7, *y0.shape), y0.dtype)
    state = (y0, f0, t[0], h0, y0, t[0], jnp.zeros((), t.dtype), nothing)
    _, rows = lax.scan(reach, state, t[1:])
    return jnp.concatenate([y0[None], rows])


def _stages(flow: _Flow, y: Any, f: Any, s: Any, h: Any) -> tuple[Any, Any]:
    """The solution after a step and the seven slopes of it, the last one at its end."""
    slopes = [f]
    for row, node in zip(_STAGES, _NODES, strict=True):
        slopes.append(flow(_moved(y, h, row, slopes), s + node * h))
    new = _moved(y, h, _SOLUTION, slopes)
    slopes.append(flow(new, s + h))
    return new, jnp.stack(slopes)


def _moved(y: Any, h: Any, weights: Sequence[float], slopes: Sequence[Any]) -> Any:
    return y + (h * sum(w * k for w, k in zip(weights, slopes, strict=True) if w)).astype(y.dtype)


def _scale(y: Any, new: Any, rtol: float, atol: float) -> Any:
    return atol + rtol * jnp.maximum(jnp.abs(y), jnp.abs(new))


def _norm(x: Any, scale: Any) -> Any:
    """The root mean square of x / scale."""
    return jnp.sqrt(jnp.mean(jnp.abs(x / scale) ** 2))


def _first_step(flow: _Flow, y: Any, f: Any, s: Any, rtol: float, atol: float) -> Any:
    """Hairer, Norsett and Wanner, Solving Ordinary Differential Equations I, section II.4."""
    scale = _scale(y, y, rtol, atol)
    d0, d1 = _norm(y, scale), _norm(f, scale)
    h0 = jnp.where((d0 < 1e-5) | (d1 < 1e-5), 1e-6, 0.01 * d0 / jnp.where(d1 == 0, 1, d1))
    h0 = h0.astype(s.dtype)
    ahead = flow(y + (h0 * f).astype(y.dtype), s + h0)
    d2 = _norm(ahead - f, scale) / h0
    steepest = jnp.maximum(d1, d2)
    h1 = jnp.where(
        steepest <= 1e-15,
        jnp.maximum(1e-6, h0 * 1e-3),
        (0.01 / jnp.where(steepest == 0, 1, steepest)) ** (1 / _ORDER),
    )
    return jnp.minimum(100 * h0, h1)
