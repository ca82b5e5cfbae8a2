"""Transformations made of others: one after another, or each for its own part of the parameters."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from funcgrad import tree
from funcgrad.optim.base import (
    GradientTransformation,
    GradientTransformationExtraArgs,
    set_to_zero,
    with_extra_args_support,
)
from funcgrad.optim.masking import MaskOrFn, masked

__all__ = [
    "MultiTransformState",
    "PartitionState",
    "chain",
    "multi_transform",
    "named_chain",
    "partition",
    "selective_transform",
]


def chain(*args: GradientTransformation) -> GradientTransformationExtraArgs:
    """One transformation after another; the state is the tuple of their states.

    Raises:
      ValueError: in `update`, for a state that `init` of this chain did not make.

    >>> from funcgrad import optim
    >>> tx = optim.chain(optim.clip(1.0), optim.scale(-0.1))
    >>> tx.update({"w": 5.0}, tx.init({"w": 0.0}))[0]
    {'w': Array(-0.1, dtype=float64, weak_type=True)}
    """
    parts = [with_extra_args_support(tx) for tx in args]

    def init(params: Any) -> Any:
        return tuple(tx.init(params) for tx in parts)

    def update(updates: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        if len(state) != len(parts):
            raise ValueError(
                "The number of updates and states has to be the same in chain! Make sure you have "
                f"called init first! The chain has {len(parts)} parts, the state {len(state)}."
            )
        states = []
        for tx, old in zip(parts, state, strict=True):
            updates, new = tx.update(updates, old, params, **extra_args)
            states.append(new)
        return updates, tuple(states)

    return GradientTransformationExtraArgs(init, update)


def named_chain(
    *args: tuple[str, GradientTransformation],
) -> GradientTransformationExtraArgs:
    """`chain` of (name, transformation) pairs; the state is a dict by name.

    Raises:
      ValueError: for a name given twice.

    >>> from funcgrad import optim
    >>> tx = optim.named_chain(("clip", optim.clip(1.0)), ("scale", optim.scale(-0.1)))
    >>> list(tx.init(0.0))
    ['clip', 'scale']
    """
    names = [name for name, _ in args]
    if len(set(names)) != len(names):
        raise ValueError(f"Named transformations must have unique names, but got {names}")
    inner = chain(*(tx for _, tx in args))

    def init(params: Any) -> Any:
        return OrderedDict(zip(names, inner.init(params), strict=True))

    def update(updates: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        updates, states = inner.update(
            updates, [state[name] for name in names], params, **extra_args
        )
        return updates, OrderedDict(zip(names, states, strict=True))

    return GradientTransformationExtraArgs(init, update)


class PartitionState(NamedTuple):
    """The states of the transformations, by label."""

    inner_states: Mapping[Any, Any]


MultiTransformState = PartitionState


def partition(
    transforms: Mapping[Any, GradientTransformation],
    param_labels: Any,
    *,
    mask_compatible_extra_args: bool = False,
) -> GradientTransformationExtraArgs:
    """Each parameter goes to the transformation that its label names.

    Args:
      transforms: transformations by label.
      param_labels: a tree of labels like the parameters or a prefix of them, or a function that
        makes it from the parameters.
      mask_compatible_extra_args: whether extra arguments that are trees like the parameters are
        divided as the updates are.

    Raises:
      ValueError: in `init`, for a label without a transformation.

    >>> from funcgrad import optim
    >>> tx = optim.partition(
    ...     {"train": optim.scale(-1.0), "keep": optim.set_to_zero()}, {"w": "train", "b": "keep"}
    ... )
    >>> params = {"w": 1.0, "b": 2.0}
    >>> tx.update(params, tx.init(params))[0]
    {'b': Array(0., dtype=float64, weak_type=True), 'w': -1.0}
    """
    parts = {label: with_extra_args_support(tx) for label, tx in transforms.items()}

    def labels_of(params: Any) -> Any:
        return param_labels(params) if callable(param_labels) else param_labels

    def one(label: Any, labels: Any) -> GradientTransformationExtraArgs:
        return masked(
            parts[label],
            tree.map(lambda other: other == label, labels),
            mask_compatible_extra_args=mask_compatible_extra_args,
        )

    def init(params: Any) -> PartitionState:
        labels = labels_of(params)
        used = set(tree.leaves(labels))
        if not used <= parts.keys():
            raise ValueError(
                "Some parameters have no corresponding transformation.\n"
                f"Parameter labels: {sorted(used, key=str)} \n"
                f"Transforms keys: {sorted(parts, key=str)} \n"
            )
        return PartitionState({label: one(label, labels).init(params) for label in parts})

    def update(updates: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        labels = labels_of(updates)
        states = {}
        for label in parts:
            updates, states[label] = one(label, labels).update(
                updates, state.inner_states[label], params, **extra_args
            )
        return updates, PartitionState(states)

    return GradientTransformationExtraArgs(init, update)


multi_transform: Callable[..., GradientTransformationExtraArgs] = partition


def selective_transform(
    optimizer: GradientTransformation, *, freeze_mask: MaskOrFn
) -> GradientTransformationExtraArgs:
    """An optimiser of the parameters where the mask is False; the others get zero updates.

    >>> from funcgrad import optim
    >>> tx = optim.selective_transform(optim.scale(-1.0), freeze_mask={"w": True, "b": False})
    >>> params = {"w": 1.0, "b": 2.0}
    >>> tx.update(params, tx.init(params))[0]
    {'b': -2.0, 'w': Array(0., dtype=float64, weak_type=True)}
    """

    def labels(params: Any) -> Any:
        mask = freeze_mask(params) if callable(freeze_mask) else freeze_mask
        return tree.map(lambda frozen: "freeze" if frozen else "train", mask)

    return partition({"train": optimizer, "freeze": set_to_zero()}, labels)
