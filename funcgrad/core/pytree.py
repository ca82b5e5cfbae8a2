"""Pytrees: nested containers with arrays, or anything, at the leaves. The face of `pytree_*.py`.

Inside funcgrad: `from funcgrad.core import pytree`, then `pytree.flatten(x)`, `pytree.map(f, x)`.
The same functions are public, under JAX's names, in `funcgrad.tree_util` and `funcgrad.tree`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from funcgrad.core.pytree_classes import Partial, register_dataclass, register_static, static
from funcgrad.core.pytree_def import LEAF, PyTreeDef
from funcgrad.core.pytree_flatten import (
    all_leaves,
    flatten_one_level,
    flatten_one_level_with_keys,
    is_tree_node,
    tree_flatten,
    tree_flatten_with_path,
    tree_leaves,
    tree_leaves_with_path,
    tree_structure,
    tree_unflatten,
)
from funcgrad.core.pytree_keys import (
    DictKey,
    FlattenedIndexKey,
    GetAttrKey,
    KeyEntry,
    KeyPath,
    SequenceKey,
    keystr,
)
from funcgrad.core.pytree_map import (
    build_tree,
    tree_all,
    tree_broadcast,
    tree_map,
    tree_map_with_path,
    tree_reduce,
    tree_reduce_associative,
    tree_transpose,
    treedef_children,
    treedef_is_leaf,
    treedef_tuple,
)
from funcgrad.core.pytree_prefix import (
    broadcast_prefix,
    equality_errors,
    flatten_axes,
    prefix_errors,
)
from funcgrad.core.pytree_register import (
    register_pytree_node,
    register_pytree_node_class,
    register_pytree_with_keys,
    register_pytree_with_keys_class,
)

flatten = tree_flatten
flatten_with_path = tree_flatten_with_path
unflatten = tree_unflatten
leaves = tree_leaves
leaves_with_path = tree_leaves_with_path
structure = tree_structure
map = tree_map
map_with_path = tree_map_with_path
reduce = tree_reduce
reduce_associative = tree_reduce_associative
all = tree_all
broadcast = tree_broadcast
transpose = tree_transpose
leaf_treedef = LEAF


class PyTreeRegistry:
    """The table of container types as an object; there is one, `default_registry`.

    >>> from funcgrad import tree_util
    >>> tree_util.default_registry.flatten((1, [2]))
    ([1, 2], PyTreeDef((*, [*])))
    """

    __slots__ = ()

    flatten = staticmethod(tree_flatten)
    flatten_with_path = staticmethod(tree_flatten_with_path)
    is_node = staticmethod(is_tree_node)
    register_node = staticmethod(register_pytree_node)

    @staticmethod
    def flatten_one_level(tree: Any) -> tuple[Sequence[Any], Any] | None:
        """`(children, metadata)` of the outermost container, None for a leaf."""
        return flatten_one_level(tree) if is_tree_node(type(tree)) else None

    @staticmethod
    def flatten_one_level_with_keys(tree: Any) -> tuple[Sequence[tuple[Any, Any]], Any] | None:
        """`((key, child), ...), metadata` of the outermost container, None for a leaf."""
        return flatten_one_level_with_keys(tree) if is_tree_node(type(tree)) else None

    @staticmethod
    def register_dataclass_node(
        nodetype: type[Any], data_fields: Sequence[str], meta_fields: Sequence[str]
    ) -> None:
        """Register a class by its fields, as `register_dataclass` does."""
        register_dataclass(nodetype, data_fields, meta_fields)


default_registry = PyTreeRegistry()

__all__ = [
    "DictKey",
    "FlattenedIndexKey",
    "GetAttrKey",
    "KeyEntry",
    "KeyPath",
    "Partial",
    "PyTreeDef",
    "PyTreeRegistry",
    "SequenceKey",
    "all_leaves",
    "broadcast_prefix",
    "build_tree",
    "default_registry",
    "equality_errors",
    "flatten_axes",
    "flatten_one_level",
    "flatten_one_level_with_keys",
    "is_tree_node",
    "keystr",
    "leaf_treedef",
    "prefix_errors",
    "register_dataclass",
    "register_pytree_node",
    "register_pytree_node_class",
    "register_pytree_with_keys",
    "register_pytree_with_keys_class",
    "register_static",
    "static",
    "tree_all",
    "tree_broadcast",
    "tree_flatten",
    "tree_flatten_with_path",
    "tree_leaves",
    "tree_leaves_with_path",
    "tree_map",
    "tree_map_with_path",
    "tree_reduce",
    "tree_reduce_associative",
    "tree_structure",
    "tree_transpose",
    "tree_unflatten",
    "treedef_children",
    "treedef_is_leaf",
    "treedef_tuple",
]
