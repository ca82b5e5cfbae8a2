"""Flattening: from a pytree to its leaves and its structure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from funcgrad.core.pytree_def import LEAF, Preorder, PyTreeDef, from_preorder, make_flat, make_node
from funcgrad.core.pytree_keys import KeyPath, linked_path
from funcgrad.core.pytree_nodes import KINDS, LEAF_TYPES, NodeError, NodeKind, kind_of

# A tree nested deeper than this is taken to contain itself.
MAX_DEPTH = 50_000

IsLeaf = Callable[[Any], bool] | None


def tree_flatten(tree: Any, is_leaf: IsLeaf = None) -> tuple[list[Any], PyTreeDef]:
    """The leaves of a pytree, from left to right, and its structure.

    Containers are None (without children), tuples, lists, dicts (in the order of their sorted
    keys), OrderedDicts, defaultdicts, namedtuples and registered classes; all else is a leaf.
    Subclasses of the builtin containers are leaves. `is_leaf(x)`, if given, is asked at every node
    and returns True to stop there. Raises ValueError, with the key path, for a dict whose keys
    cannot be sorted.

    >>> from funcgrad import tree_util
    >>> tree_util.tree_flatten({"b": 1, "a": (2, None, [3])})
    ([2, 3, 1], PyTreeDef({'a': (*, None, [*]), 'b': *}))
    """
    if is_leaf is None and type(tree) in LEAF_TYPES:
        return [tree], LEAF
    kind = KINDS.get(type(tree)) or kind_of(type(tree))
    if (is_leaf is not None and stops(is_leaf(tree))) or kind is None:
        return [tree], LEAF
    try:
        children, aux = kind.flatten(tree)
        if is_leaf is None and LEAF_TYPES.issuperset(map(type, children)):
            return [*children], make_flat(kind, aux, len(children))
        leaves: list[Any] = []
        return leaves, _flatten_into(leaves, kind, children, aux, is_leaf)
    except NodeError as e:
        raise _with_path(e, tree, is_leaf) from e.__cause__


def _flatten_into(
    leaves: list[Any], kind: NodeKind, children: Iterable[Any], aux: Any, is_leaf: IsLeaf
) -> PyTreeDef:
    """Append the leaves below a container and return its structure; deep trees do not recurse."""
    # One frame per open container: its remaining children, the structures of those done, itself.
    frames: list[tuple[Iterator[Any], list[PyTreeDef], NodeKind, Any]] = []
    rest = iter(children)
    done: list[PyTreeDef] = []
    while True:
        for child in rest:
            child_kind = KINDS.get(type(child)) or kind_of(type(child))
            if (is_leaf is not None and stops(is_leaf(child))) or child_kind is None:
                leaves.append(child)
                done.append(LEAF)
                continue
            children, child_aux = child_kind.flatten(child)
            if is_leaf is None and LEAF_TYPES.issuperset(map(type, children)):
                leaves += children
                done.append(make_flat(child_kind, child_aux, len(children)))
                continue
            frames.append((rest, done, kind, aux))
            if len(frames) > MAX_DEPTH:
                raise _too_deep()
            rest, done, kind, aux = iter(children), [], child_kind, child_aux
            break
        else:
            made = make_node(kind, aux, done)
            if not frames:
                return made
            rest, done, kind, aux = frames.pop()
            done.append(made)


def stops(answer: Any) -> bool:
    """What an `is_leaf` predicate said, which must be a bool (None counts as False)."""
    if answer is True:
        return True
    if answer is False or answer is None:
        return False
    raise ValueError(
        f"is_leaf predicate returned a non-boolean value {answer!r}; expected a boolean"
    )


def _too_deep() -> RecursionError:
    return RecursionError(
        f"pytree nested more than {MAX_DEPTH} containers deep: does a container contain itself?"
    )


def _with_path(error: NodeError, tree: Any, is_leaf: IsLeaf) -> ValueError:
    """The error again, now with the key path of the container that raised it."""
    try:
        tree_flatten_with_path(tree, is_leaf)
    except ValueError as e:
        return e
    return ValueError(str(error))


def tree_flatten_with_path(
    tree: Any, is_leaf: Callable[..., bool] | None = None, is_leaf_takes_path: bool = False
) -> tuple[list[tuple[KeyPath[Any], Any]], PyTreeDef]:
    """Like `tree_flatten`, each leaf in a pair with its key path.

    With `is_leaf_takes_path=True` the predicate is called as `is_leaf(path, x)`.

    >>> from funcgrad import tree_util
    >>> tree_util.tree_flatten_with_path({"a": [1, 2]})[0]
    [((DictKey(key='a'), SequenceKey(idx=0)), 1), ((DictKey(key='a'), SequenceKey(idx=1)), 2)]
    """
    leaves: list[tuple[KeyPath[Any], Any]] = []
    nodes: Preorder = []
    stack: list[tuple[Any, int, Any]] = [(None, 0, tree)]
    while stack:
        link, depth, x = stack.pop()
        kind = kind_of(type(x))
        if is_leaf is not None:
            answer = is_leaf(linked_path(link), x) if is_leaf_takes_path else is_leaf(x)
            kind = None if stops(answer) else kind
        if kind is None:
            leaves.append((linked_path(link), x))
            nodes.append(None)
            continue
        if depth > MAX_DEPTH:
            raise _too_deep()
        try:
            keys, children, aux = kind.flatten_with_keys(x)
        except NodeError as e:
            raise e.at(linked_path(link)) from None
        nodes.append((kind, aux, len(children)))
        stack += [((link, key), depth + 1, child) for key, child in zip(keys, children)][::-1]
    return leaves, from_preorder(nodes)


def tree_unflatten(treedef: PyTreeDef, leaves: Iterable[Any]) -> Any:
    """The pytree with this structure and these leaves; the inverse of `tree_flatten`.

    Raises ValueError if the number of leaves is not `treedef.num_leaves`.

    >>> from funcgrad import tree_util
    >>> leaves, treedef = tree_util.tree_flatten({"b": 1, "a": (2, 3)})
    >>> tree_util.tree_unflatten(treedef, [10 * x for x in leaves])
    {'a': (20, 30), 'b': 10}
    """
    return treedef.unflatten(leaves)


def tree_leaves(tree: Any, is_leaf: IsLeaf = None) -> list[Any]:
    """The leaves of a pytree, from left to right.

    >>> from funcgrad import tree_util
    >>> tree_util.tree_leaves({"b": 1, "a": (2, None)})
    [2, 1]
    """
    return tree_flatten(tree, is_leaf)[0]


def tree_leaves_with_path(
    tree: Any, is_leaf: Callable[..., bool] | None = None, is_leaf_takes_path: bool = False
) -> list[tuple[KeyPath[Any], Any]]:
    """The leaves of a pytree, each in a pair with its key path.

    >>> from funcgrad import tree_util
    >>> tree_util.tree_leaves_with_path([5.0])
    [((SequenceKey(idx=0),), 5.0)]
    """
    return tree_flatten_with_path(tree, is_leaf, is_leaf_takes_path)[0]


def tree_structure(tree: Any, is_leaf: IsLeaf = None) -> PyTreeDef:
    """The structure of a pytree.

    >>> from funcgrad import tree_util
    >>> tree_util.tree_structure([1, {"a": None}])
    PyTreeDef([*, {'a': None}])
    """
    return tree_flatten(tree, is_leaf)[1]


def all_leaves(iterable: Iterable[Any], is_leaf: IsLeaf = None) -> bool:
    """Whether every element of `iterable` is a leaf (None is not: it is an empty container).

    >>> from funcgrad import tree_util
    >>> tree_util.all_leaves([1, 2]), tree_util.all_leaves([1, [2]])
    (True, False)
    """
    return all(
        (is_leaf is not None and stops(is_leaf(x))) or kind_of(type(x)) is None for x in iterable
    )


def is_tree_node(typ: Any) -> bool:
    """Whether values of the type `typ` are containers.

    >>> from funcgrad import tree_util
    >>> tree_util.is_tree_node(list), tree_util.is_tree_node(int)
    (True, False)
    """
    return isinstance(typ, type) and kind_of(typ) is not None


def _kind_of_tree(tree: Any) -> NodeKind:
    kind = kind_of(type(tree))
    if kind is None:
        raise ValueError(f"can't tree-flatten type: {type(tree)}")
    return kind


def flatten_one_level(tree: Any) -> tuple[Sequence[Any], Any]:
    """The children of the outermost container and its metadata. ValueError for a leaf.

    >>> from funcgrad import tree_util
    >>> tree_util.flatten_one_level({"b": 1, "a": [2, 3]})
    (([2, 3], 1), ('a', 'b'))
    """
    children, aux = _kind_of_tree(tree).flatten(tree)
    return tuple(children), aux


def flatten_one_level_with_keys(tree: Any) -> tuple[Sequence[tuple[Any, Any]], Any]:
    """The `(key, child)` pairs of the outermost container and its metadata. ValueError for a leaf.

    >>> from funcgrad import tree_util
    >>> tree_util.flatten_one_level_with_keys({"a": 1})
    (((DictKey(key='a'), 1),), ('a',))
    """
    keys, children, aux = _kind_of_tree(tree).flatten_with_keys(tree)
    return tuple(zip(keys, children)), aux
