"""Pytrees: what counts as a container, round trips, key paths, structures, registration, errors."""

import copy
import functools
import gc
import pickle
import weakref
from collections import OrderedDict, UserDict, defaultdict, deque
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from funcgrad import tree, tree_util
from funcgrad.core import pytree, pytree_def
from funcgrad.tree_util import DictKey, FlattenedIndexKey, GetAttrKey, SequenceKey, keystr
from tests.in_threads import in_threads
from tests.tree_samples import Colour, Keyed, Layer, Mode, Named, Point, SubList, trees


def structure(x: Any) -> str:
    return repr(tree_util.tree_structure(x))


def add(x: Any, y: Any) -> Any:
    return x + y


@pytest.mark.parametrize(
    ("x", "text"),
    [
        ({"b": 1, "a": (2, None, [3])}, "{'a': (*, None, [*]), 'b': *}"),
        (1, "*"),
        (None, "None"),
        ((), "()"),
        ((1,), "(*,)"),
        ([], "[]"),
        ({}, "{}"),
        (OrderedDict(b=1, a=2), "CustomNode(OrderedDict[('b', 'a')], [*, *])"),
        (defaultdict(int, b=1), "CustomNode(defaultdict[(<class 'int'>, ('b',))], [*])"),
        (Point(1, 2), "CustomNode(namedtuple[Point], [*, *])"),
        (Named(1, (2,)), "CustomNode(Named[A], [*, (*,)])"),
        (Layer(1, 2), "CustomNode(Layer[('relu',)], [*, *])"),
        (Mode("train"), "CustomNode(Mode[train], [])"),
        (tree_util.Partial(max, 1, key=2), f"CustomNode(Partial[{max}], [(*,), {{'key': *}}])"),
        (SubList([1]), "*"),
        (UserDict(a=1), "*"),
        (deque([1]), "*"),
        ({1, 2}, "*"),
        ("abc", "*"),
        ({2: 0, 1: 0, 1.5: 0}, "{1: *, 1.5: *, 2: *}"),
        (tree_util.tree_structure([1]), "*"),
    ],
)
def test_containers_and_the_text_of_their_structure(x: Any, text: str) -> None:
    assert structure(x) == f"PyTreeDef({text})"


@given(trees(st.integers()))
def test_round_trips(x: Any) -> None:
    before = copy.deepcopy(x)
    leaves, treedef = tree_util.tree_flatten(x)
    assert treedef.unflatten(leaves) == tree_util.tree_unflatten(treedef, iter(leaves)) == x
    assert tree_util.tree_leaves(x) == leaves and len(leaves) == treedef.num_leaves
    assert tree_util.tree_structure(x) == treedef
    assert pickle.loads(pickle.dumps(treedef)) == treedef == copy.deepcopy(treedef)
    assert treedef.flatten_up_to(x) == leaves
    assert tree_util.tree_map(lambda a, b: (a, b), x, x) == treedef.unflatten(
        [(a, a) for a in leaves]
    )
    pairs, same = tree_util.tree_flatten_with_path(x)
    assert same == treedef and [leaf for _, leaf in pairs] == leaves
    assert len({path for path, _ in pairs}) == len(leaves)
    rebuilt = pytree.PyTreeDef.from_node_data_and_children(
        tree_util.default_registry, treedef.node_data(), treedef.children()
    )
    assert rebuilt == treedef and hash(rebuilt) == hash(treedef)
    assert x == before


