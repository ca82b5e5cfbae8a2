"""Clipping of updates: by element, by norm of a leaf or of all, and relative to the parameters."""

from __future__ import annotations

from typing import Any

import funcgrad.numpy as jnp
from funcgrad import tree
from funcgrad.optim.base import NO_PARAMS, EmptyState, GradientTransformation, stateless
from funcgrad.optim.numerics import abs_sq
from funcgrad.optim.tree_utils.arithmetic import tree_norm

__all__ = [
    "AdaptiveGradClipState",
    "ClipByGlobalNormState",
    "ClipState",
    "adaptive_grad_clip",
    "clip",
    "clip_by_block_rms",
    "clip_by_global_norm",
    "global_norm",
    "per_example_global_norm_clip",
    "per_example_layer_norm_clip",
    "unitwise_clip",
    "unitwise_norm",
]

ClipState = ClipByGlobalNormState = AdaptiveGradClipState = EmptyState

Array = jnp.ndarray


def clip(max_delta: Any) -> GradientTransformation:
    """Each element held between -max_delta and max_delta.

    >>> from funcgrad import optim
    >>> optim.clip(1.0).update({"w": -5.0}, optim.EmptyState())[0]
    {'w': Array(-1., dtype=float64, weak_type=True)}
    """
    return stateless(
        lambda updates, _: tree.map(lambda g: jnp.clip(g, -max_delta, max_delta), updates)
    )


def global_norm(updates: Any) -> Array:
    """The Euclidean norm of all elements of all leaves.

    >>> from funcgrad import optim
    >>> optim.global_norm({"w": 3.0, "b": 4.0})
    Array(5., dtype=float64)
    """
    return tree_norm(updates)


def clip_by_global_norm(max_norm: Any) -> GradientTransformation:
    """All updates scaled down together to a norm of at most `max_norm` (Pascanu et al. 2012).

    >>> from funcgrad import optim
    >>> optim.clip_by_global_norm(1.0).update({"w": 3.0, "b": 4.0}, optim.EmptyState())[0]
    {'b': Array(0.8, dtype=float64), 'w': Array(0.6, dtype=float64)}
    """

    def clipped(updates: Any, _: Any) -> Any:
        norm = global_norm(updates)

        def leaf(g: Any) -> Array:
            g = jnp.asarray(g)
            return jnp.where(norm < max_norm, g, (g / norm.astype(g.dtype)) * max_norm)

        return tree.map(leaf, updates)

    return stateless(clipped)


def clip_by_block_rms(threshold: Any) -> GradientTransformation:
    """Each leaf scaled down to a root mean square of at most `threshold`.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import optim
    >>> optim.clip_by_block_rms(1.0).update(jnp.array([3.0, 3.0]), optim.EmptyState())[0]
    Array([1., 1.], dtype=float64)
    """

    def leaf(g: Any) -> Array:
        rms = jnp.sqrt(jnp.mean(abs_sq(g)))
        return g / jnp.maximum(1.0, rms / threshold)

    return stateless(lambda updates, _: tree.map(leaf, updates))


def unitwise_norm(x: Any, axis: Any = None) -> Array:
    """The norm of each output unit's weights, in the shape of x.

    Without `axis` a vector is one unit, a matrix has its units along the last axis, and a kernel of a
    convolution along the last axis, too.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import optim
    >>> optim.unitwise_norm(jnp.array([[3.0, 0.0], [4.0, 1.0]]))
    Array([[5., 1.],
           [5., 1.]], dtype=float64)
    """
    x = jnp.asarray(x)
    if axis is None:
        if jnp.squeeze(x).ndim <= 1:
            axis = tuple(range(x.ndim))
        elif x.ndim in (2, 3):
            axis = 0
        elif x.ndim == 4:
            axis = (0, 1, 2)
        else:
            raise ValueError(
                f"Expected parameter with shape in {{1, 2, 3, 4}}, got {x.shape}: give the axes to sum over"
            )
    squares = jnp.sum(abs_sq(x), axis=axis, keepdims=True)
    return jnp.broadcast_to(jnp.sqrt(squares), x.shape)


