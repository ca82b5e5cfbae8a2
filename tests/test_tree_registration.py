"""Registering classes as pytree containers: what is accepted, what is refused, what comes back."""

import dataclasses
import functools
import pickle
import types
from collections import OrderedDict
from typing import Any, cast

import pytest

from funcgrad import tree, tree_util
from funcgrad.tree_util import DictKey, keystr
from tests.tree_samples import Layer, Named


def new_class(**namespace: Any) -> Any:
    return types.new_class("New", (), {}, lambda ns: ns.update(namespace))


def new_dataclass(**options: Any) -> Any:
    fields = [("x", object), ("y", object), ("z", object)]
    return dataclasses.make_dataclass("New", fields, **options)


@pytest.mark.parametrize("cls", [list, tuple, type(None), OrderedDict, Named, Layer])
def test_a_class_is_registered_once(cls: Any) -> None:
    message = "Duplicate custom PyTreeDef type registration for <class"
    with pytest.raises(ValueError, match=message):
        tree_util.register_pytree_node(cls, lambda x: ((), None), lambda aux, c: None)
    with pytest.raises(ValueError, match=message):
        tree_util.register_static(cls)


def test_a_class_seen_as_a_leaf_can_still_be_registered() -> None:
    cls = new_class()
    assert tree.leaves([cls()]) != [] and not tree_util.is_tree_node(cls)
    tree_util.register_static(cls)
    assert tree.leaves([cls()]) == [] and tree_util.is_tree_node(cls)


def test_only_classes_and_functions_are_taken() -> None:
    anything: Any = 3
    with pytest.raises(TypeError, match="only a class"):
        tree_util.register_pytree_node(anything, lambda x: ((), None), lambda aux, c: None)
    with pytest.raises(TypeError, match="takes functions, got 3"):
        tree_util.register_pytree_node(new_class(), anything, lambda aux, c: None)
    with pytest.raises(TypeError, match="takes functions, got 3"):
        tree_util.register_pytree_with_keys(new_class(), anything, lambda aux, c: None)
    for register in (
        tree_util.register_pytree_node_class,
        tree_util.register_pytree_with_keys_class,
    ):
        with pytest.raises(AttributeError, match="tree_unflatten"):
            register(new_class())


@pytest.mark.parametrize("out", [5, (5, None), ((), None, 3), [(1, 2), None], (None, None)])
def test_a_flatten_function_that_returns_something_else(out: Any) -> None:
    cls = new_class()
    tree_util.register_pytree_node(cls, lambda x: out, lambda aux, c: cls())
    with pytest.raises(ValueError, match=r"must return \(children, aux_data\).*key path \[0\]"):
        tree.leaves([cls()])


def test_a_flatten_function_with_keys_that_returns_no_pairs() -> None:
    cls, flat = new_class(), ([1], None)
    tree_util.register_pytree_with_keys(cls, lambda x: cast("Any", flat), lambda aux, c: cls())
    with pytest.raises(ValueError, match="got the child 1"):
        tree.leaves(cls())


def test_children_may_be_any_iterable_and_come_back_as_a_tuple() -> None:
    cls, seen = new_class(), []
    tree_util.register_pytree_node(
        cls,
        lambda x: (iter([1, [2]]), "aux"),
        lambda aux, children: seen.append((aux, children)),
        lambda x: (zip([DictKey(0), DictKey(1)], [1, [2]]), "aux"),
    )
    tree.map(lambda x: x + 1, cls())
    assert seen == [("aux", (2, [3]))]
    assert [keystr(path) for path, _ in tree.leaves_with_path(cls())] == ["[0]", "[1][0]"]


def test_errors_of_users_functions_pass_through() -> None:
    def boom(x: Any) -> Any:
        raise RuntimeError("boom")

    cls = new_class()
    tree_util.register_pytree_node(cls, boom, lambda aux, c: cls())
    with pytest.raises(RuntimeError, match="boom"):
        tree.leaves(cls())