@given(trees(st.integers()), trees(st.integers()))
def test_structures_of_two_trees(x: Any, y: Any) -> None:
    a, b = tree_util.tree_structure(x), tree_util.tree_structure(y)
    composed = a.compose(b)
    assert composed == tree_util.tree_structure(tree_util.tree_map(lambda _: y, x))
    assert composed.num_leaves == a.num_leaves * b.num_leaves
    assert (a == b) == (repr(a) == repr(b)) == (not list(pytree.equality_errors(a, b)))
    assert tree_util.treedef_tuple([a, b]) == tree_util.tree_structure((x, y))
    # x is a prefix of the composition; broadcasting it repeats each leaf as often as b has leaves
    full = tree_util.tree_map(lambda _: y, x)
    repeated = [leaf for leaf in tree_util.tree_leaves(x) for _ in range(b.num_leaves)]
    assert pytree.broadcast_prefix(x, full) == repeated
    assert pytree.prefix_errors(x, full) == []


def test_no_container_is_aliased_or_changed() -> None:
    x: list[Any] = [1, 2]
    leaves, treedef = tree_util.tree_flatten(x)
    leaves.append(3)
    assert x == [1, 2]
    given_leaves = [5, 6]
    out = treedef.unflatten(given_leaves)
    out.append(7)
    assert given_leaves == [5, 6]


def test_dicts_come_back_sorted_and_ordered_dicts_as_they_were() -> None:
    assert list(tree.map(lambda x: x, {"b": 1, "a": 2})) == ["a", "b"]
    assert list(tree.map(lambda x: x, OrderedDict(b=1, a=2))) == ["b", "a"]
    assert tree.map(lambda x: x, defaultdict(int, b=1)).default_factory is int


def test_keys_and_metadata_that_compare_equal_are_not_confused() -> None:
    groups: list[list[Any]] = [
        [{1: 0}, {1.0: 0}, {True: 0}],
        [{"red": 0}, {Colour.RED: 0}],
        [Layer(0, 0, 1), Layer(0, 0, True), Layer(0, 0, np.float64(1))],
        [Layer(0, 0, (0.0, 1)), Layer(0, 0, (-0.0, 1))],
        [Layer(0, 0, {"a": 1}), Layer(0, 0, {"a": True})],
    ]
    for group in groups:
        for x in group:
            back = tree_util.tree_map(lambda x: x, x)
            assert repr(back) == repr(x)
        treedefs = [tree_util.tree_structure(x) for x in group]
        assert all(a is b or a != b for a in treedefs for b in treedefs)
        # as in JAX, trees that differ in no more than that can still be mapped over together
        assert tree_util.tree_map(lambda *_: 1, *group) is not None


def test_is_leaf() -> None:
    def is_none(x: Any) -> bool:
        return x is None

    assert tree.leaves([1, None, [2]], is_leaf=is_none) == [1, None, 2]
    assert tree.map(lambda x, y: (x, y), [1, None], [1, [2]], is_leaf=is_none) == [
        (1, 1),
        (None, [2]),
    ]
    assert tree_util.tree_structure([1, (2,)], is_leaf=lambda x: x == (2,)) is (
        tree_util.tree_structure([1, 2])
    )
    seen: list[Any] = []
    tree.leaves([1, (2, None)], is_leaf=seen.append)  # type: ignore[arg-type] # None counts as False
    assert seen == [[1, (2, None)], 1, (2, None), 2, None]
    with pytest.raises(ValueError, match="is_leaf predicate returned a non-boolean value ''"):
        tree.leaves([1], is_leaf=lambda x: "")  # type: ignore[arg-type,return-value] # the error
    out = tree.map_with_path(
        lambda p, x: (keystr(p), x),
        [1, [2]],
        is_leaf=lambda p, x: len(p) == 1,
        is_leaf_takes_path=True,
    )
    assert out == [("[0]", 1), ("[1]", [2])]


# Key paths


