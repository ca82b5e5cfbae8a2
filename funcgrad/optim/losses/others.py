"""Losses of embeddings, rankings, segmentations and projections."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import funcgrad.numpy as jnp
from funcgrad import lax, nn
from funcgrad.optim.losses.regression import cosine_similarity
from funcgrad.optim.projections import projection_simplex

__all__ = [
    "binary_dice_loss",
    "dice_loss",
    "make_fenchel_young_loss",
    "multiclass_generalized_dice_loss",
    "multiclass_sparsemax_loss",
    "ntxent",
    "ranking_softmax_loss",
    "sparsemax_loss",
    "triplet_margin_loss",
]

Array = jnp.ndarray


def ntxent(embeddings: Any, labels: Any, temperature: Any = 0.07) -> Array:
    """The contrastive loss of SimCLR (Chen et al. 2020, arXiv:2002.05709): embeddings of one label
    are to lie in one direction, away from all others.

    Args:
      embeddings: `[batch, features]`.
      labels: `[batch]`; at least two have each label.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import optim
    >>> x = jnp.array([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]])
    >>> float(optim.ntxent(x, jnp.array([0, 0, 1, 1]))) < 1e-3
    True
    """
    labels = jnp.asarray(labels)
    if jnp.ndim(embeddings) != 2 or labels.shape != jnp.shape(embeddings)[:1]:
        raise ValueError(
            f"ntxent needs embeddings [batch, features] and labels [batch], got shapes "
            f"{jnp.shape(embeddings)} and {labels.shape}"
        )
    same = labels[:, None] == labels[None, :]
    pairs = same & ~jnp.eye(labels.size, dtype=bool)
    scores = cosine_similarity(embeddings[:, None], embeddings[None, :], epsilon=1e-6) / temperature
    # The largest score is taken out, so that no exponential overflows.
    scores = scores - lax.stop_gradient(jnp.max(scores, axis=1, keepdims=True))
    others = jnp.sum(jnp.where(same, 0.0, jnp.exp(scores)), axis=1, keepdims=True)
    log_share = scores - jnp.log(others + jnp.exp(scores))
    return -jnp.sum(jnp.where(pairs, log_share, 0.0)) / jnp.sum(pairs)


def triplet_margin_loss(
    anchors: Any,
    positives: Any,
    negatives: Any,
    axis: int = -1,
    norm_degree: Any = 2,
    margin: Any = 1.0,
    eps: Any = 1e-6,
) -> Array:
    """max(0, |anchor - positive| - |anchor - negative| + margin) (Balntas et al. 2016).

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.optim import losses
    >>> losses.triplet_margin_loss(jnp.zeros(2), jnp.array([3.0, 4.0]), jnp.array([0.0, 5.5]))
    Array(0.50000001, dtype=float64)
    """

    def distance(x: Any) -> Array:
        powers = jnp.sum(jnp.power(anchors - x, norm_degree), axis=axis)
        return jnp.power(powers + eps, 1.0 / norm_degree)

    return jnp.maximum(distance(positives) - distance(negatives) + margin, 0)


def ranking_softmax_loss(
    logits: Any,
    labels: Any,
    *,
    where: Any = None,
    weights: Any = None,
    reduce_fn: Callable[..., Any] | None = jnp.mean,
) -> Array:
    """-sum(labels * log_softmax(logits)) over lists (Xia et al. 2008).

    Args:
      logits: `[..., list]`.
      labels: how relevant each item is, in the same shape.
      where: which items count.
      weights: of the items.
      reduce_fn: what is done with the losses of the lists, None for nothing.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.optim import losses
    >>> losses.ranking_softmax_loss(jnp.array([2.0, 1.0, 3.0]), jnp.array([1.0, 0.0, 0.0]))
    Array(1.40760596, dtype=float64)
    """
    logits, labels = jnp.asarray(logits), jnp.asarray(labels)
    if weights is not None:
        labels = labels * weights
    if where is not None:
        labels = jnp.where(where, labels, 0.0)
        logits = jnp.where(where, logits, -jnp.inf)
    log_probs = nn.log_softmax(logits)
    counted = labels != 0
    terms = jnp.where(counted, labels * jnp.where(counted, log_probs, 0.0), 0.0)
    loss = 0.0 - jnp.sum(terms, axis=-1)
    if reduce_fn is None:
        return loss
    if where is not None and reduce_fn is jnp.mean:
        # The mean of no lists is 0.
        some = jnp.any(where, axis=-1)
        return jnp.sum(loss, where=some) / jnp.maximum(jnp.sum(some), 1)
    return reduce_fn(loss)


def sparsemax_loss(logits: Any, labels: Any) -> Array:
    """The loss whose probability is `nn.sparse_sigmoid` (Martins & Astudillo 2016,
    arXiv:1602.02068), for labels 0 and 1.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.optim import losses
    >>> losses.sparsemax_loss(jnp.array([0.0, 2.0]), jnp.array([1, 1]))
    Array([0.25, 0.  ], dtype=float64)
    """
    return nn.sparse_plus(jnp.where(jnp.asarray(labels) != 0, -logits, logits))


def multiclass_sparsemax_loss(scores: Any, labels: Any) -> Array:
    """The loss whose probabilities are the projection of the scores onto the simplex (Martins &
    Astudillo 2016, arXiv:1602.02068).

    Args:
      scores: `[..., classes]`.
      labels: whole numbers in the shape of the other axes.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.optim import losses
    >>> losses.multiclass_sparsemax_loss(jnp.array([0.0, 0.0]), jnp.array(1))
    Array(0.25, dtype=float64)
    """
    scores, labels = jnp.asarray(scores), jnp.asarray(labels)
    flat = scores.reshape(-1, scores.shape[-1])
    chosen = jnp.take_along_axis(flat, labels.reshape(-1, 1), axis=-1)[:, 0]
    # The projection is where the maximum lies: its own slope drops out of the loss's.
    p = lax.stop_gradient(jnp.stack([projection_simplex(row) for row in flat]))
    loss = jnp.sum(p * flat, axis=-1) - 0.5 * jnp.sum(p * p, axis=-1) - chosen + 0.5
    return loss.reshape(labels.shape)


def make_fenchel_young_loss(max_fun: Callable[..., Any]) -> Callable[..., Array]:
    """The loss max_fun(scores) - <scores, targets> (Blondel et al. 2020, arXiv:1901.02324).

    `max_fun` maps a vector to a number; the loss takes `[..., classes]`.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> loss = fg.optim.losses.make_fenchel_young_loss(fg.nn.logsumexp)
    >>> loss(jnp.array([0.0, 0.0]), jnp.array([1.0, 0.0]))
    Array(0.69314718, dtype=float64)
    """

    def loss(scores: Any, targets: Any, *args: Any, **kwargs: Any) -> Array:
        largest = jnp.vectorize(max_fun, signature="(n)->()")
        return largest(scores, *args, **kwargs) - jnp.sum(targets * scores, axis=-1)

    return loss


def dice_loss(
    predictions: Any,
    targets: Any,
    *,
    class_weights: Any = None,
    smooth: Any = 1.0,
    alpha: Any = 0.5,
    beta: Any = 0.5,
    apply_softmax: bool = True,
    reduction: str = "mean",
    ignore_background: bool = False,
    axis: Any = None,
) -> Array:
    """1 - the share of what overlaps (Milletari et al. 2016; Tversky's index for other weights).

    Args:
      predictions: `[batch, ..., classes]`, logits; of one class against the rest if there is one.
      targets: one-hot codes in the same shape; the axis of a single class may be left out in either.
      class_weights: `[classes]`.
      smooth: added to both parts of the quotient.
      alpha, beta: the weights of false positives and false negatives.
      apply_softmax: False for predictions that are probabilities.
      reduction: "mean" or "sum" over classes, "none" for none.
      ignore_background: leave class 0 out.
      axis: what is summed in a class, by default all axes but the first and the last.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.optim import losses
    >>> code = jnp.array([[[1.0, 0.0], [0.0, 1.0]]])
    >>> losses.dice_loss(code, code, apply_softmax=False)
    Array([0.], dtype=float64)
    """
    predictions, targets = jnp.asarray(predictions), jnp.asarray(targets)
    if predictions.ndim == targets.ndim - 1:
        predictions = predictions[..., None]
    if targets.ndim == predictions.ndim - 1:
        targets = targets[..., None]
    single = predictions.shape[-1] == 1
    squash = nn.sigmoid if single else nn.softmax
    p = squash(predictions) if apply_softmax else predictions
    if ignore_background and not single:
        p, targets = p[..., 1:], targets[..., 1:]
        class_weights = None if class_weights is None else class_weights[1:]
    over = tuple(range(1, p.ndim - 1)) if axis is None else axis
    shared = jnp.sum(p * targets, axis=over)
    extra = jnp.sum(p * (1 - targets), axis=over)
    missed = jnp.sum((1 - p) * targets, axis=over)
    loss = 1.0 - (shared + smooth) / (shared + alpha * extra + beta * missed + smooth)
    if class_weights is not None:
        loss = loss * class_weights
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"dice_loss: reduction is 'mean', 'sum' or 'none', not {reduction!r}")
    return loss if reduction == "none" else getattr(jnp, reduction)(loss, axis=-1)


def multiclass_generalized_dice_loss(
    predictions: Any,
    targets: Any,
    *,
    smooth: Any = 1.0,
    apply_softmax: bool = True,
    ignore_background: bool = False,
) -> Array:
    """The mean of `dice_loss` with classes weighted by 1 / size**2 (Sudre et al. 2017,
    arXiv:1707.03237).

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.optim import losses
    >>> code = jnp.array([[[1.0, 0.0], [0.0, 1.0]]])
    >>> losses.multiclass_generalized_dice_loss(code, code, apply_softmax=False)
    Array(0., dtype=float64)
    """
    predictions, targets = jnp.asarray(predictions), jnp.asarray(targets)
    volumes = jnp.sum(targets, axis=tuple(range(targets.ndim - 1)))
    weights = 1.0 / (volumes**2 + 1e-8)
    losses = dice_loss(
        predictions,
        targets,
        class_weights=weights / jnp.sum(weights) * weights.size,
        smooth=smooth,
        apply_softmax=apply_softmax,
        ignore_background=ignore_background,
    )
    return jnp.mean(losses)


def binary_dice_loss(
    predictions: Any, targets: Any, *, smooth: Any = 1.0, apply_sigmoid: bool = True
) -> Array:
    """`dice_loss` of one class: logits and labels 0 and 1 of shape `[batch, ...]`.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.optim import losses
    >>> losses.binary_dice_loss(jnp.ones((1, 4)), jnp.ones((1, 4)), apply_sigmoid=False)
    Array([0.], dtype=float64)
    """
    predictions = jnp.asarray(predictions)
    p = nn.sigmoid(predictions) if apply_sigmoid else predictions
    return dice_loss(
        p[..., None], jnp.asarray(targets)[..., None], smooth=smooth, apply_softmax=False
    )
