"""One pytree as a prefix of another: where they differ, broadcasting, `in_axes` and the like."""

from __future__ import annotations

import functools
import textwrap
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from funcgrad.core.pytree_aux import equal_aux, same_aux
from funcgrad.core.pytree_def import PyTreeDef
from funcgrad.core.pytree_flatten import IsLeaf, stops, tree_flatten, tree_leaves
from funcgrad.core.pytree_keys import KeyPath, bare_name, keystr, linked_path
from funcgrad.core.pytree_nodes import NodeError, kind_of


class _Node(NamedTuple):
    """One container, taken apart: of a pytree or, in the same form, of a PyTreeDef."""

    type: Any
    keys: Sequence[Any]
    children: Sequence[Any]
    aux: Any


def _node_of_tree(tree: Any) -> _Node:
    kind = kind_of(type(tree))
    if kind is None:
        return _Node(type(tree), (), (), None)
    return _Node(type(tree), *kind.flatten_with_keys(tree))


def _node_of_def(treedef: PyTreeDef) -> _Node:
    kind = treedef.kind
    if kind is None:
        return _Node(None, (), (), None)
    keys = kind.keys(treedef.aux, len(treedef.subtrees))
    return _Node(kind.type, keys, treedef.subtrees, treedef.aux)


def _is_none(x: Any) -> bool:
    return x is None


# The differences between a prefix and a full tree


def _mismatches(
    prefix: Any, full: Any, is_leaf: IsLeaf, node_of: Callable[[Any], _Node]
) -> Iterator[tuple[KeyPath[Any], _Node, _Node]]:
    """The nodes, with their key paths, at which `prefix` is not a prefix of `full`."""
    stack: list[tuple[Any, Any, Any]] = [(None, prefix, full)]
    while stack:
        link, prefix, full = stack.pop()
        if kind_of(type(prefix)) is None or (is_leaf is not None and stops(is_leaf(prefix))):
            continue
        try:
            a, b = _node_of_tree(prefix), node_of(full)
        except NodeError as e:
            raise e.at(linked_path(link)) from None
        if a.type is b.type and len(a.children) == len(b.children) and equal_aux(a.aux, b.aux):
            children = zip(a.keys, a.children, b.children)
            stack += [((link, key), x, y) for key, x, y in children][::-1]
        else:
            yield linked_path(link), a, b


def _describe(path: KeyPath[Any], a: _Node, b: _Node, name: str) -> str:
    """The message for one mismatch, in the words JAX uses."""

    def head(what: str) -> str:
        return (
            f"pytree structure error: different {what} at key path\n    {name}{keystr(path)}\n"
            f"At that key path, the prefix pytree {name} has a subtree of type"
        )

    if a.type is not b.type:
        found = f"subtree of different type\n    {b.type}" if b.type else "leaf"
        but = "but at the same key path the full pytree has a"
        return f"{head('types')}\n    {a.type}\n{but} {found}."
    if len(a.children) != len(b.children) and a.type in (tuple, list):
        kind = a.type.__name__
        return (
            f"{head(f'lengths of {kind}')} {kind} of length {len(a.children)}, but the full pytree "
            f"has a subtree of the same type but of length {len(b.children)}."
        )
    same_type = "but at the same key path the full pytree has a subtree of the same type but with"
    if len(a.children) != len(b.children):
        difference = [k for k in a.keys if k not in b.keys] + [k for k in b.keys if k not in a.keys]
        return (
            f"{head('numbers of pytree children')}\n    {a.type}\n"
            f"with {len(a.children)} child keys\n    {_names(a.keys)}\n"
            f"{same_type} {len(b.children)} child keys\n    {_names(b.keys)}\n"
            f"so the symmetric difference on key sets is\n    {_names(difference)}"
        )
    import difflib  # only here, in an error: it takes longer to import than all of pytrees

    lines = difflib.ndiff(str(a.aux).splitlines(), str(b.aux).splitlines())
    return (
        f"{head('pytree metadata')}\n    {a.type}\nwith metadata\n    {a.aux}\n"
        f"{same_type} metadata\n    {b.aux}\n"
        "so the diff in the metadata at these pytree nodes is\n"
        + textwrap.indent("\n".join(lines), "    ")
    )


def _names(keys: Sequence[Any]) -> str:
    return " ".join(map(bare_name, keys))


def prefix_errors(
    prefix_tree: Any, full_tree: Any, is_leaf: IsLeaf = None
) -> list[Callable[[str], ValueError]]:
    """For every place at which one pytree is not a prefix of another, a function that makes the
    error; it takes the name of the prefix to start the key path with.

    >>> from funcgrad.core import pytree
    >>> [error] = pytree.prefix_errors([1, [2]], [1, (2,)])
    >>> print(error("spec"))
    pytree structure error: different types at key path
        spec[1]
    At that key path, the prefix pytree spec has a subtree of type
        <class 'list'>
    but at the same key path the full pytree has a subtree of different type
        <class 'tuple'>.
    """
    return _errors(prefix_tree, full_tree, is_leaf, _node_of_tree)


def _errors(
    prefix: Any, full: Any, is_leaf: IsLeaf, node_of: Callable[[Any], _Node]
) -> list[Callable[[str], ValueError]]:
    found = _mismatches(prefix, full, is_leaf, node_of)
    return [functools.partial(_error, path, a, b) for path, a, b in found]


