"""PyTreeDef: the structure of a pytree without its leaves."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from funcgrad.core.pytree_aux import alike, equal_aux, node_mismatch, same_aux, type_mismatch
from funcgrad.core.pytree_keys import keystr, linked_path
from funcgrad.core.pytree_nodes import NodeError, NodeKind, is_namedtuple_type, kind_of

# A node before its children are known: (kind, aux, number of children), or None for a leaf.
Preorder = list[tuple[NodeKind, Any, int] | None]


class PyTreeDef:
    """The structure of a pytree: container types, their metadata and where the leaves are.

    Made by `tree_structure` and `tree_flatten`. Immutable, hashable, picklable. Two are equal when
    types, metadata (with `==`, and 1, 1.0 and True apart) and children are; live equal ones are
    nearly always one object, so comparing is quick.

    >>> from funcgrad import tree_util
    >>> treedef = tree_util.tree_structure({"b": 1, "a": (2, None, [3])})
    >>> treedef
    PyTreeDef({'a': (*, None, [*]), 'b': *})
    >>> treedef.num_leaves, treedef.num_nodes
    (3, 7)
    """

    # `flat`: all children are leaves; `build` makes the container of a list of children;
    # `light`: nothing in it is big, so that it may be kept in a cache.
    __slots__ = (
        "__weakref__",
        "_hash",
        "_steps",
        "aux",
        "build",
        "flat",
        "kind",
        "light",
        "num_leaves",
        "num_nodes",
        "subtrees",
    )

    kind: NodeKind | None
    aux: Any
    subtrees: tuple[PyTreeDef, ...]
    build: Callable[[list[Any]], Any]
    flat: bool
    light: bool
    num_leaves: int
    num_nodes: int
    _hash: int
    _steps: list[tuple[int, int, int, PyTreeDef]] | None

    def __init__(
        self, kind: NodeKind | None, aux: Any, subtrees: tuple[PyTreeDef, ...], flat: bool
    ) -> None:
        self.kind = kind
        self.aux = aux
        self.subtrees = subtrees
        self.flat = flat
        self._steps = None
        if kind is None:
            self.num_leaves = self.num_nodes = 1
            self.light = True
            self._hash = hash(PyTreeDef)
            return
        self.build = kind.builder(aux)
        n = len(subtrees)
        self.num_leaves = n if flat else sum([t.num_leaves for t in subtrees])
        self.num_nodes = 1 + (n if flat else sum([t.num_nodes for t in subtrees]))
        self.light = (
            kind.light
            and all(t.light for t in subtrees)
            and (type(aux) is not tuple or {str, int}.issuperset(map(type, aux)))
        )
        try:
            aux_hash = hash(aux)
        except Exception:  # metadata without a usable hash is legal: equality then decides alone
            aux_hash = 0
        self._hash = hash((kind.type, aux_hash, *[t._hash for t in subtrees]))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, PyTreeDef):
            return NotImplemented
        stack = [(self, other)]
        while stack:
            a, b = stack.pop()
            if a is b:
                continue
            if a._hash != b._hash or a.kind is None or b.kind is None:
                return False
            if a.kind.type is not b.kind.type or len(a.subtrees) != len(b.subtrees):
                return False
            if not same_aux(a.aux, b.aux):
                return False
            stack.extend(zip(a.subtrees, b.subtrees))
        return True

    def __repr__(self) -> str:
        def show(node: PyTreeDef, texts: list[Any]) -> str:
            assert node.kind is not None
            return node.kind.show(node.aux, texts)

        return f"PyTreeDef({self._fold(['*'] * self.num_leaves, show)})"

    def __reduce__(self) -> tuple[Any, ...]:
        nodes = [node and (node[0].type, *node[1:]) for node in self.preorder()]
        return _unpickle, (nodes,)

    # Taking apart

    def children(self) -> list[PyTreeDef]:
        """The structures of the children of the outermost container."""
        return list(self.subtrees)

    def node_data(self) -> tuple[type[Any], Any] | None:
        """`(type, metadata)` of the outermost container, None for a leaf."""
        if self.kind is None:
            return None
        if self.kind.type is dict:
            return dict, list(self.aux)
        return self.kind.type, None if self.aux is self.kind.type else self.aux

    def preorder(self) -> Preorder:
        """All nodes, each before its children."""
        nodes: Preorder = []
        stack = [self]
        while stack:
            node = stack.pop()
            if node.kind is None:
                nodes.append(None)
            else:
                nodes.append((node.kind, node.aux, len(node.subtrees)))
                stack += node.subtrees[::-1]
        return nodes

    def _fold(self, values: Sequence[Any], f: Callable[[PyTreeDef, list[Any]], Any]) -> Any:
        """Combine one value per leaf upwards: `f(node, values of its children)`."""
        if self.kind is None:
            return values[0]
        stack: list[Any] = []
        for start, stop, height, node in self.steps():
            stack += values[start:stop]
            stack[height:] = (f(node, stack[height:]),)
        return stack[0]

    def steps(self) -> list[tuple[int, int, int, PyTreeDef]]:
        """How to rebuild: per container, children first, push leaves[start:stop] onto a stack, then
        replace what lies above `height` by the container `node` made of it."""
        if self._steps is None:
            self._steps = list(self._postorder())
        return self._steps

    def _postorder(self) -> Iterator[tuple[int, int, int, PyTreeDef]]:
        if self.kind is None:
            return
        start = stop = height = 0  # leaves pushed, leaves seen, values on the stack at `stop`
        frames = [(self, iter(self.subtrees), 0)]
        while frames:
            node, rest, base = frames[-1]
            for child in rest:
                if child.kind is not None:
                    frames.append((child, iter(child.subtrees), height))
                    break
                stop += 1
                height += 1
            else:
                frames.pop()
                yield start, stop, base, node
                start, height = stop, base + 1

    # Putting together

    def unflatten(self, leaves: Iterable[Any]) -> Any:
        """The pytree of this structure with these leaves. ValueError if their number is wrong.

        >>> from funcgrad import tree_util
        >>> tree_util.tree_structure({"a": 0, "b": [0, None]}).unflatten([1, 2])
        {'a': 1, 'b': [2, None]}
        """
        if type(leaves) is not list:
            leaves = list(leaves)
        if len(leaves) != self.num_leaves:
            few = len(leaves) < self.num_leaves
            raise ValueError(
                f"Too {'few' if few else 'many'} leaves for PyTreeDef; expected "
                f"{self.num_leaves}, got {len(leaves)}"
            )
        if self.flat:
            return self.build(leaves)
        if self.kind is None:
            return leaves[0]
        stack: list[Any] = []
        for start, stop, height, node in self._steps or self.steps():
            if start != stop:
                stack += leaves[start:stop]
            stack[height:] = (node.build(stack[height:]),)
        return stack[0]

    def walk(
        self,
        f_node: Callable[[Any, Any], Any],
        f_leaf: Callable[[Any], Any] | None,
        leaves: Iterable[Any],
    ) -> Any:
        """Combine upwards: `f_leaf(leaf)` at leaves, `f_node(children, metadata)` at containers."""
        values = list(leaves) if f_leaf is None else [f_leaf(leaf) for leaf in leaves]
        if len(values) != self.num_leaves:
            raise ValueError(
                f"Too {'few' if len(values) < self.num_leaves else 'many'} leaves for PyTreeDef"
            )
        return self._fold(
            values, lambda node, children: f_node(tuple(children), (node.node_data() or (0, 0))[1])
        )

    def compose(self, inner: PyTreeDef) -> PyTreeDef:
        """This structure with `inner` in the place of every leaf."""
        if not isinstance(inner, PyTreeDef):
            raise TypeError(f"compose takes a PyTreeDef, got {inner!r}")
        put = inner.preorder()
        return from_preorder(
            [n for node in self.preorder() for n in (put if node is None else (node,))]
        )

    def from_iterable_tree(self, tree: Any) -> Any:
        """The pytree of this structure from nested iterables of its shape."""
        leaves: list[Any] = []
        stack = [(self, tree)]
        while stack:
            node, x = stack.pop()
            if node.kind is None:
                leaves.append(x)
                continue
            children = list(x)
            if len(children) != len(node.subtrees):
                raise ValueError(
                    f"expected {len(node.subtrees)} children of {node}, got {len(children)}"
                )
            stack += list(zip(node.subtrees, children))[::-1]
        return self.unflatten(leaves)

    def flatten_up_to(self, tree: Any) -> list[Any]:
        """The subtrees of `tree` at the leaves of this structure, which must be a prefix of it.

        Raises ValueError with the key path at which the two differ.

        >>> from funcgrad import tree_util
        >>> tree_util.tree_structure({"a": 0, "b": [0]}).flatten_up_to({"a": (1, 2), "b": [3]})
        [(1, 2), 3]
        """
        leaves: list[Any] = []
        stack: list[tuple[PyTreeDef, Any, Any]] = [(self, tree, None)]
        while stack:
            node, x, where = stack.pop()
            if node.kind is None:
                leaves.append(x)
                continue
            kind, n = node.kind, len(node.subtrees)
            if type(x) is not kind.type:
                raise ValueError(type_mismatch(kind.type, x) + _at(tree, where))
            try:
                children, aux = kind.flatten(x)
            except NodeError as e:
                raise e.at(_path(tree, where)) from None
            if len(children) != n or not equal_aux(aux, node.aux):
                message = node_mismatch(kind.type, x, n, len(children), node.aux, aux)
                raise ValueError(message + _at(tree, where))
            if node.flat:
                leaves += children
            else:
                for i in range(len(children) - 1, -1, -1):
                    stack.append((node.subtrees[i], children[i], (where, i)))
        return leaves

    @staticmethod
    def from_node_data_and_children(
        registry: Any, node_data: tuple[type[Any], Any] | None, children: Iterable[PyTreeDef]
    ) -> PyTreeDef:
        """The inverse of `node_data()` and `children()`."""
        if node_data is None:
            return LEAF
        tp, aux = node_data
        kind = kind_of(tp)
        if kind is None:
            raise ValueError(f"Could not find type: {tp}.")
        children = list(children)
        if tp is dict:
            aux = tuple(aux)
            if len(aux) != len(children):
                raise ValueError("Number of keys and entries does not match.")
        elif aux is None and is_namedtuple_type(tp):
            aux = tp
        return make_node(kind, aux, children)


# Sharing: equal structures are nearly always one object, so that comparing them is quick


LEAF = PyTreeDef(None, None, (), False)

# Structures by (kind, metadata, number of children or ids of their structures): all that live, and
# those which hold nothing big, kept for reuse and looked at first.
LIGHT: dict[Any, PyTreeDef] = {}
LIGHT_SIZE = 4096
_alive: dict[Any, weakref.KeyedRef[Any, PyTreeDef]] = {}


def make_flat(kind: NodeKind, aux: Any, n: int) -> PyTreeDef:
    """The structure of a container with `n` children, all leaves."""
    try:
        found = LIGHT.get((kind, aux, n))
    except Exception:  # metadata without hash or `==`: such a structure is just not shared
        return PyTreeDef(kind, aux, (LEAF,) * n, True)
    if found is not None and (found.aux is aux or alike(found.aux, aux)):
        return found
    return _share((kind, aux, n), (LEAF,) * n)


def make_node(kind: NodeKind, aux: Any, subtrees: Sequence[PyTreeDef]) -> PyTreeDef:
    """The structure of a container with children of the given structures."""
    # Ids cannot be stale: an entry of the tables keeps its children alive as long as itself.
    ids = tuple(map(id, subtrees))
    if ids.count(_LEAF_ID) == len(ids):
        return make_flat(kind, aux, len(ids))
    try:
        found = LIGHT.get((kind, aux, ids))
    except Exception:  # as in make_flat
        return PyTreeDef(kind, aux, tuple(subtrees), False)
    if found is not None and (found.aux is aux or alike(found.aux, aux)):
        return found
    return _share((kind, aux, ids), tuple(subtrees))


_LEAF_ID = id(LEAF)


def _share(key: Any, subtrees: tuple[PyTreeDef, ...]) -> PyTreeDef:
    """The living structure under `key`, or a new one, entered unless one unlike it is there."""
    kind, aux, shape = key
    ref = _alive.get(key)
    made = None if ref is None else ref()
    if made is None:
        made = PyTreeDef(kind, aux, subtrees, type(shape) is int)
        _alive[key] = weakref.KeyedRef(made, _forget, key)
    elif not (made.aux is aux or alike(made.aux, aux)):
        return PyTreeDef(kind, aux, subtrees, type(shape) is int)
    if made.light:
        if len(LIGHT) >= LIGHT_SIZE:
            LIGHT.clear()
        LIGHT[key] = made
    return made


def _forget(ref: Any, table: dict[Any, Any] = _alive) -> None:
    key = ref.key
    try:
        if table.get(key) is ref:
            table.pop(key, None)
    except Exception:  # a user's `==` or hash failed within garbage collection: keep a dead entry
        return


def from_preorder(nodes: Preorder) -> PyTreeDef:
    """The structure whose nodes, each before its children, are these."""
    stack: list[PyTreeDef] = []
    for node in reversed(nodes):
        if node is None:
            stack.append(LEAF)
        else:
            kind, aux, n = node
            first = len(stack) - n
            made = make_node(kind, aux, stack[first:][::-1])
            stack[first:] = [made]
    (treedef,) = stack
    return treedef


def _unpickle(nodes: list[Any]) -> PyTreeDef:
    preorder: Preorder = []
    for node in nodes:
        kind = None if node is None else kind_of(node[0])
        if node is not None and kind is None:
            raise ValueError(
                f"cannot unpickle a PyTreeDef: {node[0]} is not registered as a pytree"
            )
        preorder.append(None if kind is None else (kind, *node[1:]))
    return from_preorder(preorder)


def _path(tree: Any, where: Any) -> list[Any]:
    """The key path in `tree` of a place written as nested pairs, `((None, i), j)` for `[i][j]`."""
    path = []
    for i in linked_path(where):
        kind = kind_of(type(tree))
        assert kind is not None
        keys, children, _ = kind.flatten_with_keys(tree)
        path.append(keys[i])
        tree = children[i]
    return path


def _at(tree: Any, where: Any) -> str:
    return "" if where is None else f" At key path {keystr(_path(tree, where))}."
