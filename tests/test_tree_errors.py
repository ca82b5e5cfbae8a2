"""Trees that do not fit: the errors name the key path; prefixes of trees; keys that do not sort."""

import re
from collections import OrderedDict, defaultdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funcgrad import tree, tree_util
from funcgrad.core import pytree
from tests.tree_samples import Keyed, Layer, Mode, Named, Point, trees


def add(x: Any, y: Any) -> Any:
    return x + y


@given(trees(st.integers()), trees(st.integers()))
def test_a_mismatch_names_a_path(x: Any, y: Any) -> None:
    errors = pytree.prefix_errors(x, y)
    try:
        tree_util.tree_structure(x).flatten_up_to(y)
    except ValueError:
        assert errors
        with pytest.raises(ValueError, match=r"pytree structure error: different .* at key path"):
            tree_util.tree_map(lambda *_: 0, x, y)
    else:
        assert not errors


MISMATCHES: list[tuple[Any, Any, str, str]] = [
    ((1, 2), [3, 4], "different types", ""),
    ((1, 2), (3,), "different lengths of tuple", ""),
    ({"x": [1, (1, 2)]}, {"x": [1, (1, 2, 3)]}, "different lengths of tuple", "['x'][1]"),
    ({"x": [1, None]}, {"x": [1, 2]}, "different types", "['x'][1]"),
    ([{"a": 1}], [{"b": 1}], "different pytree metadata", "[0]"),
    ([{"a": 1}], [{"a": 1, "b": 1}], "different numbers of pytree children", "[0]"),
    (Point(1, 2), (1, 2), "different types", ""),
    ([Named(1, [2])], [Named(1, 2)], "different types", "[0][<flat index 1>]"),
    (Named(1, 2), Named(1, 2, "B"), "different pytree metadata", ""),
    (Keyed((1, [2])), Keyed((1, (2,))), "different types", ".c1"),
    (Layer(1, (2,)), Layer(1, [2]), "different types", ".b"),
    ([Mode("a")], [Mode("b")], "different pytree metadata", "[0]"),
    ([OrderedDict(a=1, b=2)], [OrderedDict(b=1, a=2)], "different pytree metadata", "[0]"),
]


@pytest.mark.parametrize(("x", "y", "what", "path"), MISMATCHES)
def test_mismatches(x: Any, y: Any, what: str, path: str) -> None:
    message = f"^pytree structure error: {what} at key path\n    tree_map tree{re.escape(path)}\n"
    with pytest.raises(ValueError, match=message):
        tree.map(add, x, y)
    with pytest.raises(ValueError, match=f"At key path {re.escape(path)}" if path else None):
        tree.structure(x).flatten_up_to(y)
    differences = list(pytree.equality_errors(tree.structure(x), tree.structure(y)))
    assert len(differences) == 1


def test_the_whole_text_of_a_mismatch() -> None:
    with pytest.raises(ValueError) as info:
        tree.map(add, {"a": 1, "b": 2}, {"a": 1})
    assert str(info.value) == (
        "pytree structure error: different numbers of pytree children at key path\n"
        "    tree_map tree\n"
        "At that key path, the prefix pytree tree_map tree has a subtree of type\n"
        "    <class 'dict'>\n"
        "with 2 child keys\n"
        "    a b\n"
        "but at the same key path the full pytree has a subtree of the same type but with "
        "1 child keys\n"
        "    a\n"
        "so the symmetric difference on key sets is\n"
        "    b"
    )


def test_flatten_axes() -> None:
    treedef = tree.structure(((1, 2), {"a": 3}))
    assert pytree.flatten_axes("in_axes", treedef, (0, None)) == [0, 0, None]
    assert pytree.flatten_axes("in_axes", treedef, None) == [None] * 3
    assert pytree.flatten_axes("in_axes", tree.structure((None, 1)), (0, 1)) == [1]
    with pytest.raises(ValueError, match=r"in_axes specification must be a tree prefix") as info:
        pytree.flatten_axes("in_axes", treedef, ((0, [0]), {"b": 0}))
    assert "Mismatch details (2 found)" in str(info.value)
    assert "in_axes[0][1]\n" in str(info.value) and "has a leaf." in str(info.value)
    pair = tree.structure(((1, 2), {"k": 3}))
    assert pytree.flatten_axes("in_axes", pair, ((0, 1), 0), kws=True) == [0, 1, 0]
    with pytest.raises(ValueError, match=r"key path\n    in_axes\[1\]"):
        pytree.flatten_axes("in_axes", pair, ((0, (1,)), 0), kws=True)


@pytest.mark.parametrize(
    ("x", "where"),
    [
        ({1: 2, "a": 3}, "At the root of the tree"),
        ([{"k": ({1: 2, "a": 3},)}], "At key path [0]['k'][0]"),
        ((0, defaultdict(int, {None: 1, "a": 2})), "At key path [1]"),
    ],
)
def test_unsortable_keys(x: Any, where: str) -> None:
    message = "sorting pytree dictionary keys.*" + re.escape(where)
    for function in (tree_util.tree_flatten, tree_util.tree_flatten_with_path):
        with pytest.raises(ValueError, match=message):
            function(x)
    assert tree_util.tree_leaves(x, is_leaf=lambda x: isinstance(x, dict))
