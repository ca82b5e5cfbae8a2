"""Losses of classes: cross-entropies, hinges and perceptrons, divergences of distributions."""

from __future__ import annotations

from typing import Any

import funcgrad.numpy as jnp
from funcgrad import nn

__all__ = [
    "convex_kl_divergence",
    "generalized_kl_divergence",
    "hinge_loss",
    "kl_divergence",
    "kl_divergence_with_log_targets",
    "multiclass_hinge_loss",
    "multiclass_perceptron_loss",
    "perceptron_loss",
    "poly_loss_cross_entropy",
    "safe_softmax_cross_entropy",
    "sigmoid_binary_cross_entropy",
    "sigmoid_focal_loss",
    "smooth_labels",
    "softmax_cross_entropy",
    "softmax_cross_entropy_with_integer_labels",
]

Array = jnp.ndarray


def _floating(name: str, x: Any) -> Array:
    x = jnp.asarray(x)
    if not jnp.issubdtype(x.dtype, jnp.inexact):
        raise AssertionError(f"{name} needs floating-point scores, got dtype {x.dtype}")
    return x


def sigmoid_binary_cross_entropy(logits: Any, labels: Any) -> Array:
    """-labels log(sigmoid(logits)) - (1 - labels) log(1 - sigmoid(logits)), element by element.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import optim
    >>> optim.sigmoid_binary_cross_entropy(jnp.array([0.0, 1000.0]), jnp.array([1, 1]))
    Array([0.69314718, 0.        ], dtype=float64)
    """
    logits = _floating("sigmoid_binary_cross_entropy", logits)
    labels = jnp.asarray(labels).astype(logits.dtype)
    return -labels * nn.log_sigmoid(logits) - (1.0 - labels) * nn.log_sigmoid(-logits)


def hinge_loss(predictor_outputs: Any, targets: Any) -> Array:
    """max(0, 1 - output * target) for targets -1 and 1.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import optim
    >>> optim.hinge_loss(jnp.array([0.5, -2.0]), jnp.array([1, 1]))
    Array([0.5, 3. ], dtype=float64)
    """
    return jnp.maximum(0, 1 - predictor_outputs * targets)


def perceptron_loss(predictor_outputs: Any, targets: Any) -> Array:
    """max(0, -output * target) for targets -1 and 1 (Rosenblatt 1958).

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.optim import losses
    >>> losses.perceptron_loss(jnp.array([0.5, -2.0]), jnp.array([1, 1]))
    Array([0., 2.], dtype=float64)
    """
    outputs = jnp.asarray(predictor_outputs)
    if jnp.shape(targets) != outputs.shape:
        raise AssertionError(
            f"perceptron_loss needs outputs and targets of one shape, got {outputs.shape} and "
            f"{jnp.shape(targets)}"
        )
    return jnp.maximum(0, -outputs * targets)


def sigmoid_focal_loss(logits: Any, labels: Any, *, alpha: Any = None, gamma: Any = 2.0) -> Array:
    """Cross-entropy times (1 - p)**gamma, p the probability of the label, so that examples that are
    easy count little (Lin et al. 2017, arXiv:1708.02002).

    Args:
      alpha: the weight of label 1, that of label 0 being 1 - alpha; None for none.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import optim
    >>> optim.sigmoid_focal_loss(jnp.array([0.0]), jnp.array([1.0]))
    Array([0.1732868], dtype=float64)
    """
    logits = _floating("sigmoid_focal_loss", logits)
    labels = jnp.asarray(labels).astype(logits.dtype)
    entropy = sigmoid_binary_cross_entropy(logits, labels)
    # log(1 - p) of the label: accurate where p is close to 1, and with a slope there.
    log_miss = labels * nn.log_sigmoid(-logits) + (1 - labels) * nn.log_sigmoid(logits)
    loss = entropy * jnp.exp(gamma * log_miss)
    if alpha is None:
        return loss
    return (alpha * labels + (1 - alpha) * (1 - labels)) * loss


