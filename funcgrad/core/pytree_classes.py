"""Classes as pytrees: dataclasses, static values and partial applications."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar

from funcgrad.core.pytree_keys import GetAttrKey
from funcgrad.core.pytree_nodes import NodeKind, add_kind
from funcgrad.core.pytree_register import register_pytree_node

Typ = TypeVar("Typ", bound=type[Any])


def static(**kwargs: Any) -> Any:
    """A dataclass field that `register_dataclass` takes as metadata instead of data.

    Takes the keyword arguments of `dataclasses.field`.

    >>> import dataclasses
    >>> from funcgrad import tree, tree_util
    >>> @tree_util.register_dataclass
    ... @dataclasses.dataclass
    ... class Layer:
    ...     w: float
    ...     name: str = tree.static(default="dense")
    >>> tree.leaves(Layer(2.0))
    [2.0]
    """
    metadata = {"static": True, **(kwargs.pop("metadata", None) or {})}
    return dataclasses.field(metadata=metadata, **kwargs)


def register_dataclass(
    nodetype: Typ,
    data_fields: Sequence[str] | None = None,
    meta_fields: Sequence[str] | None = None,
    drop_fields: Sequence[str] = (),
) -> Typ:
    """Make a dataclass a pytree container; may be used as a decorator.

    The attributes `data_fields` are the children, in that order; `meta_fields` are metadata:
    hashable, compared with `==`, and static under `jit`. Without both lists, every field is data
    but those with `metadata={"static": True}` (see `tree.static`). A container is put back by
    calling the class with all of these as keyword arguments, so `drop_fields`, in neither list,
    need a default. Classes other than dataclasses work too if both lists are given. Raises
    TypeError for half a specification, ValueError for fields unknown, missing, or in both lists.

    >>> import dataclasses
    >>> from funcgrad import tree_util
    >>> @tree_util.register_dataclass
    ... @dataclasses.dataclass
    ... class Layer:
    ...     w: float
    ...     name: str = dataclasses.field(default="dense", metadata={"static": True})
    >>> tree_util.tree_map(lambda x: 10 * x, Layer(2.0))
    Layer(w=20.0, name='dense')
    """
    if data_fields is None and meta_fields is None:
        data_fields, meta_fields = _fields_by_metadata(nodetype, drop_fields)
    if data_fields is None or meta_fields is None:
        raise TypeError(
            "register_dataclass: data_fields and meta_fields must both be specified when either is "
            f"specified. Got data_fields={data_fields!r} meta_fields={meta_fields!r}."
        )
    data, meta = tuple(data_fields), tuple(meta_fields)
    _check_fields(nodetype, set(data), set(meta), set(drop_fields))

    def flatten(tree: Any) -> tuple[list[Any], tuple[Any, ...]]:
        return [getattr(tree, f) for f in data], tuple([getattr(tree, f) for f in meta])

    def builder(aux: tuple[Any, ...]) -> Callable[[list[Any]], Any]:
        static_part = dict(zip(meta, aux))
        return lambda children: nodetype(**dict(zip(data, children)), **static_part)

    keys = tuple(map(GetAttrKey, data))
    add_kind(NodeKind(nodetype, flatten, builder, lambda aux, n: keys))
    return nodetype


def _fields_by_metadata(nodetype: Any, drop: Sequence[str]) -> tuple[list[str], list[str]]:
    if not (isinstance(nodetype, type) and dataclasses.is_dataclass(nodetype)):
        raise TypeError(
            "register_dataclass: data_fields and meta_fields are required when nodetype is not a "
            f"dataclass. Got nodetype={nodetype!r}."
        )
    fields = [f for f in dataclasses.fields(nodetype) if f.init and f.name not in drop]
    data = [f.name for f in fields if not f.metadata.get("static", False)]
    meta = [f.name for f in fields if f.metadata.get("static", False)]
    return data, meta


def _check_fields(nodetype: Any, data: set[str], meta: set[str], drop: set[str]) -> None:
    def names(fields: set[str]) -> str:
        return "{" + ", ".join(map(repr, sorted(fields))) + "}"

    if data & meta:
        raise ValueError(
            "data_fields and meta_fields must not overlap. "
            f"Overlapping fields: {names(data & meta)}."
        )
    if not (isinstance(nodetype, type) and dataclasses.is_dataclass(nodetype)):
        return
    expected = {f.name for f in dataclasses.fields(nodetype) if f.init} - drop
    rule = "data_fields and meta_fields must include all dataclass fields with ``init=True``"
    if expected - data - meta:
        raise ValueError(
            f"{rule} and only them. Missing fields: {names(expected - data - meta)}. "
            "Add them to drop_fields to suppress this error."
        )
    if (data | meta) - expected:
        raise ValueError(
            f"{rule} and only them. Unexpected fields: {names((data | meta) - expected)}."
        )


def register_static(cls: Typ) -> Typ:
    """Class decorator: values of the class are containers without children, static under `jit`.

    The class must define `__hash__` and `__eq__` suitably.

    >>> from funcgrad import tree_util
    >>> @tree_util.register_static
    ... class Config(str):
    ...     pass
    >>> tree_util.tree_leaves([1.0, Config("train")])
    [1.0]
    """
    add_kind(NodeKind(cls, lambda tree: ((), tree), lambda aux: lambda _: aux))
    return cls


class _HashableCallableShim:
    """A partial application as the opaque function of another one, compared by what it wraps."""

    def __init__(self, fun: Callable[..., Any]) -> None:
        self.fun = fun

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.fun(*args, **kwargs)

    def __hash__(self) -> int:
        return hash(self.fun)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and bool(self.fun == other.fun)

    def __repr__(self) -> str:
        return f"_HashableCallableShim({self.fun!r})"


class Partial(functools.partial):  # type: ignore[type-arg] # not subscriptable as a base at run time
    """`functools.partial` as a pytree: the arguments are children, the function is metadata.

    So it can be passed to transformed functions, and its arguments are differentiated, staged and
    batched. A partial application given as `func` stays one opaque function.

    >>> from funcgrad import tree_util
    >>> add = tree_util.Partial(lambda x, y: x + y, 2)
    >>> tree_util.tree_map(lambda x: 10 * x, add)(1)
    21
    """

    __module__ = "funcgrad.tree_util"

    def __new__(cls, func: Callable[..., Any], *args: Any, **kw: Any) -> Partial:
        if isinstance(func, functools.partial):
            func = _HashableCallableShim(func)
        return super().__new__(cls, func, *args, **kw)


def _partial_of(func: Hashable, children: Any) -> Partial:
    args, kwargs = children
    return Partial(func, *args, **kwargs)  # type: ignore[arg-type] # hashable and callable


register_pytree_node(Partial, lambda p: ((p.args, p.keywords), p.func), _partial_of)
