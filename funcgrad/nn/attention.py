"""Attention: softmax(Q K^T / sqrt(d)) V, with masks, biases and shared heads."""

from __future__ import annotations

from typing import Any

import numpy as np

import funcgrad.numpy as fnp
from funcgrad.nn.normalize import logsumexp, softmax

__all__ = ["dot_product_attention"]

Array = fnp.ndarray


def dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    bias: Any = None,
    mask: Any = None,
    *,
    scale: float | None = None,
    is_causal: bool = False,
    query_seq_lengths: Any = None,
    key_value_seq_lengths: Any = None,
    local_window_size: int | tuple[int, int] | None = None,
    implementation: str | None = None,
    return_residual: bool = False,
) -> Any:
    """Scaled dot-product attention (Vaswani et al. 2017, arXiv:1706.03762).

    Args:
      query: `[batch, T, heads, dim]`, or without the batch axis.
      key: `[batch, S, kv_heads, dim]`; `heads` is a multiple of `kv_heads` (grouped queries).
      value: `[batch, S, kv_heads, dim]`.
      bias: added to the scores, broadcast to `[batch, heads, T, S]`.
      mask: boolean, broadcast to the same; False hides a key from a query.
      scale: of the scores, by default 1 / sqrt(dim).
      is_causal: hide keys after the query's own position.
      query_seq_lengths: int32 `[batch]`, positions from there on give 0.
      key_value_seq_lengths: int32 `[batch]`, keys from there on are hidden.
      local_window_size: hide keys further than that (to the left and right) from the query.
      implementation: "xla" or None, which are the same here.
      return_residual: also return the logarithms of the sums in the softmax, `[batch, T, heads]`.

    Returns:
      `[batch, T, heads, dim]`, as `query`.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> x = jnp.ones((2, 3, 4, 8))
    >>> fg.nn.dot_product_attention(x, x, x, is_causal=True).shape
    (2, 3, 4, 8)
    """
    q, k, v = (fnp.asarray(x) for x in (query, key, value))
    _check_options(implementation, mask, query_seq_lengths, key_value_seq_lengths)
    if not q.dtype == k.dtype == v.dtype:
        raise ValueError(
            "query, key and value should have the same dtype, but got "
            f"{q.dtype}, {k.dtype} and {v.dtype}"
        )
    if q.ndim not in (3, 4) or q.ndim != k.ndim or k.shape[:-1] != v.shape[:-1]:
        raise ValueError(
            f"attention needs query [B, T, N, H], key and value [B, S, K, H]; got shapes {q.shape}, "
            f"{k.shape} and {v.shape}"
        )
    single = q.ndim == 3
    if single:
        q, k, v = (x[None] for x in (q, k, v))
    batch, t, heads, dim = q.shape
    s, groups = k.shape[1], k.shape[2]
    if heads % groups:
        raise ValueError(f"{heads} query heads cannot share {groups} key heads evenly")
    grouped = q.reshape(batch, t, groups, heads // groups, dim)
    scores = fnp.einsum("btkgh,bskh->bkgts", grouped, k).reshape(batch, heads, t, s)
    scores = scores * (1.0 / np.sqrt(dim).item() if scale is None else scale)
    if bias is not None:
        scores = scores + bias
    visible = _visible(
        t, s, mask, is_causal, query_seq_lengths, key_value_seq_lengths, local_window_size
    )
    if visible is not None:
        scores = fnp.where(visible, scores, 0.7 * float(fnp.finfo(scores.dtype).min))
    weights = softmax(scores).astype(v.dtype)
    shared = weights.reshape(batch, groups, heads // groups, t, s)
    out = fnp.einsum("bkgts,bskh->btkgh", shared, v).reshape(batch, t, heads, v.shape[-1])
    if query_seq_lengths is not None:
        inside = fnp.arange(t)[None] < fnp.asarray(query_seq_lengths)[:, None]
        out = fnp.where(inside[:, :, None, None], out, 0)
    out = out[0] if single else out
    if not return_residual:
        return out
    residual = fnp.swapaxes(logsumexp(scores, axis=-1), 1, 2)
    return out, residual[0] if single else residual


def _check_options(implementation: Any, mask: Any, *lengths: Any) -> None:
    if implementation not in (None, "xla"):
        if implementation == "cudnn":
            raise RuntimeError("cuDNN needs a GPU; leave `implementation` out")
        raise ValueError(f"Unsupported implementation option: {implementation}")
    if mask is not None and fnp.asarray(mask).dtype != bool:
        raise ValueError(
            f"mask must be boolean, got dtype {fnp.asarray(mask).dtype}; numbers to add are a bias"
        )
    for given in lengths:
        if given is not None and fnp.asarray(given).dtype != fnp.int32:
            raise ValueError(
                f"seq_lengths dtype should be int32, but got {fnp.asarray(given).dtype}"
            )


def _visible(
    t: int, s: int, mask: Any, causal: bool, query_lengths: Any, key_lengths: Any, window: Any
) -> Any:
    """Which keys each query sees, None for all."""
    rows, columns = fnp.arange(t)[:, None], fnp.arange(s)[None, :]
    parts = [] if mask is None else [fnp.asarray(mask)]
    if causal:
        parts.append(columns <= rows)
    if window is not None:
        left, right = window if isinstance(window, tuple) else (window, window)
        parts.append((columns >= rows - left) & (columns <= rows + right))
    if query_lengths is not None:
        parts.append(rows < fnp.asarray(query_lengths)[:, None, None, None])
    if key_lengths is not None:
        parts.append(columns < fnp.asarray(key_lengths)[:, None, None, None])
    seen: Any = None
    for part in parts:
        seen = part if seen is None else seen & part
    return seen
