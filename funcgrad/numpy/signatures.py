"""Signatures of generalized ufuncs: which dimensions a function takes and returns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["Dims", "Signature"]

Dims = tuple[str, ...]

_NAME = r"\w+"
_DIMS = rf"\((?:{_NAME}(?:,{_NAME})*)?\)"
_LIST = rf"{_DIMS}(?:,{_DIMS})*"


class Signature:
    """`(m,n),(n)->(m)`: the named core dimensions of the arguments and of the results."""

    __slots__ = ("inputs", "outputs")

    def __init__(self, text: str) -> None:
        compact = re.sub(r"\s+", "", text)
        if not re.fullmatch(rf"{_LIST}->{_LIST}", compact):
            raise ValueError(f"not a valid gufunc signature: {text}")
        self.inputs, self.outputs = (
            [tuple(re.findall(_NAME, dims)) for dims in re.findall(_DIMS, side)]
            for side in compact.split("->")
        )

    def sizes(self, shapes: Sequence[tuple[int, ...]], hint: str) -> dict[str, int]:
        """The size of each named dimension.

        Raises:
          TypeError: for another number of arguments.
          ValueError: for too few dimensions, or two sizes of one name.
        """
        if len(shapes) != len(self.inputs):
            raise TypeError(
                f"wrong number of positional arguments: expected {len(self.inputs)}, "
                f"got {len(shapes)} {hint}"
            )
        found: dict[str, int] = {}
        for shape, dims in zip(shapes, self.inputs):
            if len(shape) < len(dims):
                raise ValueError(
                    f"input with shape {shape} does not have enough dimensions for all core "
                    f"dimensions {dims} {hint}"
                )
            for name, size in zip(dims, shape[len(shape) - len(dims) :]):
                if found.setdefault(name, size) != size:
                    raise ValueError(
                        f"inconsistent size for core dimension {name!r}: {size} vs "
                        f"{found[name]} {hint}"
                    )
        return found

    def check_results(self, out: Any, sizes: dict[str, int], hint: str) -> Any:
        """`out`, if its number and shapes are those of the signature."""
        if len(self.outputs) > 1 and not isinstance(out, tuple):
            raise TypeError(
                f"output must be a tuple when multiple outputs are expected, got: {out!r} {hint}"
            )
        results = out if len(self.outputs) > 1 else (out,)
        if len(results) != len(self.outputs):
            raise TypeError(
                f"wrong number of output arguments: expected {len(self.outputs)}, "
                f"got {len(results)} {hint}"
            )
        known = dict(sizes)
        for result, dims in zip(results, self.outputs):
            shape = np.shape(result)
            if len(shape) != len(dims) or any(
                known.setdefault(name, size) != size for name, size in zip(dims, shape)
            ):
                raise ValueError(
                    f"output shape {shape} does not match core dimensions {dims} {hint}"
                )
        return out