def test_key_paths() -> None:
    x = [Named(1, 2), Keyed((3,)), Layer(4, 5), Point(6, 7), {"a": 8}, tree_util.Partial(max, 9)]
    paths = [path for path, _ in tree_util.tree_leaves_with_path(x)]
    assert " ".join(map(keystr, paths)) == (
        "[0][<flat index 0>] [0][<flat index 1>] [1].c0 [2].w [2].b [3].x [3].y [4]['a'] "
        "[5][<flat index 0>][0]"
    )
    assert " ".join(keystr(p, simple=True, separator="/") for p in paths) == (
        "0/0 0/1 1/c0 2/w 2/b 3/x 3/y 4/a 5/0/0"
    )
    assert keystr(()) == "" and keystr((3, "a", DictKey(3))) == "3a[3]"
    assert tree_util.flatten_one_level_with_keys(Point(1, 2))[0] == (
        (GetAttrKey("x"), 1),
        (GetAttrKey("y"), 2),
    )


def test_keys_are_values() -> None:
    keys = [SequenceKey(0), DictKey("a"), GetAttrKey("n"), FlattenedIndexKey(0)]
    assert [repr(k) for k in keys] == [
        "SequenceKey(idx=0)",
        "DictKey(key='a')",
        "GetAttrKey(name='n')",
        "FlattenedIndexKey(key=0)",
    ]
    assert len(set(keys)) == 4 and pickle.loads(pickle.dumps(keys)) == keys
    match keys[1]:
        case DictKey("a"):
            pass
        case _:
            pytest.fail("DictKey does not match by position")
    with pytest.raises(AttributeError):
        keys[1].key = "b"  # type: ignore[misc] # the error
    for wrong in (lambda: SequenceKey("a"), lambda: GetAttrKey(3)):  # type: ignore[arg-type] # the error
        with pytest.raises(TypeError):
            wrong()


# Structures


def test_the_methods_of_a_structure() -> None:
    treedef = tree_util.tree_structure({"a": 1, "b": [2, None]})
    assert (treedef.num_leaves, treedef.num_nodes) == (2, 5)
    assert treedef.node_data() == (dict, ["a", "b"])
    assert tree_util.tree_structure(Point(1, 2)).node_data() == (Point, None)
    assert pytree.leaf_treedef.node_data() is None and pytree.leaf_treedef.children() == []
    walked = treedef.walk(lambda children, data: (children, data), lambda x: -x, [5, 6])
    assert walked == ((-5, ((-6, ((), None)), None)), ["a", "b"])
    assert tree_util.build_tree(treedef, [1, (2, ())]) == {"a": 1, "b": [2, None]}
    assert [
        tree_util.treedef_is_leaf(tree_util.tree_structure(x)) for x in (1, None, (), (1,))
    ] == [
        True,
        True,
        True,
        False,
    ]
    assert (treedef == 3, treedef != 3) == (False, True)


@pytest.mark.parametrize("leaves", [[], [1], [1, 2, 3]])
def test_a_wrong_number_of_leaves(leaves: list[int]) -> None:
    for x in ((1, 2), (1, [2])):
        with pytest.raises(
            ValueError, match=f"leaves for PyTreeDef; expected 2, got {len(leaves)}"
        ):
            tree_util.tree_structure(x).unflatten(leaves)


def test_metadata_without_hash_or_equality() -> None:
    a, b = tree_util.tree_structure(Layer(1, 2, [3])), tree_util.tree_structure(Layer(1, 2, [3]))
    assert a == b and hash(a) == hash(b) and tree_util.tree_structure([Layer(1, 2, [3])]) != a
    assert a != tree_util.tree_structure(Layer(1, 2, [4]))
    x = Layer(1, 2, np.ones(2))
    assert tree_util.tree_map(lambda x: x + 1, x).w == 2
    with pytest.raises(ValueError, match="arrays cannot be metadata"):
        assert tree_util.tree_structure(x) == tree_util.tree_structure(Layer(1, 2, np.ones(2)))


def test_metadata_is_not_kept_alive() -> None:
    class Big:
        pass

    big = Big()
    freed = weakref.ref(big)
    partial = tree_util.Partial(functools.partial(max, big), 1.0)
    tree_util.tree_leaves({"a": [partial], "b": partial})
    del partial, big
    gc.collect()
    assert freed() is None


