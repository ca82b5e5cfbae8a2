"""Registering a class as a container: by two functions, with named children, as a decorator."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from funcgrad.core.pytree_nodes import Flat, KeyedFlat, NodeError, NodeKind, add_kind

T = TypeVar("T")
Typ = TypeVar("Typ", bound=type[Any])


def _pair(out: Any, tp: type[Any], what: str) -> tuple[Any, Any]:
    """Check that a user's flatten function returned `(children, aux)`."""
    if not isinstance(out, tuple) or len(out) != 2:
        raise NodeError(f"the flatten function registered for {tp} must return {what}, got {out!r}")
    try:
        return iter(out[0]), out[1]
    except TypeError:
        raise NodeError(
            f"the flatten function registered for {tp} must return {what} with iterable children, "
            f"got {out!r}"
        ) from None


def register_pytree_node(
    nodetype: type[T],
    flatten_func: Callable[[T], tuple[Iterable[Any], Any]],
    unflatten_func: Callable[[Any, Any], T],
    flatten_with_keys_func: Callable[[T], tuple[Iterable[tuple[Any, Any]], Any]] | None = None,
) -> None:
    """Make a class a pytree container.

    `flatten_func(x)` returns `(children, aux)`, where `aux` is what is not a child and should be
    hashable and comparable; `unflatten_func(aux, children)` puts a container together from a tuple
    of children. `flatten_with_keys_func(x)`, if given, returns `((key, child), ...), aux` and names
    the children in key paths. Raises ValueError if the class is registered already.

    >>> from funcgrad import tree_util
    >>> class Pair:
    ...     def __init__(self, a, b):
    ...         self.a, self.b = a, b
    >>> tree_util.register_pytree_node(
    ...     Pair, lambda p: ((p.a, p.b), None), lambda aux, children: Pair(*children)
    ... )
    >>> tree_util.tree_leaves(Pair(1, [2, 3]))
    [1, 2, 3]
    """
    for function in (flatten_func, unflatten_func):
        if not callable(function):
            raise TypeError(f"register_pytree_node takes functions, got {function!r}")

    def flatten(tree: Any) -> Flat:
        children, aux = _pair(flatten_func(tree), nodetype, "(children, aux_data)")
        return tuple(children), aux

    def builder(aux: Any) -> Callable[[list[Any]], Any]:
        return lambda children: unflatten_func(aux, tuple(children))

    keyed = flatten_with_keys_func and _keyed(nodetype, flatten_with_keys_func)
    add_kind(NodeKind(nodetype, flatten, builder, keyed=keyed))


def _keyed(
    nodetype: type[T], function: Callable[[T], tuple[Iterable[tuple[Any, Any]], Any]]
) -> Callable[[Any], KeyedFlat]:
    def keyed(tree: Any) -> KeyedFlat:
        what = "(((key, child), ...), aux_data)"
        pairs, aux = _pair(function(tree), nodetype, what)
        keys, children = [], []
        for pair in pairs:
            if not isinstance(pair, tuple) or len(pair) != 2:
                raise NodeError(
                    f"the flatten function registered for {nodetype} must return {what}, "
                    f"got the child {pair!r}"
                )
            keys.append(pair[0])
            children.append(pair[1])
        return keys, children, aux

    return keyed


def register_pytree_with_keys(
    nodetype: type[T],
    flatten_with_keys: Callable[[T], tuple[Iterable[tuple[Any, Any]], Any]],
    unflatten_func: Callable[[Any, Any], T],
    flatten_func: Callable[[T], tuple[Iterable[Any], Any]] | None = None,
) -> None:
    """Make a class a pytree container whose children have names in key paths.

    `flatten_with_keys(x)` returns `((key, child), ...), aux`, the keys preferably `GetAttrKey`,
    `DictKey`, `SequenceKey` or `FlattenedIndexKey`. `flatten_func`, if given, is a quicker way to
    the same children without their keys. Otherwise as `register_pytree_node`.

    >>> from funcgrad import tree_util
    >>> class Dense:
    ...     def __init__(self, w):
    ...         self.w = w
    >>> tree_util.register_pytree_with_keys(
    ...     Dense, lambda d: (((tree_util.GetAttrKey("w"), d.w),), None), lambda _, c: Dense(*c)
    ... )
    >>> [tree_util.keystr(path) for path, _ in tree_util.tree_leaves_with_path([Dense(1.0)])]
    ['[0].w']
    """
    if not callable(flatten_with_keys):
        raise TypeError(f"register_pytree_with_keys takes functions, got {flatten_with_keys!r}")
    keyed = _keyed(nodetype, flatten_with_keys)

    def without_keys(tree: T) -> tuple[Iterable[Any], Any]:
        _, children, aux = keyed(tree)
        return children, aux

    register_pytree_node(nodetype, flatten_func or without_keys, unflatten_func, flatten_with_keys)


def register_pytree_node_class(cls: Typ) -> Typ:
    """Class decorator: register a class with methods `tree_flatten(self)` and, as a class method,
    `tree_unflatten(cls, aux, children)`.

    >>> from funcgrad import tree_util
    >>> @tree_util.register_pytree_node_class
    ... class Point:
    ...     def __init__(self, x, y):
    ...         self.x, self.y = x, y
    ...
    ...     def tree_flatten(self):
    ...         return (self.x, self.y), None
    ...
    ...     @classmethod
    ...     def tree_unflatten(cls, aux, children):
    ...         return cls(*children)
    >>> tree_util.tree_structure(Point(1, 2))
    PyTreeDef(CustomNode(Point[None], [*, *]))
    """
    register_pytree_node(cls, lambda x: x.tree_flatten(), cls.tree_unflatten)
    return cls


def register_pytree_with_keys_class(cls: Typ) -> Typ:
    """Class decorator: register a class with methods `tree_flatten_with_keys(self)` and, as a class
    method, `tree_unflatten(cls, aux, children)`; a method `tree_flatten(self)` is used if there.

    >>> from funcgrad import tree_util
    >>> @tree_util.register_pytree_with_keys_class
    ... class Point:
    ...     def __init__(self, x):
    ...         self.x = x
    ...
    ...     def tree_flatten_with_keys(self):
    ...         return ((tree_util.GetAttrKey("x"), self.x),), None
    ...
    ...     @classmethod
    ...     def tree_unflatten(cls, aux, children):
    ...         return cls(*children)
    >>> tree_util.keystr(tree_util.tree_leaves_with_path(Point(1))[0][0])
    '.x'
    """
    flatten = (lambda x: x.tree_flatten()) if hasattr(cls, "tree_flatten") else None
    register_pytree_with_keys(
        cls, lambda x: x.tree_flatten_with_keys(), cls.tree_unflatten, flatten
    )
    return cls
