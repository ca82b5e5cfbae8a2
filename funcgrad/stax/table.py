"""The table of a network: its layers, their shapes and how many parameters they have."""

from __future__ import annotations

import math
from typing import Any

from funcgrad import random, tree
from funcgrad.api import eval_shape

__all__ = ["summary"]


def _initialised(layer: Any, input_shape: Any) -> tuple[Any, int]:
    """The output's shape and the number of parameters, without computing them."""
    shapes = []

    def init(key: Any) -> Any:
        shape, params, *_ = layer[0](key, input_shape)
        shapes.append(shape)
        return params

    params = eval_shape(init, random.key(0))
    return shapes[0], sum(math.prod(leaf.shape) for leaf in tree.leaves(params))


def _rows(layer: Any, input_shape: Any, depth: int) -> list[tuple[str, str, int]]:
    name = getattr(layer, "name", "layer")
    parts = getattr(layer, "parts", ())
    out, count = _initialised(layer, input_shape)
    if not parts:
        return [("  " * depth + name, _text(out), count)]
    rows = [("  " * depth + name, _text(out), 0)]
    shape = input_shape
    for i, part in enumerate(parts):
        given = input_shape[i] if name == "parallel" else shape
        rows += _rows(part, given, depth + 1)
        shape = _initialised(part, given)[0]
    return rows


def _text(shape: Any) -> str:
    if isinstance(shape, list):
        return "[" + ", ".join(_text(s) for s in shape) + "]"
    return "(" + ", ".join("-" if n == -1 else str(n) for n in shape) + ")"


def summary(layer: Any, input_shape: Any) -> str:
    """The table of a network: each layer with the shape it gives and its number of parameters.

    Args:
      layer: a layer, `serial(...)`, say.
      input_shape: with -1 for a batch of any size.

    >>> from funcgrad import stax
    >>> print(stax.summary(stax.serial(stax.Dense(8), stax.Relu, stax.Dense(3)), (-1, 4)))
    layer       output  parameters
    ------------------------------
    serial      (-, 3)
      Dense(8)  (-, 8)          40
      Relu      (-, 8)
      Dense(3)  (-, 3)          27
    ------------------------------
    total                       67
    """
    rows = _rows(layer, input_shape, 0)
    total = _initialised(layer, input_shape)[1]
    names = max(len("layer"), *(len(name) for name, *_ in rows))
    shapes = max(len("output"), *(len(shape) for _, shape, _ in rows))
    counts = max(len("parameters"), len(f"{total:,}"))

    def line(name: str, shape: str, count: str) -> str:
        return f"{name:<{names}}  {shape:<{shapes}}  {count:>{counts}}".rstrip()

    rule = "-" * (names + shapes + counts + 4)
    body = [line(name, shape, f"{count:,}" if count else "") for name, shape, count in rows]
    return "\n".join(
        [line("layer", "output", "parameters"), rule, *body, rule, line("total", "", f"{total:,}")]
    )