def test_equal_structures_are_one_object() -> None:
    def make() -> Any:
        return {"a": [1, None, (2, Point(3, 4))], "b": Layer(5, OrderedDict(c=6))}

    assert tree_util.tree_structure(make()) is tree_util.tree_structure(make())


def test_the_table_of_structures_is_bounded() -> None:
    kept = tree_util.tree_structure({"a": [1, {"b": 2}]})
    for i in range(pytree_def.LIGHT_SIZE + 10):
        tree_util.tree_structure({f"k{i}": 0})
    assert len(pytree_def.LIGHT) <= pytree_def.LIGHT_SIZE
    assert tree_util.tree_structure({"a": [1, {"b": 2}]}) is kept


def test_deep_trees_and_trees_that_contain_themselves() -> None:
    def nest(n: int, leaf: Any = 1) -> Any:
        for _ in range(n):
            leaf = [leaf]
        return leaf

    n = 10_000
    leaves, treedef = tree_util.tree_flatten(nest(n))
    assert leaves == [1] and treedef.num_nodes == n + 1
    again = treedef.unflatten(leaves)
    assert tree_util.tree_leaves(tree_util.tree_map(add, again, again)) == [2]
    assert pickle.loads(pickle.dumps(treedef)) is treedef
    assert repr(treedef) == f"PyTreeDef({'[' * n}*{']' * n})"
    assert len(tree_util.tree_leaves_with_path(again)[0][0]) == n
    with pytest.raises(ValueError, match="different types at key path"):
        tree_util.tree_map(add, nest(n, [1]), nest(n, (1,)))
    cycle: list[Any] = []
    cycle.append(cycle)
    for function in (tree_util.tree_flatten, tree_util.tree_flatten_with_path):
        with pytest.raises(RecursionError, match="does a container contain itself"):
            function(cycle)


def test_threads() -> None:
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for i in range(200):
                x = {"a": [1, {f"k{i}": 2}], "b": (i,)}
                assert tree_util.tree_structure(x) == tree_util.tree_structure(x)
                assert tree_util.tree_map(lambda x: x, x) == x
        except BaseException as e:
            failures.append(e)

    in_threads(work, [()] * 4)
    assert not failures


# Functions over trees


def test_reduce() -> None:
    assert tree.reduce(add, [1, [2, 3]]) == 6
    assert tree.reduce(lambda acc, x: [*acc, x], [1, [2, 3]], []) == [1, 2, 3]
    assert tree.reduce(add, [], None) is None
    with pytest.raises(TypeError, match="empty"):
        tree.reduce(add, [])
    letters = list("abcdefg")
    assert tree.reduce_associative(lambda a, b: f"({a}{b})", letters) == "((a(bc))((de)(fg)))"
    assert tree.reduce_associative(add, [], identity=0) == 0
    with pytest.raises(TypeError, match="Must specify identity"):
        tree.reduce_associative(add, [])
    assert tree.all([True, None, {"a": 1}]) and not tree.all([1, 0]) and tree.all([])
    assert tree_util.all_leaves([1, "a"]) and not tree_util.all_leaves([1, None])


def test_transpose_and_broadcast() -> None:
    outer, inner = tree.structure([0, 0]), tree.structure({"a": 0, "b": 0})
    x = [{"a": 1, "b": 2}, {"a": 3, "b": 4}]
    assert tree.transpose(outer, inner, x) == tree.transpose(outer, None, x)
    assert tree.transpose(outer, inner, x) == {"a": [1, 3], "b": [2, 4]}
    with pytest.raises(TypeError, match=r"Mismatch\nPyTreeDef\(\[\*\]\)\n != \nPyTreeDef"):
        tree.transpose(outer, inner, [1])
    assert tree.broadcast([1, None], [(1, 2), None]) == [(1, 1), None]
    with pytest.raises(ValueError, match=r"at key path\n    broadcast_prefix prefix_tree\[1\]"):
        tree.broadcast([1, None], [1, 2])
