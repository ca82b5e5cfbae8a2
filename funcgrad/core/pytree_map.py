"""Functions over whole pytrees: map, reduce, transpose, broadcast."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from funcgrad.core.pytree_def import PyTreeDef, make_node
from funcgrad.core.pytree_flatten import (
    IsLeaf,
    tree_flatten,
    tree_flatten_with_path,
    tree_leaves,
    tree_structure,
)
from funcgrad.core.pytree_nodes import KINDS
from funcgrad.core.pytree_prefix import broadcast_prefix, flatten_up_to

T = TypeVar("T")


class Unspecified:
    """The default of an argument for which None is a value."""

    def __repr__(self) -> str:
        return "<unspecified>"


_unspecified = Unspecified()


def tree_map(
    f: Callable[..., Any], tree: Any, *rest: Any, is_leaf: Callable[[Any], bool] | None = None
) -> Any:
    """The pytree of `f(x, *others)` for each leaf `x` of `tree`.

    `others` are the subtrees at the same place in the trees `rest`, of which `tree` must be a
    prefix: otherwise ValueError with the key path at which they differ. `is_leaf` is as in
    `tree_flatten`.

    >>> from funcgrad import tree_util
    >>> tree_util.tree_map(lambda x, y: x + y, {"a": 1, "b": [2]}, {"a": 10, "b": [20]})
    {'a': 11, 'b': [22]}
    """
    leaves, treedef = tree_flatten(tree, is_leaf)
    if not rest:
        return treedef.unflatten([f(x) for x in leaves])
    others = [flatten_up_to("tree_map tree", treedef, tree, r, is_leaf) for r in rest]
    return treedef.unflatten([f(*xs) for xs in zip(leaves, *others)])


def tree_map_with_path(
    f: Callable[..., Any],
    tree: Any,
    *rest: Any,
    is_leaf: Callable[..., bool] | None = None,
    is_leaf_takes_path: bool = False,
) -> Any:
    """Like `tree_map`, with `f(path, x, *others)`, `path` being the key path of the leaf.

    >>> from funcgrad import tree_util
    >>> tree_util.tree_map_with_path(lambda path, x: tree_util.keystr(path) + str(x), {"a": [1]})
    {'a': ["['a'][0]1"]}
    """
    pairs, treedef = tree_flatten_with_path(tree, is_leaf, is_leaf_takes_path)
    # For the error message alone: a predicate of paths cannot be asked there.
    plain_is_leaf = None if is_leaf_takes_path else is_leaf
    name = "tree_map_with_path tree"
    others = [flatten_up_to(name, treedef, tree, r, plain_is_leaf) for r in rest]
    return treedef.unflatten([f(path, x, *xs) for (path, x), *xs in zip(pairs, *others)])


def tree_reduce(
    function: Callable[[T, Any], T],
    tree: Any,
    initializer: T | Unspecified = _unspecified,
    is_leaf: IsLeaf = None,
) -> T:
    """`functools.reduce` over the leaves, from left to right.

    TypeError if there are neither leaves nor an `initializer` (which may be None).

    >>> from funcgrad import tree_util
    >>> tree_util.tree_reduce(lambda total, x: total + x, {"a": 1, "b": [2, 3]})
    6
    """
    leaves = tree_leaves(tree, is_leaf)
    if isinstance(initializer, Unspecified):
        result: T = functools.reduce(function, leaves)
        return result
    return functools.reduce(function, leaves, initializer)


def tree_reduce_associative(
    operation: Callable[[T, T], T],
    tree: Any,
    *,
    identity: T | Unspecified = _unspecified,
    is_leaf: IsLeaf = None,
) -> T:
    """Combine the leaves with an associative operation, in a balanced way: halves first.

    TypeError if there are neither leaves nor an `identity`.

    >>> from funcgrad import tree_util
    >>> tree_util.tree_reduce_associative(lambda a, b: f"({a}{b})", ["a", "b", "c", "d"])
    '((ab)(cd))'
    """
    leaves = tree_leaves(tree, is_leaf)
    if not leaves and isinstance(identity, Unspecified):
        raise TypeError("Must specify identity for parallel reduction of empty sequence.")
    values: list[T] = leaves or [identity]
    return _reduce_halves(operation, values)


def _reduce_halves(operation: Callable[[T, T], T], values: list[T]) -> T:
    if len(values) == 1:
        return values[0]
    half = len(values) // 2
    return operation(
        _reduce_halves(operation, values[:half]), _reduce_halves(operation, values[half:])
    )


def tree_all(tree: Any, *, is_leaf: IsLeaf = None) -> bool:
    """Whether all leaves are true.

    >>> from funcgrad import tree_util
    >>> tree_util.tree_all([True, {"a": 1}]), tree_util.tree_all([True, 0])
    (True, False)
    """
    return all(tree_leaves(tree, is_leaf))


def tree_broadcast(prefix_tree: Any, full_tree: Any, is_leaf: IsLeaf = None) -> Any:
    """A pytree like `full_tree`, with the leaves of its prefix repeated below them.

    `is_leaf` is for the prefix. ValueError, with the key path, if it is not a prefix.

    >>> from funcgrad import tree_util
    >>> tree_util.tree_broadcast([1, 2], [(0, 0), {"a": 0}])
    [(1, 1), {'a': 2}]
    """
    leaves = broadcast_prefix(prefix_tree, full_tree, is_leaf)
    return tree_structure(full_tree).unflatten(leaves)


def tree_transpose(
    outer_treedef: PyTreeDef, inner_treedef: PyTreeDef | None, pytree_to_transpose: Any
) -> Any:
    """Turn an outer tree of inner trees inside out.

    With None the inner structure is that of the first inner tree. TypeError if the leaves do not
    fit the two structures.

    >>> from funcgrad import tree_util
    >>> outer = tree_util.tree_structure([0, 0])
    >>> tree_util.tree_transpose(outer, None, [{"a": 1, "b": 2}, {"a": 3, "b": 4}])
    {'a': [1, 3], 'b': [2, 4]}
    """
    if inner_treedef is None:
        inner_trees = outer_treedef.flatten_up_to(pytree_to_transpose)
        if not inner_trees:
            raise IndexError(
                "tree_transpose: inner_treedef is needed, the outer tree has no leaves"
            )
        inner_treedef = tree_structure(inner_trees[0])
    leaves, treedef = tree_flatten(pytree_to_transpose)
    m, n = outer_treedef.num_leaves, inner_treedef.num_leaves
    if len(leaves) != m * n:
        raise TypeError(f"Mismatch\n{treedef}\n != \n{outer_treedef.compose(inner_treedef)}")
    return inner_treedef.unflatten([outer_treedef.unflatten(leaves[i::n]) for i in range(n)])


def treedef_is_leaf(treedef: PyTreeDef) -> bool:
    """Whether a structure is one node: a leaf or an empty container.

    >>> from funcgrad import tree_util
    >>> tree_util.treedef_is_leaf(tree_util.tree_structure(1.0))
    True
    """
    return treedef.num_nodes == 1


def treedef_children(treedef: PyTreeDef) -> list[PyTreeDef]:
    """The structures of the children of the outermost container.

    >>> from funcgrad import tree_util
    >>> tree_util.treedef_children(tree_util.tree_structure((1, [2])))
    [PyTreeDef(*), PyTreeDef([*])]
    """
    return treedef.children()


def treedef_tuple(treedefs: Iterable[PyTreeDef]) -> PyTreeDef:
    """The structure of a tuple of trees of the given structures.

    >>> from funcgrad import tree_util
    >>> tree_util.treedef_tuple([tree_util.tree_structure([1]), tree_util.tree_structure(2)])
    PyTreeDef(([*], *))
    """
    treedefs = list(treedefs)
    for treedef in treedefs:
        if not isinstance(treedef, PyTreeDef):
            raise TypeError(f"treedef_tuple takes PyTreeDefs, got {treedef!r}")
    return make_node(KINDS[tuple], None, treedefs)


def build_tree(treedef: PyTreeDef, xs: Any) -> Any:
    """The pytree of a structure from nested iterables of its shape.

    >>> from funcgrad import tree_util
    >>> tree_util.build_tree(tree_util.tree_structure((0, [0])), [1, (2,)])
    (1, [2])
    """
    return treedef.from_iterable_tree(xs)
