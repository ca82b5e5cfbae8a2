"""Container classes, and random pytrees of every kind of container, for the tests of pytrees."""

import dataclasses
from collections import OrderedDict, defaultdict, namedtuple
from enum import StrEnum
from typing import Any

from hypothesis import strategies as st

from funcgrad import tree_util
from funcgrad.tree_util import GetAttrKey

Point = namedtuple("Point", "x y")


class SubList(list[Any]):
    pass


@tree_util.register_pytree_node_class
@dataclasses.dataclass
class Named:
    """Registered without keys."""

    x: Any
    y: Any
    name: Any = "A"

    def tree_flatten(self) -> tuple[Any, Any]:
        return (self.x, self.y), self.name

    @classmethod
    def tree_unflatten(cls, aux: Any, children: Any) -> "Named":
        assert type(children) is tuple
        return cls(children[0], children[1], aux)


@tree_util.register_pytree_with_keys_class
@dataclasses.dataclass
class Keyed:
    """Registered with keys, of any number of children."""

    children: tuple[Any, ...]

    def tree_flatten_with_keys(self) -> tuple[Any, Any]:
        return [(GetAttrKey(f"c{i}"), c) for i, c in enumerate(self.children)], None

    @classmethod
    def tree_unflatten(cls, aux: Any, children: Any) -> "Keyed":
        return cls(children)


@tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Layer:
    w: Any
    b: Any
    act: Any = dataclasses.field(default="relu", metadata={"static": True})


@tree_util.register_static
class Mode(str):
    pass


class Colour(StrEnum):
    RED = "red"


def trees(leaves: Any) -> Any:
    """Random pytrees of every kind of container."""
    names = st.text("abc", min_size=1, max_size=2)

    def extend(sub: Any) -> Any:
        dicts = st.dictionaries(names, sub, max_size=3)
        return st.one_of(
            st.lists(sub, max_size=3),
            st.lists(sub, max_size=3).map(tuple),
            dicts,
            st.dictionaries(st.integers(0, 9), sub, max_size=2),
            dicts.map(OrderedDict),
            dicts.map(lambda d: defaultdict(list, d)),
            st.builds(Point, sub, sub),
            st.builds(Named, sub, sub, st.sampled_from([1, 1.0, True, "B", (1, 2)])),
            st.builds(Layer, sub, sub),
            st.lists(sub, max_size=2).map(lambda c: Keyed(tuple(c))),
        )

    return st.recursive(st.none() | leaves, extend, max_leaves=12)