def softmax_cross_entropy(logits: Any, labels: Any, axis: Any = -1, where: Any = None) -> Array:
    """-sum(labels * log_softmax(logits)) for labels that are probabilities.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import optim
    >>> optim.softmax_cross_entropy(jnp.array([[0.0, 0.0]]), jnp.array([[1.0, 0.0]]))
    Array([0.69314718], dtype=float64)
    """
    logits = _floating("softmax_cross_entropy", logits)
    log_probs = nn.log_softmax(logits, axis, where)
    return -jnp.sum(labels * log_probs, axis, where=where)


def softmax_cross_entropy_with_integer_labels(
    logits: Any, labels: Any, axis: int | tuple[int, ...] = -1, where: Any = None
) -> Array:
    """-log_softmax(logits)[label], without one-hot codes.

    Args:
      logits: `[..., classes]`, or with the classes along `axis` (several axes count as one).
      labels: whole numbers in the shape of the other axes.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import optim
    >>> optim.softmax_cross_entropy_with_integer_labels(jnp.array([[0.0, 0.0]]), jnp.array([1]))
    Array([0.69314718], dtype=float64)
    """
    logits, labels = (
        _floating("softmax_cross_entropy_with_integer_labels", logits),
        jnp.asarray(labels),
    )
    if not jnp.issubdtype(labels.dtype, jnp.integer):
        raise AssertionError(
            f"softmax_cross_entropy_with_integer_labels needs integer labels, got {labels.dtype}; "
            "softmax_cross_entropy takes probabilities"
        )
    if isinstance(axis, int):
        return _chosen_entropy(logits, labels, axis % logits.ndim, where)
    axes = tuple(a % logits.ndim for a in axis)
    last = tuple(range(-len(axes), 0))
    flat = jnp.moveaxis(logits, axes, last)
    flat = flat.reshape(*flat.shape[: -len(axes)], -1)
    if where is not None:
        where = jnp.moveaxis(jnp.broadcast_to(where, logits.shape), axes, last).reshape(flat.shape)
    return _chosen_entropy(flat, labels, flat.ndim - 1, where)


def _chosen_entropy(logits: Array, labels: Array, axis: int, where: Any) -> Array:
    chosen = jnp.take_along_axis(logits, jnp.expand_dims(labels, axis), axis=axis).squeeze(axis)
    return nn.logsumexp(logits, axis, where=where) - chosen


def safe_softmax_cross_entropy(logits: Any, labels: Any) -> Array:
    """`softmax_cross_entropy` where 0 times a logarithm of 0 is 0.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import optim
    >>> optim.safe_softmax_cross_entropy(jnp.array([0.0, -jnp.inf]), jnp.array([1.0, 0.0]))
    Array(0., dtype=float64)
    """
    logits = _floating("safe_softmax_cross_entropy", logits)
    log_probs = nn.log_softmax(logits)
    # The product that is not taken sees 0, so that its slope is no NaN.
    terms = jnp.where(labels == 0, 0.0, labels * jnp.where(labels == 0, 0.0, log_probs))
    return -jnp.sum(terms, axis=-1)


def poly_loss_cross_entropy(
    logits: Any, labels: Any, *, epsilon: Any = 2.0, axis: Any = -1, where: Any = None
) -> Array:
    """Cross-entropy plus epsilon (1 - p), p the probability of the label (Leng et al. 2022,
    arXiv:2204.12511).

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.optim import losses
    >>> losses.poly_loss_cross_entropy(jnp.array([0.0, 0.0]), jnp.array([1.0, 0.0]))
    Array(1.69314718, dtype=float64)
    """
    misses = 1.0 - nn.softmax(logits, axis, where)
    miss = jnp.sum(labels * misses, axis=axis, where=where)
    return softmax_cross_entropy(logits, labels, axis, where) + epsilon * miss


