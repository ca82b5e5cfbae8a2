"""Policies of `checkpoint` that have parameters; `funcgrad.checkpoint_policies` makes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from funcgrad.lax.dot import dot_general_p
from funcgrad.lax.remat import name_p
from funcgrad.lax.remat_split import Offloadable, Recompute, Saveable

# The names are public in `funcgrad.checkpoint_policies`, through functions.
__all__: list[str] = []


def without_batch(prim: Any, **params: Any) -> bool:
    """Whether an operation is a contraction without batch dimensions."""
    if prim is not dot_general_p:
        return False
    _, (lhs_batch, rhs_batch) = params["dimension_numbers"]
    return not lhs_batch and not rhs_batch


class _NamePolicy:
    """A policy about names; two are equal when they would answer alike, so that caches find them."""

    def __init__(self, *names: Iterable[str]) -> None:
        self.names = tuple(frozenset(group) for group in names)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.names == other.names

    def __hash__(self) -> int:
        return hash((type(self), self.names))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(str(sorted(group)) for group in self.names)})"


class SaveAnythingExceptTheseNames(_NamePolicy):
    def __call__(self, prim: Any, *_: Any, **params: Any) -> bool:
        return prim is not name_p or params["name"] not in self.names[0]


class SaveAnyNamesButThese(_NamePolicy):
    def __call__(self, prim: Any, *_: Any, **params: Any) -> bool:
        return prim is name_p and params["name"] not in self.names[0]


class SaveOnlyTheseNames(_NamePolicy):
    def __call__(self, prim: Any, *_: Any, **params: Any) -> bool:
        return prim is name_p and params["name"] in self.names[0]


class SaveAndOffloadOnlyTheseNames(_NamePolicy):
    def __init__(self, saved: Iterable[str], offloaded: Iterable[str], src: Any, dst: Any) -> None:
        super().__init__(saved, offloaded, [f"{src} to {dst}"])
        self.answer = Offloadable(src, dst)

    def __call__(self, prim: Any, *_: Any, **params: Any) -> Any:
        if prim is name_p and params["name"] in self.names[0]:
            return Saveable
        return self.answer if prim is name_p and params["name"] in self.names[1] else Recompute


class OffloadDotWithNoBatchDims(_NamePolicy):
    def __init__(self, src: Any, dst: Any) -> None:
        super().__init__([f"{src} to {dst}"])
        self.answer = Offloadable(src, dst)

    def __call__(self, prim: Any, *avals: Any, **params: Any) -> Any:
        dot = without_batch(prim, **params)
        return self.answer if dot else Recompute


class SaveFromBothPolicies:
    """What one policy or the other lets be kept."""

    def __init__(self, policy_1: Callable[..., Any], policy_2: Callable[..., Any]) -> None:
        self.policies = (policy_1, policy_2)

    def __call__(self, prim: Any, *avals: Any, **params: Any) -> bool:
        answers = [policy(prim, *avals, **params) for policy in self.policies]
        if not all(isinstance(answer, (bool, int)) for answer in answers):
            raise ValueError(
                "The return value of the policies should be a boolean. Got: "
                f"{answers[0]} and {answers[1]}. Please write a custom policy function directly, rather "
                "than using this helper function."
            )
        return any(answers)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SaveFromBothPolicies) and self.policies == other.policies

    def __hash__(self) -> int:
        return hash(self.policies)

    def __repr__(self) -> str:
        return f"SaveFromBothPolicies{self.policies}"
