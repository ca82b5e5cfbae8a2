"""What the modules of `linalg` share: checks, adjoints, functions with their own derivatives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from funcgrad import lax
from funcgrad.core.array import Array
from funcgrad.lax.custom import custom_jvp_call_p
from funcgrad.numpy.arguments import is_complex

__all__ = ["adjoint", "at_least_matrix", "custom_jvp", "hermitian_part", "transposed"]


def at_least_matrix(name: str, x: Array) -> Array:
    """`x`, if it has two axes at least; TypeError else."""
    if x.ndim < 2:
        raise TypeError(f"Input 0 to {name} must have rank at least 2, but got shape={x.shape}")
    return x


def transposed(x: Array) -> Array:
    """The last two axes exchanged."""
    n = x.ndim
    return lax.transpose(x, (*range(n - 2), n - 1, n - 2))


def adjoint(x: Array) -> Array:
    """The last two axes exchanged, and conjugated."""
    return transposed(lax.conj(x) if is_complex(x) else x)


def hermitian_part(name: str, x: Array) -> Array:
    """(x + x^H) / 2, of matrices that must be square."""
    total = lax.add(at_least_matrix(name, x), adjoint(x))
    return lax.div(total, lax.full_like(total, 2, shape=()))


def custom_jvp(
    fun: Callable[..., Sequence[Array]],
    jvp: Callable[..., tuple[Sequence[Array], Sequence[Any]]],
    *args: Array,
) -> Sequence[Any]:
    """`fun(*args)`, a list of arrays, whose derivative is `jvp(primals, tangents)`."""

    def flat_jvp(*both: Any) -> list[Any]:
        n = len(args)
        out, tangents = jvp(both[:n], both[n:])
        return [*out, *tangents]

    out: Sequence[Any] = custom_jvp_call_p.bind(
        *args, fun=fun, jvp=flat_jvp, name=fun.__name__.lstrip("_"), symbolic_zeros=False
    )
    return out
