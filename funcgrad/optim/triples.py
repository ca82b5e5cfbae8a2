"""Optimisers as triples of functions, `(init_fun, update_fun, get_params)`, with the names of
`jax.example_libraries.optimizers`.

    opt_init, opt_update, get_params = triples.adam(1e-3)
    state = opt_init(params)
    state = opt_update(step, grads, state)
    params = get_params(state)
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import funcgrad.numpy as jnp
from funcgrad import tree
from funcgrad.optim.base import Schedule
from funcgrad.tree_util import register_pytree_node

__all__ = [
    "JoinPoint",
    "Optimizer",
    "OptimizerState",
    "adagrad",
    "adam",
    "adamax",
    "clip_grads",
    "constant",
    "exponential_decay",
    "inverse_time_decay",
    "l2_norm",
    "make_schedule",
    "momentum",
    "nesterov",
    "optimizer",
    "pack_optimizer_state",
    "piecewise_constant",
    "polynomial_decay",
    "rmsprop",
    "rmsprop_momentum",
    "sgd",
    "sm3",
    "unpack_optimizer_state",
]

_Array = jnp.ndarray


class OptimizerState(NamedTuple):
    """The leaves of a state, grouped by parameter, and the structures to put them together."""

    packed_state: Any
    tree_def: Any
    subtree_defs: Any


register_pytree_node(
    OptimizerState,
    lambda state: ((state.packed_state,), (state.tree_def, state.subtree_defs)),
    lambda structures, packed: OptimizerState(packed[0], *structures),
)


class Optimizer(NamedTuple):
    """`init_fn(params)`, `update_fn(step, grads, state)` and `params_fn(state)`."""

    init_fn: Callable[[Any], OptimizerState]
    update_fn: Callable[[Any, Any, OptimizerState], OptimizerState]
    params_fn: Callable[[OptimizerState], Any]


def optimizer(opt_maker: Callable[..., Any]) -> Callable[..., Optimizer]:
    """A decorator: an optimiser of one array becomes one of pytrees of them.

    Args:
      opt_maker: gives `init(x)`, `update(step, grad, state)` and `get_params(state)` for one array.

    >>> from funcgrad.optim import triples
    >>> @triples.optimizer
    ... def descent(rate):
    ...     return lambda x: x, lambda step, g, x: x - rate * g, lambda x: x
    >>> init, update, get_params = descent(0.5)
    >>> get_params(update(0, {"w": 1.0}, init({"w": 2.0})))
    {'w': 1.5}
    """

    @functools.wraps(opt_maker)
    def tree_opt_maker(*args: Any, **kwargs: Any) -> Optimizer:
        init, update, get_params = opt_maker(*args, **kwargs)

        def tree_init(params: Any) -> OptimizerState:
            leaves, structure = tree.flatten(params)
            return _packed([init(x) for x in leaves], structure)

        def tree_update(step: Any, grads: Any, state: OptimizerState) -> OptimizerState:
            leaves, structure = tree.flatten(grads)
            if structure != state.tree_def:
                raise TypeError(
                    "optimizer update function was passed a gradient tree that did not match the "
                    "parameter tree structure with which it was initialized: parameter tree "
                    f"{state.tree_def} and grad tree {structure}."
                )
            states = [update(step, g, s) for g, s in zip(leaves, _states(state), strict=True)]
            return _packed(states, structure)

        def tree_get_params(state: OptimizerState) -> Any:
            return tree.unflatten(state.tree_def, [get_params(s) for s in _states(state)])

        return Optimizer(tree_init, tree_update, tree_get_params)

    return tree_opt_maker


def _packed(states: list[Any], structure: Any) -> OptimizerState:
    pairs = [tree.flatten(state) for state in states]
    return OptimizerState(
        tuple(tuple(leaves) for leaves, _ in pairs), structure, tuple(d for _, d in pairs)
    )


def _states(state: OptimizerState) -> list[Any]:
    return [
        tree.unflatten(d, leaves)
        for d, leaves in zip(state.subtree_defs, state.packed_state, strict=True)
    ]


def constant(step_size: Any) -> Schedule:
    """The same step at every time.

    >>> from funcgrad.optim import triples
    >>> triples.constant(0.1)(1000)
    0.1
    """
    return lambda i: step_size


def exponential_decay(step_size: Any, decay_steps: Any, decay_rate: Any) -> Schedule:
    """step_size * decay_rate**(i / decay_steps).

    >>> from funcgrad.optim import triples
    >>> triples.exponential_decay(1.0, 10, 0.5)(20)
    0.25
    """
    return lambda i: step_size * decay_rate ** (i / decay_steps)


def inverse_time_decay(
    step_size: Any, decay_steps: Any, decay_rate: Any, staircase: bool = False
) -> Schedule:
    """step_size / (1 + decay_rate * i / decay_steps), on request in stairs.

    >>> from funcgrad.optim import triples
    >>> triples.inverse_time_decay(1.0, 10, 0.5)(20)
    0.5
    """
    if staircase:
        return lambda i: step_size / (1 + decay_rate * jnp.floor(i / decay_steps))
    return lambda i: step_size / (1 + decay_rate * i / decay_steps)


def polynomial_decay(
    step_size: Any, decay_steps: Any, final_step_size: Any, power: Any = 1.0
) -> Schedule:
    """From step_size to final_step_size as (1 - i / decay_steps)**power falls.

    >>> from funcgrad.optim import triples
    >>> triples.polynomial_decay(1.0, 10, 0.0)(5)
    Array(0.5, dtype=float64, weak_type=True)
    """

    def schedule(i: Any) -> Any:
        left = (1 - jnp.minimum(i, decay_steps) / decay_steps) ** power
        return left * (step_size - final_step_size) + final_step_size

    return schedule


def piecewise_constant(boundaries: Any, values: Any) -> Schedule:
    """The value of the interval between boundaries in which the time lies.

    >>> from funcgrad.optim import triples
    >>> float(triples.piecewise_constant([10, 20], [1.0, 0.5, 0.1])(15))
    0.5
    """
    edges, levels = jnp.array(boundaries), jnp.array(values)
    if not edges.ndim == levels.ndim == 1:
        raise ValueError("boundaries and values must be sequences")
    if edges.shape[0] != levels.shape[0] - 1:
        raise ValueError("boundaries length must be one shorter than values length")
    return lambda i: levels[jnp.sum(i > edges)]


def make_schedule(scalar_or_schedule: Any) -> Schedule:
    """A schedule from a number, or the schedule that was given.

    >>> from funcgrad.optim import triples
    >>> triples.make_schedule(0.1)(1000)
    0.1
    """
    if callable(scalar_or_schedule):
        return scalar_or_schedule
    if jnp.ndim(scalar_or_schedule) == 0:
        return constant(scalar_or_schedule)
    raise TypeError(type(scalar_or_schedule))


@optimizer
def sgd(step_size: Any) -> Any:
    """Gradient descent.

    >>> from funcgrad.optim import triples
    >>> init, update, get_params = triples.sgd(0.1)
    >>> get_params(update(0, 5.0, init(2.0)))
    1.5
    """
    rate = make_schedule(step_size)
    return lambda x0: x0, lambda i, g, x: x - rate(i) * g, lambda x: x


@optimizer
def momentum(step_size: Any, mass: Any) -> Any:
    """Gradient descent with momentum.

    >>> from funcgrad.optim import triples
    >>> init, update, get_params = triples.momentum(0.1, mass=0.9)
    >>> get_params(update(0, 5.0, init(2.0)))
    Array(1.5, dtype=float64, weak_type=True)
    """
    rate = make_schedule(step_size)

    def update(i: Any, g: Any, state: Any) -> Any:
        x, velocity = state
        velocity = mass * velocity + g
        return x - rate(i) * velocity, velocity

    return _with_zeros, update, _first


@optimizer
def nesterov(step_size: Any, mass: Any) -> Any:
    """Gradient descent with Nesterov's momentum.

    >>> from funcgrad.optim import triples
    >>> init, update, get_params = triples.nesterov(0.1, mass=0.9)
    >>> get_params(update(0, 5.0, init(2.0)))
    Array(1.05, dtype=float64, weak_type=True)
    """
    rate = make_schedule(step_size)

    def update(i: Any, g: Any, state: Any) -> Any:
        x, velocity = state
        velocity = mass * velocity + g
        return x - rate(i) * (mass * velocity + g), velocity

    return _with_zeros, update, _first


def _with_zeros(x0: Any) -> Any:
    return x0, jnp.zeros_like(x0)


def _with_two_zeros(x0: Any) -> Any:
    return x0, jnp.zeros_like(x0), jnp.zeros_like(x0)


def _first(state: Any) -> Any:
    return state[0]


def _rescaled(g: Any, squares: Any) -> _Array:
    """g over the root of squares; 0 where those are 0."""
    return jnp.where(squares > 0, g / jnp.sqrt(jnp.where(squares > 0, squares, 1)), 0.0)


@optimizer
def adagrad(step_size: Any, momentum: Any = 0.9) -> Any:
    """Gradients over the root of the sum of all their squares, with momentum (Duchi et al. 2011).

    >>> from funcgrad.optim import triples
    >>> init, update, get_params = triples.adagrad(0.1, momentum=0.0)
    >>> get_params(update(0, 5.0, init(2.0)))
    Array(1.9, dtype=float64, weak_type=True)
    """
    rate = make_schedule(step_size)

    def update(i: Any, g: Any, state: Any) -> Any:
        x, squares, m = state
        squares = squares + jnp.square(g)
        m = (1.0 - momentum) * _rescaled(g, squares) + momentum * m
        return x - rate(i) * m, squares, m

    return _with_two_zeros, update, _first


@optimizer
def rmsprop(step_size: Any, gamma: Any = 0.9, eps: Any = 1e-8) -> Any:
    """Gradients over the root of the moving average of their squares (Tieleman & Hinton 2012).

    >>> from funcgrad.optim import triples
    >>> init, update, get_params = triples.rmsprop(0.1, gamma=0.75, eps=0.0)
    >>> get_params(update(0, 5.0, init(2.0)))
    Array(1.8, dtype=float64, weak_type=True)
    """
    rate = make_schedule(step_size)

    def update(i: Any, g: Any, state: Any) -> Any:
        x, mean = state
        mean = mean * gamma + jnp.square(g) * (1.0 - gamma)
        return x - rate(i) * g / jnp.sqrt(mean + eps), mean

    return _with_zeros, update, _first


@optimizer
def rmsprop_momentum(step_size: Any, gamma: Any = 0.9, eps: Any = 1e-8, momentum: Any = 0.9) -> Any:
    """`rmsprop` with momentum.

    >>> from funcgrad.optim import triples
    >>> init, update, get_params = triples.rmsprop_momentum(0.1, gamma=0.75, eps=0.0)
    >>> get_params(update(0, 5.0, init(2.0)))
    Array(1.8, dtype=float64, weak_type=True)
    """
    rate = make_schedule(step_size)

    def update(i: Any, g: Any, state: Any) -> Any:
        x, mean, m = state
        mean = mean * gamma + jnp.square(g) * (1.0 - gamma)
        m = momentum * m + rate(i) * g / jnp.sqrt(mean + eps)
        return x - m, mean, m

    return _with_two_zeros, update, _first


@optimizer
def adam(step_size: Any, b1: Any = 0.9, b2: Any = 0.999, eps: Any = 1e-8) -> Any:
    """Adam (Kingma & Ba 2015, arXiv:1412.6980).

    >>> from funcgrad.optim import triples
    >>> init, update, get_params = triples.adam(0.1)
    >>> get_params(update(0, 5.0, init(2.0)))
    Array(1.9, dtype=float64)
    """
    rate = make_schedule(step_size)

    def update(i: Any, g: Any, state: Any) -> Any:
        x, m, v = state
        m = (1 - b1) * g + b1 * m
        v = (1 - b2) * jnp.square(g) + b2 * v
        steps = jnp.asarray(i + 1, m.dtype)
        m_hat, v_hat = m / (1 - b1**steps), v / (1 - b2**steps)
        return x - rate(i) * m_hat / (jnp.sqrt(v_hat) + eps), m, v

    return _with_two_zeros, update, _first


@optimizer
def adamax(step_size: Any, b1: Any = 0.9, b2: Any = 0.999, eps: Any = 1e-8) -> Any:
    """Adam with the decaying maximum of |g| (Kingma & Ba 2015, section 7.1).

    >>> from funcgrad.optim import triples
    >>> init, update, get_params = triples.adamax(0.1)
    >>> get_params(update(0, 5.0, init(2.0)))
    Array(1.9, dtype=float64)
    """
    rate = make_schedule(step_size)

    def update(i: Any, g: Any, state: Any) -> Any:
        x, m, v = state
        m = (1 - b1) * g + b1 * m
        v = jnp.maximum(b2 * v, jnp.abs(g))
        corrected = rate(i) / (1 - b1 ** jnp.asarray(i + 1, m.dtype))
        return x - corrected * m / (v + eps), m, v

    return _with_two_zeros, update, _first


@optimizer
def sm3(step_size: Any, momentum: Any = 0.9) -> Any:
    """Adagrad whose sums are kept by rows and columns (Anil et al. 2019, arXiv:1901.11150).

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.optim import triples
    >>> init, update, get_params = triples.sm3(0.1, momentum=0.0)
    >>> get_params(update(0, jnp.array([5.0]), init(jnp.array([2.0]))))
    Array([1.9], dtype=float64)
    """
    rate = make_schedule(step_size)

    def init(x0: Any) -> Any:
        x0 = jnp.asarray(x0)
        return x0, jnp.zeros_like(x0), [jnp.zeros(n, x0.dtype) for n in x0.shape]

    def update(i: Any, g: Any, state: Any) -> Any:
        x, m, rows = state
        n = x.ndim
        wide = [row.reshape([-1 if a == k else 1 for a in range(n)]) for k, row in enumerate(rows)]
        sums = functools.reduce(jnp.minimum, wide) + jnp.square(g)
        m = (1.0 - momentum) * _rescaled(g, sums) + momentum * m
        rows = [jnp.max(sums, tuple(a for a in range(n) if a != k)) for k in range(n)]
        return x - rate(i) * m, m, rows

    return init, update, _first


def l2_norm(tree: Any) -> _Array:
    """The Euclidean norm of all elements of all leaves.

    >>> from funcgrad.optim import triples
    >>> triples.l2_norm({"w": 3.0, "b": 4.0})
    Array(5., dtype=float64, weak_type=True)
    """
    return jnp.sqrt(sum(jnp.vdot(x, x) for x in _leaves(tree)))


def clip_grads(grad_tree: Any, max_norm: Any) -> Any:
    """Gradients scaled down together to a norm of at most `max_norm`.

    >>> from funcgrad.optim import triples
    >>> triples.clip_grads({"w": 3.0, "b": 4.0}, 1.0)["w"]
    Array(0.6, dtype=float64, weak_type=True)
    """
    norm = l2_norm(grad_tree)
    return tree.map(lambda g: jnp.where(norm < max_norm, g, g * (max_norm / norm)), grad_tree)


class JoinPoint:
    """Where the tree of parameters ends and the state of one of them begins; a leaf.

    >>> from funcgrad.optim import triples
    >>> triples.JoinPoint((1.0, 0.0)).subtree
    (1.0, 0.0)
    """

    def __init__(self, subtree: Any) -> None:
        self.subtree = subtree

    def __iter__(self) -> Any:
        yield self.subtree


def unpack_optimizer_state(opt_state: OptimizerState) -> Any:
    """A state as a tree like the parameters, with `JoinPoint`s of each one's state: for saving.

    >>> from funcgrad.optim import triples
    >>> init, update, get_params = triples.momentum(0.1, mass=0.9)
    >>> triples.unpack_optimizer_state(init({"w": 2.0}))["w"].subtree
    (2.0, Array(0., dtype=float64, weak_type=True))
    """
    return tree.unflatten(opt_state.tree_def, [JoinPoint(s) for s in _states(opt_state)])


def pack_optimizer_state(marked_pytree: Any) -> OptimizerState:
    """The state from a tree of `JoinPoint`s.

    >>> from funcgrad.optim import triples
    >>> init, update, get_params = triples.momentum(0.1, mass=0.9)
    >>> state = init({"w": 2.0})
    >>> triples.pack_optimizer_state(triples.unpack_optimizer_state(state)) == state
    True
    """
    points, structure = tree.flatten(marked_pytree)
    if not all(isinstance(point, JoinPoint) for point in points):
        raise TypeError("every leaf must be a JoinPoint, as unpack_optimizer_state makes them")
    return _packed([point.subtree for point in points], structure)


_leaves = tree.leaves