def unitwise_clip(g_norm: Any, max_norm: Any, grad: Any, div_eps: Any = 1e-6) -> Array:
    """The gradient, scaled to `max_norm` where its norm is larger.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import optim
    >>> optim.unitwise_clip(2.0, 1.0, jnp.array([2.0]))
    Array([1.], dtype=float64)
    """
    scaled = grad * (max_norm / jnp.maximum(g_norm, div_eps))
    return jnp.where(g_norm < max_norm, grad, scaled)


def adaptive_grad_clip(clipping: Any, eps: Any = 1e-3, axis: Any = None) -> GradientTransformation:
    """Updates of a unit held to `clipping` times the norm of its weights (Brock et al. 2021,
    arXiv:2102.06171), weights of a norm below `eps` counting as `eps`.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import optim
    >>> tx = optim.adaptive_grad_clip(0.1)
    >>> tx.update(jnp.array([3.0, 4.0]), optim.EmptyState(), jnp.array([0.6, 0.8]))[0]
    Array([0.06, 0.08], dtype=float64)
    """

    def leaf(g: Any, p: Any) -> Array:
        largest = clipping * jnp.maximum(unitwise_norm(p, axis), eps)
        return unitwise_clip(unitwise_norm(g, axis), largest, g)

    def clipped(updates: Any, params: Any) -> Any:
        if params is None:
            raise ValueError(NO_PARAMS)
        return tree.map(leaf, updates, params)

    return stateless(clipped)


def _examples(grads: list[Array]) -> int:
    sizes = {jnp.shape(g)[0] if jnp.ndim(g) else None for g in grads}
    if None in sizes or len(sizes) != 1:
        raise ValueError(
            "Unlike other transforms, per-example clipping expects `grads` to have a batch "
            "dimension in the 0th axis of every leaf, of one size."
        )
    return int(sizes.pop() or 0)


def per_example_global_norm_clip(
    grads: list[Array], l2_norm_clip: float
) -> tuple[list[Array], Array]:
    """The sum over examples of gradients, each scaled to a norm of at most `l2_norm_clip`.

    Returns:
      The sums of a list of gradients whose first axis counts examples, and how many were clipped.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import optim
    >>> optim.per_example_global_norm_clip([jnp.array([3.0, 0.5])], 1.0)
    ([Array(1.5, dtype=float64)], Array(1, dtype=int64))
    """
    _examples(grads)
    squares = sum(jnp.sum(abs_sq(g), axis=tuple(range(1, g.ndim))) for g in grads)
    norms = jnp.sqrt(squares)
    divisors = jnp.maximum(norms / l2_norm_clip, 1.0)
    sums = [jnp.sum(g / divisors.reshape(-1, *[1] * (g.ndim - 1)), axis=0) for g in grads]
    return sums, jnp.sum(jnp.greater(divisors, 1.0))


def per_example_layer_norm_clip(
    grads: list[Array], global_l2_norm_clip: float, uniform: bool = True
) -> tuple[list[Array], list[Array]]:
    """As `per_example_global_norm_clip`, but each layer by its own norm.

    A layer may have a norm of `global_l2_norm_clip` / sqrt(layers), or, without `uniform`, a share by
    the root of its number of elements.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import optim
    >>> optim.per_example_layer_norm_clip([jnp.array([3.0, 0.5])], 1.0)
    ([Array(1.5, dtype=float64)], [Array(1, dtype=int64)])
    """
    _examples(grads)
    sizes = [g[0].size for g in grads]
    total = sum(sizes)
    clips = [
        global_l2_norm_clip * ((1.0 / len(grads)) ** 0.5 if uniform else (n / total) ** 0.5)
        for n in sizes
    ]
    pairs = [per_example_global_norm_clip([g], c) for g, c in zip(grads, clips, strict=True)]
    return [sums[0] for sums, _ in pairs], [clipped for _, clipped in pairs]
