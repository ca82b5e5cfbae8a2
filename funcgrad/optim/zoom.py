"""The zoom line search: steps that make the value fall enough and the slope flatten enough."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import funcgrad.numpy as jnp
from funcgrad import lax
from funcgrad.api import value_and_grad
from funcgrad.optim.base import NO_PARAMS, GradientTransformationExtraArgs
from funcgrad.optim.linesearch import accepted_arguments, float_dtype_of
from funcgrad.optim.tree_utils.arithmetic import (
    tree_add_scale,
    tree_scale,
    tree_vdot,
    tree_where,
)
from funcgrad.optim.tree_utils.like import tree_cast_like, tree_zeros_like

__all__ = ["ScaleByZoomLinesearchState", "ZoomLinesearchInfo", "scale_by_zoom_linesearch"]

Array = jnp.ndarray


class ZoomLinesearchInfo(NamedTuple):
    """Steps tried, and by how much the value and the slope are too large at the last one."""

    num_linesearch_steps: Any
    decrease_error: Any
    curvature_error: Any


class ScaleByZoomLinesearchState(NamedTuple):
    """The length of the last step, the value and the gradient there."""

    learning_rate: Any
    value: Any
    grad: Any
    info: ZoomLinesearchInfo


class Point(NamedTuple):
    """A step, and the value and the slope there."""

    at: Any
    value: Any
    slope: Any


class Search(NamedTuple):
    """Where a search stands: a bracket, once it is found, has the best step as its `low` end."""

    count: Any
    bracketed: Any
    done: Any
    low: Point
    high: Point
    third: Point  # an older point, for cubics
    zooms: Any
    chosen: Point
    grad: Any
    decrease_error: Any
    curvature_error: Any


def _cubic_minimum(a: Point, b: Point, c: Point) -> Array:
    """The minimum of the cubic with a's value and slope and the values of b and c."""
    db, dc = b.at - a.at, c.at - a.at
    eb = b.value - a.value - a.slope * db
    ec = c.value - a.value - a.slope * dc
    scale = 1.0 / ((db * dc) ** 2 * (db - dc))
    cubic = scale * (dc**2 * eb - db**2 * ec)
    square = scale * (-(dc**3) * eb + db**3 * ec)
    root = jnp.sqrt(square * square - 3.0 * cubic * a.slope)
    return a.at + (-square + root) / (3.0 * cubic)


def _quadratic_minimum(a: Point, b: Point) -> Array:
    """The minimum of the parabola with a's value and slope and b's value."""
    d = b.at - a.at
    return a.at - a.slope * d**2 / (2.0 * (b.value - a.value - a.slope * d))


def _inside(search: Search) -> Array:
    """The next step within the bracket: by a cubic, a parabola or halves, whichever is first to
    stay off its ends (Nocedal & Wright 2006, section 3.5)."""
    low, high = search.low, search.high
    left, right = jnp.minimum(low.at, high.at), jnp.maximum(low.at, high.at)
    width = right - left
    cubic = _cubic_minimum(low, high, search.third)
    parabola = _quadratic_minimum(low, high)
    off = (cubic > left + 0.2 * width) & (cubic < right - 0.2 * width)
    use_cubic = off & (search.zooms > 0)
    use_parabola = (parabola > left + 0.1 * width) & (parabola < right - 0.1 * width)
    return jnp.where(use_cubic, cubic, jnp.where(use_parabola, parabola, 0.5 * (low.at + high.at)))


def _beginning(start: Point, grad: Any) -> Search:
    """No step has been tried: all points are where the search starts."""
    no, count = jnp.array(False), jnp.zeros([], int)
    infinite = jnp.full_like(start.value, jnp.inf)
    return Search(count, no, no, start, start, start, count, start, grad, infinite, infinite)


class Conditions(NamedTuple):
    """What a step is asked for."""

    tol: float
    slope_rtol: float
    curv_rtol: float
    approx_dec_rtol: float | None
    stepsize_precision: float
    top: float

    def errors(self, start: Point, point: Point) -> tuple[Array, Array]:
        decrease = point.value - start.value - self.slope_rtol * point.at * start.slope
        if self.approx_dec_rtol is not None:
            by_slope = point.slope - (2 * self.slope_rtol - 1.0) * start.slope
            near = point.value - start.value - self.approx_dec_rtol * jnp.abs(start.value)
            decrease = jnp.minimum(decrease, jnp.maximum(by_slope, near))
        decrease = jnp.where(jnp.isnan(decrease), jnp.inf, jnp.maximum(decrease, 0.0))
        curvature = jnp.maximum(jnp.abs(point.slope) - self.curv_rtol * jnp.abs(start.slope), 0.0)
        return decrease, jnp.where(jnp.isnan(curvature), jnp.inf, curvature)

    def advanced(self, search: Search, start: Point, point: Point, grad: Any) -> Search:
        """The search after another step has been tried."""
        decrease, curvature = self.errors(start, point)
        low, high, fits = search.low, search.high, decrease <= self.tol
        bad = ~fits | ((point.value >= low.value) & (search.bracketed | (search.count > 0)))
        good = fits & (curvature <= self.tol)
        # Where the value falls but the slope points away from the far end, the minimum is behind.
        behind = jnp.where(
            search.bracketed, point.slope * (high.at - low.at) >= 0, point.slope >= 0
        )
        new_low = tree_where(bad, low, point)
        new_high = tree_where(bad, point, tree_where(behind, low, high))
        third = tree_where(bad | behind, high, low)
        bracketed = search.bracketed | bad | behind
        at_top = ~search.bracketed & fits & (point.at >= self.top)
        tiny = bracketed & (jnp.abs(new_high.at - new_low.at) <= self.stepsize_precision)
        # The best step so far is kept: the last one that made the value fall, else none.
        better = good | ~bad
        return Search(
            search.count + 1,
            bracketed,
            good | at_top | tiny,
            new_low,
            new_high,
            third,
            search.zooms + search.bracketed,
            tree_where(better, point, search.chosen),
            tree_where(better, grad, search.grad),
            jnp.where(better, decrease, search.decrease_error),
            jnp.where(better, curvature, search.curvature_error),
        )


