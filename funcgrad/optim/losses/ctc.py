"""The connectionist temporal classification loss (Graves et al. 2006)."""

from __future__ import annotations

from typing import Any

import funcgrad.numpy as jnp
from funcgrad import lax, nn

__all__ = ["ctc_loss", "ctc_loss_with_forward_probs"]

Array = jnp.ndarray


def ctc_loss(
    logits: Any,
    logit_paddings: Any,
    labels: Any,
    label_paddings: Any,
    *,
    blank_id: int = 0,
    log_epsilon: Any = -1e5,
) -> Array:
    """-log of the probability of label sequences, summed over all alignments to the frames.

    Args:
      logits: `[batch, frames, classes]`.
      logit_paddings: `[batch, frames]`, 1.0 for frames that do not count, after those that do.
      labels: `[batch, labels]`, whole numbers.
      label_paddings: `[batch, labels]`, 1.0 for labels that do not count, after those that do.
      blank_id: the class of no label.
      log_epsilon: stands for the logarithm of 0.

    Returns:
      `[batch]`.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import optim
    >>> logits, frames = jnp.zeros((1, 2, 3)), jnp.zeros((1, 2))
    >>> loss = optim.ctc_loss(logits, frames, jnp.array([[1]]), jnp.zeros((1, 1)))
    >>> jnp.exp(-loss)  # (1, 1), (0, 1) and (1, 0) of nine
    Array([0.33333333], dtype=float64)
    """
    return ctc_loss_with_forward_probs(
        logits, logit_paddings, labels, label_paddings, blank_id=blank_id, log_epsilon=log_epsilon
    )[0]


def ctc_loss_with_forward_probs(
    logits: Any,
    logit_paddings: Any,
    labels: Any,
    label_paddings: Any,
    *,
    blank_id: int = 0,
    log_epsilon: Any = -1e5,
) -> tuple[Array, Array, Array]:
    """`ctc_loss`, and the logarithms of its forward probabilities.

    Returns:
      The loss `[batch]`; by frame those of having ended with a blank after n labels (at the last
      frame: of n labels at all), `[frames, batch, labels + 1]`, and of having ended with label n,
      `[frames, batch, labels]`.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import optim
    >>> logits, frames = jnp.zeros((1, 2, 3)), jnp.zeros((1, 2))
    >>> _, blank, emit = optim.ctc_loss_with_forward_probs(
    ...     logits, frames, jnp.array([[1]]), jnp.zeros((1, 1))
    ... )
    >>> blank.shape, emit.shape
    ((2, 1, 2), (2, 1, 1))
    """
    logits, labels = jnp.asarray(logits), jnp.asarray(labels)
    if logits.ndim != 3 or labels.ndim != 2 or labels.shape[0] != logits.shape[0]:
        raise ValueError(
            "ctc_loss needs logits [batch, frames, classes] and labels [batch, labels]; "
            f"got shapes {logits.shape} and {labels.shape}"
        )
    batch, _, classes = logits.shape
    count = labels.shape[1]
    log_probs = nn.log_softmax(logits)
    blanks = jnp.moveaxis(log_probs[..., blank_id], 1, 0)[..., None]
    codes = nn.one_hot(labels, classes, dtype=log_probs.dtype)
    emissions = jnp.einsum("btk,bnk->tbn", log_probs, codes)
    repeated = jnp.pad(labels[:, 1:] == labels[:, :-1], ((0, 0), (1, 0)))
    no_skip = repeated.astype(log_probs.dtype) * log_epsilon
    never = jnp.full((batch, 1), log_epsilon, log_probs.dtype)

    def step(carry: Any, frame: Any) -> Any:
        blank, emit = carry
        log_blank, log_emit, padded = frame
        before = jnp.concatenate([never, emit], axis=1)  # ended with the label before
        new_blank = jnp.logaddexp(blank, before) + log_blank
        came = jnp.logaddexp(emit, blank[:, :-1])
        new_emit = jnp.logaddexp(came, before[:, :-1] + no_skip) + log_emit
        keep = padded[:, None] > 0
        out = jnp.where(keep, blank, new_blank), jnp.where(keep, emit, new_emit)
        return out, out

    start = (
        jnp.full((batch, count + 1), log_epsilon, log_probs.dtype).at[:, 0].set(0.0),
        jnp.full((batch, count), log_epsilon, log_probs.dtype),
    )
    paddings = jnp.moveaxis(jnp.asarray(logit_paddings), 1, 0)
    (blank, emit), (all_blank, all_emit) = lax.scan(step, start, (blanks, emissions, paddings))
    lengths = count - jnp.sum(jnp.asarray(label_paddings), axis=1).astype(jnp.int32)
    ends = jnp.logaddexp(blank, jnp.concatenate([never, emit], axis=1))
    loss = -jnp.take_along_axis(ends, lengths[:, None], axis=1)[:, 0]
    return loss, all_blank.at[-1].set(ends), all_emit
