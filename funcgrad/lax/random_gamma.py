"""The primitive behind gamma-distributed numbers, differentiable in the shape parameter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad.core.array import Array, typeof
from funcgrad.core.avals import ShapedArray, shaped
from funcgrad.core.primitive import AxisData, Primitive, Zero
from funcgrad.lax import arithmetic as ar
from funcgrad.lax.elementwise import exp
from funcgrad.lax.prng import consumed
from funcgrad.lax.random_gamma_numpy import random_gamma as random_gamma_numpy
from funcgrad.lax.special import random_gamma_grad
from funcgrad.transforms.batch import to_dim

__all__ = ["random_gamma"]


class RandomGamma(Primitive):
    """From keys `[*k]` and shape parameters `[*k, *rest]` one number for each parameter."""

    def impl(self, keys: Any, a: Any, *, log_space: bool) -> Any:
        impl, words = consumed(self.name, keys)
        a = np.asarray(a)
        each = impl.split(words, a.shape[keys.ndim :]).reshape(-1, *impl.key_shape)
        return random_gamma_numpy(impl, each, a.reshape(-1), log_space).reshape(a.shape)

    def abstract_eval(self, keys: ShapedArray, a: ShapedArray, *, log_space: bool) -> ShapedArray:
        return shaped(a.shape, a.dtype)

    def jvp(self, primals: Sequence[Any], tangents: Sequence[Any], **params: Any) -> Any:
        """The number moves with its parameter so that its distribution function stays."""
        out = self.bind(*primals, **params)
        a, tangent = primals[1], tangents[1]
        if type(tangent) is Zero:
            return out, Zero(typeof(out).to_tangent_aval())
        if params["log_space"]:
            x = exp(out)
            return out, ar.mul(tangent, ar.div(random_gamma_grad(a, x), x))
        return out, ar.mul(tangent, random_gamma_grad(a, out))

    def batch(
        self, axis: AxisData, args: Sequence[Any], dims: Sequence[int | None], **params: Any
    ) -> Any:
        keys, a = (to_dim(x, axis, d, 0) for x, d in zip(args, dims, strict=True))
        return self.bind(keys, a, **params), 0


random_gamma_p = RandomGamma("random_gamma")


def random_gamma(keys: Any, a: Any, log_space: bool) -> Array:
    """Gamma-distributed numbers with shape parameters `a`, or their logarithms."""
    return random_gamma_p.bind(keys, a, log_space=log_space)