def _error(path: KeyPath[Any], a: _Node, b: _Node, name: str) -> ValueError:
    return ValueError(_describe(path, a, b, name))


def flatten_up_to(
    name: str, treedef: PyTreeDef, prefix: Any, full: Any, is_leaf: IsLeaf
) -> list[Any]:
    """`treedef.flatten_up_to(full)`, with errors that compare `full` to `prefix`, called `name`."""
    try:
        return treedef.flatten_up_to(full)
    except ValueError:
        for error in prefix_errors(prefix, full, is_leaf):
            raise error(name) from None
        raise


# Broadcasting a prefix


def broadcast_prefix(prefix_tree: Any, full_tree: Any, is_leaf: IsLeaf = None) -> list[Any]:
    """One leaf of `prefix_tree` for each leaf of `full_tree`; `is_leaf` is for the prefix.

    >>> from funcgrad.core import pytree
    >>> pytree.broadcast_prefix((0, 1), ([5, 6], 7))
    [0, 0, 1]
    """
    leaves, treedef = tree_flatten(prefix_tree, is_leaf)
    name = "broadcast_prefix prefix_tree"
    subtrees = flatten_up_to(name, treedef, prefix_tree, full_tree, is_leaf)
    return [x for x, sub in zip(leaves, subtrees) for _ in tree_leaves(sub)]


def flatten_axes(name: str, treedef: PyTreeDef, axis_tree: Any, *, kws: bool = False) -> list[Any]:
    """One entry of `axis_tree`, a prefix in which None is a leaf, for each leaf of `treedef`.

    With `kws=True` both are pairs, for positional and for keyword arguments, and errors speak of
    the positional part. Raises ValueError that starts with `name` and names the key paths.

    >>> from funcgrad.core import pytree
    >>> treedef = pytree.structure(((1, 2), {"a": 3}))
    >>> pytree.flatten_axes("vmap in_axes", treedef, (0, None))
    [0, 0, None]
    """
    axes: list[Any] = []
    stack: list[tuple[Any, PyTreeDef]] = [(axis_tree, treedef)]
    while stack:
        spec, node = stack.pop()
        kind = None if spec is None else kind_of(type(spec))
        if kind is None:
            axes += [spec] * node.num_leaves
            continue
        try:
            children, aux = kind.flatten(spec)
        except NodeError:
            break
        if node.kind is None or kind.type is not node.kind.type:
            break
        if len(children) != len(node.subtrees) or not equal_aux(aux, node.aux):
            break
        stack += list(zip(children, node.subtrees))[::-1]
    else:
        return axes
    if kws:
        axis_tree, treedef = axis_tree[0], treedef.subtrees[0]
    errors = _errors(axis_tree, treedef, _is_none, _node_of_def)
    details = "\n".join(str(error(name)) for error in errors)
    raise ValueError(
        f"{name} specification must be a tree prefix of the corresponding value; "
        f"\n  Mismatch details ({len(errors)} found):\n  {details}"
    )


# The differences between two structures


def equality_errors(
    treedef1: PyTreeDef, treedef2: PyTreeDef
) -> Iterator[tuple[KeyPath[Any], str, str, str]]:
    """The places at which two structures differ: key path, what the first and the second have
    there, and the explanation, to be put into a sentence.

    >>> from funcgrad.core import pytree
    >>> one, two = pytree.structure((1, (2,))), pytree.structure((1, [2]))
    >>> [(path, a, b, why)] = pytree.equality_errors(one, two)
    >>> pytree.keystr(path), a, b, why
    ('[1]', "<class 'tuple'>", "<class 'list'>", 'their Python types differ')
    """
    stack: list[tuple[Any, PyTreeDef, PyTreeDef]] = [(None, treedef1, treedef2)]
    while stack:
        link, one, two = stack.pop()
        if one is two:
            continue
        a, b = _node_of_def(one), _node_of_def(two)
        if a.type is not b.type:
            texts = [str(x.type) if x.type else "pytree leaf" for x in (a, b)]
            yield linked_path(link), texts[0], texts[1], "their Python types differ"
        elif len(a.children) != len(b.children):
            yield linked_path(link), *_count_texts(a, b)
        elif not same_aux(a.aux, b.aux):
            texts = [f"{x.type} with pytree metadata {x.aux}" for x in (a, b)]
            yield linked_path(link), texts[0], texts[1], "the pytree node metadata does not match"
        else:
            triples = zip(a.keys, a.children, b.children)
            stack += [((link, key), x, y) for key, x, y in triples][::-1]


def _count_texts(a: _Node, b: _Node) -> tuple[str, str, str]:
    m, n = len(a.children), len(b.children)
    if a.type in (tuple, list):
        kind = a.type.__name__
        return f"{kind} of length {m}", f"{kind} of length {n}", "the lengths do not match"
    texts = [f"{a.type} with {k} child{'ren' if k > 1 else ''}" for k in (m, n)]
    keys = {bare_name(k) for k in a.keys} ^ {bare_name(k) for k in b.keys}
    return (
        texts[0],
        texts[1],
        "the numbers of children do not match, "
        f"with the symmetric difference of key sets: {{{', '.join(map(repr, sorted(keys)))}}}",
    )