def test_dataclass_fields() -> None:
    cls = new_dataclass()
    assert tree_util.register_dataclass(cls, ["z", "x"], ["y"]) is cls
    assert tree.leaves(cls(1, 2, 3)) == [3, 1]
    assert tree.map(lambda x: -x, cls(1, 2, 3)) == cls(-1, 2, -3)
    keyword_only = tree_util.register_dataclass(new_dataclass(kw_only=True))
    assert tree.map(lambda x: -x, keyword_only(x=1, y=2, z=3)) == keyword_only(x=-1, y=-2, z=-3)


def test_dataclass_fields_left_out_take_their_default() -> None:
    @functools.partial(
        tree_util.register_dataclass, data_fields=["x"], meta_fields=[], drop_fields=["cache"]
    )
    @dataclasses.dataclass
    class Dropped:
        x: Any
        cache: Any = None

    assert tree.map(lambda x: x, Dropped(1, 2)) == Dropped(1, None)


def test_static_fields() -> None:
    field = tree.static(default=3, metadata={"doc": "why"})
    assert dict(field.metadata) == {"static": True, "doc": "why"}

    @tree_util.register_dataclass
    @dataclasses.dataclass
    class Block:
        w: Any
        width: int = tree.static(default=3)
        norm: Any = dataclasses.field(init=False, default=None)

    assert repr(tree.structure(Block(1))) == "PyTreeDef(CustomNode(Block[(3,)], [*]))"


def test_a_class_that_is_no_dataclass_by_its_attributes() -> None:
    def init(self: Any, a: Any, b: Any) -> None:
        self.a, self.b = a, b

    cls = new_class(__init__=init)
    tree_util.register_dataclass(cls, ["a"], ["b"])
    out = tree.map(lambda x: x + 1, cls(1, "b"))
    assert (out.a, out.b) == (2, "b")


REFUSED: list[tuple[Any, type[Exception], str]] = [
    ({"data_fields": ["x"]}, TypeError, "must both be specified"),
    ({"meta_fields": ["x"]}, TypeError, "must both be specified"),
    ({"data_fields": ["x"], "meta_fields": ["y"]}, ValueError, "Missing fields: {'z'}"),
    ({"data_fields": ["x", "y"], "meta_fields": ["y", "z"]}, ValueError, "Overlapping.*'y'"),
    ({"data_fields": ["x", "y", "w"], "meta_fields": ["z"]}, ValueError, "Unexpected.*'w'"),
    (
        {"data_fields": ["x", "y", "z"], "meta_fields": [], "drop_fields": ["z"]},
        ValueError,
        "Unexpected fields: {'z'}",
    ),
]


@pytest.mark.parametrize(("fields", "error", "message"), REFUSED)
def test_wrong_fields(fields: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        tree_util.register_dataclass(new_dataclass(), **fields)


def test_the_fields_of_other_classes_must_be_given() -> None:
    with pytest.raises(TypeError, match="required when nodetype is not a dataclass"):
        tree_util.register_dataclass(new_class())


def test_partial() -> None:
    partial = tree_util.Partial(pow, 2, mod=5)
    assert partial(3) == 3 and isinstance(partial, functools.partial)
    assert tree.map(lambda x: x + 1, partial)(2) == 3**2 % 6
    assert repr(partial).endswith("Partial(<built-in function pow>, 2, mod=5)")
    # A partial application inside stays one function, compared by identity.
    inner = functools.partial(pow, 2)
    a, b = tree_util.Partial(inner, 3), tree_util.Partial(inner, 4)
    assert a() == 8 and a.args == (3,) and tree.structure(a) == tree.structure(b)
    assert tree.structure(a) != tree.structure(tree_util.Partial(functools.partial(pow, 2), 3))
    assert pickle.loads(pickle.dumps(partial))(3) == 3