def scale_by_zoom_linesearch(
    max_linesearch_steps: int,
    max_learning_rate: float | None = None,
    tol: float = 0.0,
    increase_factor: float = 2.0,
    slope_rtol: float = 0.0001,
    curv_rtol: float = 0.9,
    approx_dec_rtol: float | None = 1e-6,
    stepsize_precision: float = 1e-5,
    initial_guess_strategy: str = "keep",
    verbose: bool = False,
) -> GradientTransformationExtraArgs:
    """Scales the updates to a step with a smaller value and a flatter slope (the strong conditions
    of Wolfe 1969; Nocedal & Wright 2006, algorithms 3.5 and 3.6). `update` needs `value`, `grad`
    and `value_fn`.

    Args:
      max_linesearch_steps: how many steps are tried.
      max_learning_rate: the longest one.
      tol: by how much the conditions may be missed.
      increase_factor: of the step, until a bracket is found.
      slope_rtol: f(x + t u) <= f(x) + slope_rtol t <grad, u> is asked for,
      curv_rtol: and that the slope is at most this part of that at x.
      approx_dec_rtol: values closer than this, relatively, are compared by their slopes instead
        (Hager & Zhang 2006); None for never.
      stepsize_precision: of the bracket, at which the search ends.
      initial_guess_strategy: "keep" to begin with the last step, "one" with 1.
      verbose: is ignored.

    >>> import funcgrad as fg
    >>> from funcgrad import optim
    >>> f = lambda x: x**2
    >>> tx = optim.chain(optim.sgd(1.0), optim.scale_by_zoom_linesearch(15))
    >>> value, grad = fg.value_and_grad(f)(1.0)
    >>> tx.update(grad, tx.init(1.0), 1.0, value=value, grad=grad, value_fn=f)[0]
    Array(-1., dtype=float64)
    """
    if initial_guess_strategy not in ("keep", "one"):
        raise ValueError(
            f"initial_guess_strategy is 'keep' or 'one', not {initial_guess_strategy!r}"
        )
    top = jnp.inf if max_learning_rate is None else max_learning_rate
    asked = Conditions(tol, slope_rtol, curv_rtol, approx_dec_rtol, stepsize_precision, top)

    def init(params: Any) -> ScaleByZoomLinesearchState:
        dtype = float_dtype_of(params)
        infinite = jnp.array(jnp.inf, dtype)
        return ScaleByZoomLinesearchState(
            jnp.ones([], dtype),
            infinite,
            tree_zeros_like(params),
            ZoomLinesearchInfo(jnp.zeros([], int), infinite, infinite),
        )

    def update(
        updates: Any,
        state: Any,
        params: Any = None,
        *,
        value: Any,
        grad: Any,
        value_fn: Callable[..., Any],
        **extra_args: Any,
    ) -> Any:
        if params is None:
            raise ValueError(NO_PARAMS)
        f = value_and_grad(accepted_arguments(value_fn, extra_args))
        dtype = state.learning_rate.dtype
        zero = jnp.zeros([], dtype)
        slope = jnp.real(tree_vdot(updates, grad)).astype(dtype)
        start = Point(zero, jnp.asarray(value, dtype), slope)

        def tried(at: Any) -> tuple[Point, Any]:
            new, new_grad = f(tree_add_scale(params, at, updates))
            slope = jnp.real(tree_vdot(updates, new_grad))
            point = Point(at, jnp.asarray(new, dtype), slope.astype(dtype))
            return point, tree_cast_like(new_grad, state.grad)

        def body(search: Search) -> Search:
            longer = jnp.where(search.count == 0, guess, increase_factor * search.low.at)
            at = jnp.where(search.bracketed, _inside(search), jnp.minimum(longer, top))
            point, new_grad = tried(at.astype(dtype))
            return asked.advanced(search, start, point, new_grad)

        guess = jnp.ones([], dtype)
        if initial_guess_strategy == "keep":  # but not the 0 of a search that failed
            guess = jnp.where(state.learning_rate > 0, state.learning_rate, guess)
        begin = _beginning(start, tree_cast_like(grad, state.grad))
        end = lax.while_loop(lambda s: ~s.done & (s.count < max_linesearch_steps), body, begin)
        info = ZoomLinesearchInfo(end.count, end.decrease_error, end.curvature_error)
        state = ScaleByZoomLinesearchState(end.chosen.at, end.chosen.value, end.grad, info)
        return tree_scale(end.chosen.at, updates), state

    return GradientTransformationExtraArgs(init, update)
