"""Vector quantization: the name of `jax.scipy.cluster.vq`."""

from __future__ import annotations

from typing import Any

import funcgrad.numpy as fnp
from funcgrad.numpy import ndarray as Array
from funcgrad.numpy.convert import promote_inexact

__all__ = ["vq"]


def vq(obs: Any, code_book: Any, check_finite: bool = True) -> tuple[Array, Array]:
    """For each observation the nearest code and its distance.

    Args:
      obs: `(m, n)`, or `(m,)` for numbers.
      code_book: `(k, n)`, or `(k,)`.
      check_finite: without effect.
    Returns:
      The indices `(m,)` and the distances `(m,)`.
    Raises:
      ValueError: for ranks that differ. TypeError: for sizes that differ.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.cluster.vq import vq
    >>> vq(jnp.array([0.2, 2.1]), jnp.array([0.0, 2.0]))[0]
    Array([0, 1], dtype=int64)
    """
    obs, codes = promote_inexact("vq", obs, code_book)
    if obs.ndim != codes.ndim or obs.ndim not in (1, 2):
        raise ValueError("Observation and code_book should have the same rank, 1 or 2")
    if obs.ndim == 1:
        obs, codes = obs[:, None], codes[:, None]
    if obs.shape[1] != codes.shape[1]:
        raise TypeError(f"vq got observations {obs.shape} and codes {codes.shape} of other sizes.")
    squares = fnp.sum((obs[:, None] - codes) ** 2, -1)
    index = fnp.argmin(squares, 1)
    return index, fnp.sqrt(fnp.take_along_axis(squares, index[:, None], 1)[:, 0])
