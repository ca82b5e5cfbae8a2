"""Finding and changing what a state holds: values by name, copies of the parameters by structure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from funcgrad.optim.base import GradientTransformation
from funcgrad.tree_util import (
    DictKey,
    GetAttrKey,
    SequenceKey,
    register_pytree_node,
    tree_map,
)

__all__ = ["NamedTupleKey", "tree_get", "tree_get_all_with_path", "tree_map_params", "tree_set"]

KeyPath = tuple[Any, ...]
Filter = Callable[[KeyPath, Any], bool]


class NamedTupleKey(NamedTuple):
    """The entry of a key path that leads into a field of a named tuple.

    >>> from funcgrad.optim import tree_utils
    >>> str(tree_utils.NamedTupleKey("ScaleByAdamState", "mu"))
    'ScaleByAdamState.mu'
    """

    tuple_name: str
    name: str

    def __str__(self) -> str:
        return f"{self.tuple_name}.{self.name}"


def _children(node: Any) -> list[tuple[Any, Any]] | None:
    """The keys and values of a container, None for a leaf."""
    if hasattr(node, "_fields"):
        return [(NamedTupleKey(type(node).__name__, f), getattr(node, f)) for f in node._fields]
    if isinstance(node, dict):
        return [(DictKey(k), v) for k, v in node.items()]
    if isinstance(node, list | tuple):
        return [(SequenceKey(i), v) for i, v in enumerate(node)]
    if hasattr(node, "__dataclass_fields__"):
        return [(GetAttrKey(f), getattr(node, f)) for f in node.__dataclass_fields__]
    return None


def _rebuilt(node: Any, values: list[Any]) -> Any:
    if hasattr(node, "_fields"):
        return type(node)(*values)
    if isinstance(node, dict):
        out = node.copy()  # keeps the class of the dict, and its order
        out.update(zip(node, values, strict=True))
        return out
    if isinstance(node, list | tuple):
        return type(node)(values)
    return type(node)(**dict(zip(node.__dataclass_fields__, values, strict=True)))


def _names(path: KeyPath, node: Any) -> set[Any]:
    """The names by which the value at a path is found: its key or field, and its class."""
    found: set[Any] = {type(node).__name__} if hasattr(node, "_fields") else set()
    if path:
        key = path[-1]
        found.add(getattr(key, "name", getattr(key, "key", getattr(key, "idx", None))))
    return found


def tree_get_all_with_path(
    tree: Any, key: Any, filtering: Filter | None = None
) -> list[tuple[KeyPath, Any]]:
    """Every value that a dict key, a field or a named tuple called `key` holds, with its path.

    >>> from funcgrad import optim
    >>> state = optim.adam(0.1).init(1.0)
    >>> [(path, _)] = optim.tree_utils.tree_get_all_with_path(state, "count")
    >>> path
    (SequenceKey(idx=0), NamedTupleKey(tuple_name='ScaleByAdamState', name='count'))
    """
    found = []
    queue: list[tuple[KeyPath, Any]] = [((), tree)]
    while queue:
        path, node = queue.pop(0)
        if key in _names(path, node) and (filtering is None or filtering(path, node)):
            found.append((path, node))
        queue = [((*path, k), child) for k, child in _children(node) or ()] + queue
    return found


def tree_get(tree: Any, key: Any, default: Any = None, filtering: Filter | None = None) -> Any:
    """The one value that a dict key, a field or a named tuple called `key` holds.

    Raises:
      KeyError: where there are several; `filtering(path, value)` tells which one is meant.

    >>> from funcgrad import optim
    >>> optim.tree_utils.tree_get(optim.adam(0.1).init(1.0), "count")
    Array(0, dtype=int32)
    """
    found = tree_get_all_with_path(tree, key, filtering)
    if len(found) > 1:
        raise KeyError(
            f"Found multiple values for '{key}' in {tree}: at "
            + "; ".join("".join(f"[{k}]" for k in path) for path, _ in found)
            + ". Say which one is meant with filtering=lambda path, value: ..."
        )
    return found[0][1] if found else default


def tree_set(tree: Any, filtering: Filter | None = None, /, **kwargs: Any) -> Any:
    """A tree with other values under some names: of dict keys, fields or named tuples.

    Raises:
      KeyError: for a name that is not there.

    >>> from funcgrad import optim
    >>> state = optim.adam(0.1).init(1.0)
    >>> optim.tree_utils.tree_set(state, count=7)[0].count
    7
    """
    for name in kwargs:
        if not tree_get_all_with_path(tree, name, filtering):
            raise KeyError(f"Found no values matching '{name}' in {tree}")

    def replaced(path: KeyPath, node: Any) -> Any:
        for name in _names(path, node) & kwargs.keys():
            if filtering is None or filtering(path, node):
                return kwargs[name]
        children = _children(node)
        if children is None:
            return node
        return _rebuilt(node, [replaced((*path, k), child) for k, child in children])

    return replaced((), tree)


class _Placeholder:
    """Stands for the parameters; without leaves, it passes through an `init` unchanged."""

    __slots__ = ()


register_pytree_node(_Placeholder, lambda _: ((), None), lambda *_: _Placeholder())


def tree_map_params(
    initable: GradientTransformation | Callable[[Any], Any],
    f: Callable[..., Any],
    state: Any,
    /,
    *rest: Any,
    transform_non_params: Callable[..., Any] | None = None,
    is_leaf: Callable[[Any], bool] | None = None,
) -> Any:
    """`f` of the leaves of a state that mirror parameters (and of `rest`, trees like them).

    Args:
      initable: the transformation, or its `init`.
      transform_non_params: what is applied to the other leaves, by default nothing.

    >>> from funcgrad import optim
    >>> tx = optim.adam(0.1)
    >>> state = optim.tree_map_params(tx, lambda x: "of a parameter", tx.init({"w": 1.0}))
    >>> state[0]
    ScaleByAdamState(count=Array(0, dtype=int32), mu={'w': 'of a parameter'}, nu={'w': 'of a parameter'})
    """
    init = initable.init if hasattr(initable, "init") else initable
    pattern = init(_Placeholder())

    def each(mark: Any, value: Any) -> Any:
        if isinstance(mark, _Placeholder):
            return tree_map(f, value, *rest, is_leaf=is_leaf)
        return value if transform_non_params is None else transform_non_params(value)

    return tree_map(each, pattern, state, is_leaf=lambda x: isinstance(x, _Placeholder))