def smooth_labels(labels: Any, alpha: Any, *, axis: Any = -1, where: Any = None) -> Array:
    """(1 - alpha) labels + alpha / classes (Mueller et al. 2019, arXiv:1906.02629).

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import optim
    >>> optim.smooth_labels(jnp.array([1.0, 0.0]), 0.1)
    Array([0.95, 0.05], dtype=float64)
    """
    labels = _floating("smooth_labels", labels)
    if where is None:
        return (1.0 - alpha) * labels + alpha / labels.shape[axis]
    count = jnp.sum(jnp.broadcast_to(where, labels.shape), axis=axis, keepdims=True)
    return (1.0 - alpha) * labels + alpha / count


def kl_divergence(log_predictions: Any, targets: Any, axis: Any = -1, where: Any = None) -> Array:
    """sum(targets (log(targets) - log_predictions)): Kullback-Leibler, 0 where a target is 0.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import optim
    >>> optim.kl_divergence(jnp.log(jnp.array([0.5, 0.5])), jnp.array([1.0, 0.0]))
    Array(0.69314718, dtype=float64)
    """
    log_predictions = _floating("kl_divergence", log_predictions)
    targets = jnp.asarray(targets)
    return jnp.sum(_target_entropy(targets) - targets * log_predictions, axis=axis, where=where)


def _target_entropy(targets: Array) -> Array:
    """targets log(targets), 0 where a target is 0, with slope 0 there."""
    positive = targets > 0
    return jnp.where(positive, targets * jnp.log(jnp.where(positive, targets, 1)), 0)


def kl_divergence_with_log_targets(
    log_predictions: Any, log_targets: Any, axis: Any = -1, where: Any = None
) -> Array:
    """`kl_divergence` of targets given by their logarithms.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.optim import losses
    >>> p, q = jnp.log(jnp.array([0.5, 0.5])), jnp.log(jnp.array([0.25, 0.75]))
    >>> losses.kl_divergence_with_log_targets(p, q)
    Array(0.13081204, dtype=float64)
    """
    log_predictions = _floating("kl_divergence_with_log_targets", log_predictions)
    terms = jnp.exp(log_targets) * (log_targets - log_predictions)
    return jnp.sum(terms, axis=axis, where=where)


def convex_kl_divergence(
    log_predictions: Any, targets: Any, axis: Any = -1, where: Any = None
) -> Array:
    """`kl_divergence` plus sum(predictions - targets): convex also off the simplex.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import optim
    >>> optim.convex_kl_divergence(jnp.log(jnp.array([0.5, 0.5])), jnp.array([1.0, 0.0]))
    Array(0.69314718, dtype=float64)
    """
    extra = jnp.sum(jnp.exp(log_predictions) - targets, axis=axis, where=where)
    return kl_divergence(log_predictions, targets, axis, where) + extra


generalized_kl_divergence = convex_kl_divergence


def _class_scores(scores: Any, labels: Any) -> Any:
    return jnp.take_along_axis(scores, jnp.expand_dims(labels, -1), axis=-1).squeeze(-1)


def multiclass_hinge_loss(scores: Any, labels: Any) -> Array:
    """max over classes (score + [class is not the label]) - score of the label (Crammer & Singer
    2001).

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.optim import losses
    >>> losses.multiclass_hinge_loss(jnp.array([1.0, 0.5]), jnp.array(0))
    Array(0.5, dtype=float64)
    """
    scores, labels = jnp.asarray(scores), jnp.asarray(labels)
    margin = 1.0 - nn.one_hot(labels, scores.shape[-1], dtype=scores.dtype)
    return jnp.max(scores + margin, axis=-1) - _class_scores(scores, labels)


def multiclass_perceptron_loss(scores: Any, labels: Any) -> Array:
    """The largest score minus that of the label (Collins 2002).

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.optim import losses
    >>> losses.multiclass_perceptron_loss(jnp.array([1.0, 2.5]), jnp.array(0))
    Array(1.5, dtype=float64)
    """
    scores, labels = jnp.asarray(scores), jnp.asarray(labels)
    return jnp.max(scores, axis=-1) - _class_scores(scores, labels)
