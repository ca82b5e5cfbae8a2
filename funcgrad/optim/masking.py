"""Transformations of a part of the parameters: `masked`, `freeze`."""

from __future__ import annotations

from typing import Any, NamedTuple

from funcgrad import tree
from funcgrad.optim.base import (
    GradientTransformation,
    GradientTransformationExtraArgs,
    set_to_zero,
    with_extra_args_support,
)

__all__ = ["MaskOrFn", "MaskedNode", "MaskedState", "freeze", "masked"]

MaskOrFn = Any  # a tree of booleans, or a function of the parameters that makes one


class MaskedNode(NamedTuple):
    """Stands in a tree where a parameter is left out; it has no leaves."""


class MaskedState(NamedTuple):
    """The state of the transformation that sees the chosen parameters."""

    inner_state: Any


def _chosen(mask: Any, values: Any) -> Any:
    return tree.map(lambda m, x: x if m else MaskedNode(), mask, values)


def _structures_agree(a: Any, b: Any) -> bool:
    return tree.structure(a) == tree.structure(b)


def masked(
    inner: GradientTransformation, mask: MaskOrFn, *, mask_compatible_extra_args: bool = False
) -> GradientTransformationExtraArgs:
    """A transformation of the parameters where the mask is True; the other updates pass unchanged.

    Args:
      mask: a tree of booleans like the parameters or a prefix of them, or a function that makes it
        from the parameters.
      mask_compatible_extra_args: whether extra arguments that are trees like the updates are
        masked, too.

    >>> from funcgrad import optim
    >>> tx = optim.masked(optim.scale(-1.0), {"w": True, "b": False})
    >>> params = {"w": 1.0, "b": 2.0}
    >>> tx.update(params, tx.init(params))[0]
    {'b': 2.0, 'w': -1.0}
    """
    inner = with_extra_args_support(inner)

    def mask_of(values: Any) -> Any:
        return mask(values) if callable(mask) else mask

    def init(params: Any) -> MaskedState:
        return MaskedState(inner.init(_chosen(mask_of(params), params)))

    def update(updates: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        choice = mask_of(updates)
        if mask_compatible_extra_args:
            extra_args = {
                name: _chosen(choice, value) if _structures_agree(value, updates) else value
                for name, value in extra_args.items()
            }
        new, inner_state = inner.update(
            _chosen(choice, updates),
            state.inner_state,
            None if params is None else _chosen(choice, params),
            **extra_args,
        )
        merged = tree.map(lambda m, n, old: n if m else old, choice, new, updates)
        return merged, MaskedState(inner_state)

    return GradientTransformationExtraArgs(init, update)


def freeze(mask: Any) -> GradientTransformationExtraArgs:
    """Zero updates where the mask is True; the others pass unchanged.

    >>> from funcgrad import optim
    >>> tx = optim.freeze({"w": True, "b": False})
    >>> params = {"w": 1.0, "b": 2.0}
    >>> tx.update(params, tx.init(params))[0]
    {'b': 2.0, 'w': Array(0., dtype=float64, weak_type=True)}
    """
    return masked(set_to_zero(), mask)
