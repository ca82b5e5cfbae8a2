"""Multi-head attention, with rotary positions on request."""

from __future__ import annotations

from typing import Any

import funcgrad.numpy as jnp
from funcgrad import nn, random
from funcgrad.nn.initializers import glorot_normal
from funcgrad.stax.layer import Layer

__all__ = ["MultiHeadAttention", "rotary"]

GLOROT = glorot_normal()


def rotary(x: Any, base: float = 10_000.0) -> Any:
    """Pairs of features of `[batch, time, heads, dim]` turned by angles that grow with the position,
    so that products of queries and keys depend on distances only (Su et al. 2021,
    arXiv:2104.09864).

    Feature i is paired with feature i + dim / 2.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import stax
    >>> stax.rotary(jnp.ones((1, 2, 1, 2)))[0, :, 0]
    Array([[ 1.        ,  1.        ],
           [-0.30116868,  1.38177329]], dtype=float64)
    """
    x = jnp.asarray(x)
    time, dim = x.shape[1], x.shape[-1]
    if dim % 2:
        raise ValueError(f"rotary pairs features: their number must be even, not {dim}")
    rates = base ** (-jnp.arange(0, dim, 2) / dim)
    angles = (jnp.arange(time)[:, None] * rates)[:, None].astype(x.dtype)
    cos, sin = jnp.cos(angles), jnp.sin(angles)
    a, b = x[..., : dim // 2], x[..., dim // 2 :]
    return jnp.concatenate([a * cos - b * sin, b * cos + a * sin], axis=-1)


def MultiHeadAttention(
    num_heads: int,
    head_dim: int | None = None,
    *,
    causal: bool = False,
    use_rotary: bool = False,
    num_kv_heads: int | None = None,
    local_window_size: Any = None,
    W_init: Any = GLOROT,
) -> Layer:
    """Attention of `[batch, time, features]` to itself (Vaswani et al. 2017, arXiv:1706.03762), or,
    for a list of two inputs, of the first one to the second.

    `apply_fun` takes `mask`, booleans broadcast to `[batch, heads, time, time]`.

    Args:
      head_dim: features of a head, by default features / num_heads.
      causal: whether a position sees only itself and those before it.
      use_rotary: turn queries and keys by their positions, see `rotary`.
      num_kv_heads: of keys and values, fewer where several queries share them.
      local_window_size: how far a position sees, see `nn.dot_product_attention`.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import stax
    >>> init_fun, apply_fun = stax.MultiHeadAttention(4, causal=True)
    >>> out_shape, params = init_fun(fg.random.key(0), (-1, 10, 32))
    >>> out_shape, apply_fun(params, jnp.ones((2, 10, 32))).shape
    ((-1, 10, 32), (2, 10, 32))
    """
    kv_heads = num_kv_heads or num_heads

    def init_fun(rng: Any, input_shape: Any) -> Any:
        shapes = input_shape if isinstance(input_shape[0], tuple | list) else [input_shape] * 2
        features, memory = shapes[0][-1], shapes[1][-1]
        if head_dim is None and features % num_heads:
            raise ValueError(
                f"{features} features cannot be divided among {num_heads} heads: give head_dim"
            )
        size = head_dim or features // num_heads
        keys = random.split(rng, 4)
        params = {
            "query": W_init(keys[0], (features, num_heads * size)),
            "key": W_init(keys[1], (memory, kv_heads * size)),
            "value": W_init(keys[2], (memory, kv_heads * size)),
            "out": W_init(keys[3], (num_heads * size, features)),
        }
        return tuple(shapes[0]), params

    def apply_fun(params: Any, inputs: Any, mask: Any = None, **kwargs: Any) -> Any:
        x, memory = inputs if isinstance(inputs, list | tuple) else (inputs, inputs)

        def heads(name: str, values: Any, count: int) -> Any:
            out = values @ params[name]
            return out.reshape(*out.shape[:-1], count, -1)

        q = heads("query", x, num_heads)
        k, v = heads("key", memory, kv_heads), heads("value", memory, kv_heads)
        if use_rotary:
            q, k = rotary(q), rotary(k)
        out = nn.dot_product_attention(
            q, k, v, mask=mask, is_causal=causal, local_window_size=local_window_size
        )
        return out.reshape(*out.shape[:-2], -1) @ params["out"]

    return Layer(init_fun, apply_fun, f"MultiHeadAttention({num_heads})")
