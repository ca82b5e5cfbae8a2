"""The registry of container types: how each is taken apart, put back together and printed."""

from __future__ import annotations

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from funcgrad.core.pytree_keys import DictKey, FlattenedIndexKey, GetAttrKey, SequenceKey, keystr

Flat = tuple[Sequence[Any], Any]
KeyedFlat = tuple[Sequence[Any], Sequence[Any], Any]

# Types seen to be leaves or namedtuples are remembered up to this many, so that memory is bounded.
MEMO_SIZE = 4096


class NodeError(ValueError):
    """A container that cannot be taken apart; the walkers add the key path to the message."""

    def at(self, path: Sequence[Any]) -> ValueError:
        """The error for the user, with the place of the container."""
        where = f"At key path {keystr(path)}" if path else "At the root of the tree"
        return ValueError(f"{self}. {where}.")


class NodeKind:
    """What a pytree knows about one container type.

    `flatten(x)` gives `(children, aux)`; `builder(aux)` gives the function that makes a container
    of a list of children; `keys(aux, n)` names the children; `keyed`, if a user gave one, gives
    keys, children and aux together; `show(aux, texts)` prints a node whose children print as
    `texts`; `light` says that structures of this kind hold nothing big and may be cached.
    """

    __slots__ = ("builder", "flatten", "keyed", "keys", "light", "show", "type")

    def __init__(
        self,
        type: type[Any],
        flatten: Callable[[Any], Flat],
        builder: Callable[[Any], Callable[[list[Any]], Any]],
        keys: Callable[[Any, int], Sequence[Any]] | None = None,
        keyed: Callable[[Any], KeyedFlat] | None = None,
        show: Callable[[Any, list[str]], str] | None = None,
        light: bool = False,
    ) -> None:
        self.type = type
        self.flatten = flatten
        self.builder = builder
        self.keys = keys or _flat_index_keys
        self.keyed = keyed
        self.show = show or self._show_custom
        self.light = light

    def _show_custom(self, aux: Any, texts: list[str]) -> str:
        return f"CustomNode({self.type.__name__}[{aux}], [{', '.join(texts)}])"

    def flatten_with_keys(self, tree: Any) -> KeyedFlat:
        if self.keyed is not None:
            return self.keyed(tree)
        children, aux = self.flatten(tree)
        return self.keys(aux, len(children)), children, aux


def _flat_index_keys(aux: Any, n: int) -> list[Any]:
    return [FlattenedIndexKey(i) for i in range(n)]


def _sequence_keys(aux: Any, n: int) -> list[Any]:
    return [SequenceKey(i) for i in range(n)]


def _dict_keys(aux: Iterable[Any], n: int) -> list[Any]:
    return [DictKey(k) for k in aux]


def _sorted_keys(tree: dict[Any, Any]) -> list[Any]:
    try:
        return sorted(tree)
    except TypeError as e:
        raise NodeError(
            f"Comparator raised exception while sorting pytree dictionary keys ({e}); "
            "the keys of a dictionary in a pytree must be sortable, use keys of one type"
        ) from None


def _flatten_dict(tree: dict[Any, Any]) -> Flat:
    if not tree:
        return (), ()
    keys = _sorted_keys(tree)
    return [*map(tree.__getitem__, keys)], tuple(keys)


def _flatten_ordered_dict(tree: OrderedDict[Any, Any]) -> Flat:
    return list(tree.values()), tuple(tree)


def _flatten_defaultdict(tree: defaultdict[Any, Any]) -> Flat:
    keys = _sorted_keys(tree)
    return [*map(tree.__getitem__, keys)], (tree.default_factory, tuple(keys))


def _dict_builder(keys: tuple[Any, ...]) -> Callable[[list[Any]], Any]:
    return lambda children: dict(zip(keys, children))


def _ordered_dict_builder(keys: tuple[Any, ...]) -> Callable[[list[Any]], Any]:
    return lambda children: OrderedDict(zip(keys, children))


def _defaultdict_builder(aux: tuple[Any, tuple[Any, ...]]) -> Callable[[list[Any]], Any]:
    factory, keys = aux
    return lambda children: defaultdict(factory, zip(keys, children))


def _show_dict(keys: tuple[Any, ...], texts: list[str]) -> str:
    return "{" + ", ".join(f"{k!r}: {t}" for k, t in zip(keys, texts)) + "}"


def _show_tuple(aux: None, texts: list[str]) -> str:
    return f"({texts[0]},)" if len(texts) == 1 else f"({', '.join(texts)})"


def _namedtuple_kind(cls: type[Any]) -> NodeKind:
    def keys(aux: Any, n: int) -> list[Any]:
        fields = cls._fields
        if len(fields) != n:
            raise NodeError(f"{cls} has {n} elements but its _fields are {fields}")
        return [GetAttrKey(name) for name in fields]

    return NodeKind(
        cls,
        lambda tree: (tuple(tree), cls),
        lambda aux: lambda children: cls(*children),
        keys,
        show=lambda aux, texts: f"CustomNode(namedtuple[{cls.__name__}], [{', '.join(texts)}])",
        light=True,
    )


def is_namedtuple_type(tp: Any) -> bool:
    return isinstance(tp, type) and issubclass(tp, tuple) and hasattr(tp, "_fields")


_BUILTIN = (
    NodeKind(
        type(None),
        lambda _: ((), None),
        lambda _: lambda _: None,
        show=lambda aux, texts: "None",
        light=True,
    ),
    NodeKind(
        tuple, lambda x: (x, None), lambda _: tuple, _sequence_keys, show=_show_tuple, light=True
    ),
    NodeKind(
        list,
        lambda x: (x, None),
        lambda _: list,
        _sequence_keys,
        show=lambda aux, texts: f"[{', '.join(texts)}]",
        light=True,
    ),
    NodeKind(dict, _flatten_dict, _dict_builder, _dict_keys, show=_show_dict, light=True),
    NodeKind(OrderedDict, _flatten_ordered_dict, _ordered_dict_builder, _dict_keys, light=True),
    NodeKind(
        defaultdict,
        _flatten_defaultdict,
        _defaultdict_builder,
        lambda aux, n: _dict_keys(aux[1], n),
    ),
)

# KINDS also holds the namedtuple types seen so far; LEAF_TYPES the types seen not to be containers.
_registered: dict[type[Any], NodeKind] = {kind.type: kind for kind in _BUILTIN}
KINDS: dict[type[Any], NodeKind] = dict(_registered)
LEAF_TYPES: set[type[Any]] = set()
_lock = threading.Lock()


def kind_of(tp: type[Any]) -> NodeKind | None:
    """How to treat values of type `tp`: its kind, or None for a leaf."""
    kind = KINDS.get(tp)
    return kind if kind is not None or tp in LEAF_TYPES else _classify(tp)


def _classify(tp: type[Any]) -> NodeKind | None:
    with _lock:
        if tp in _registered:
            return _registered[tp]
        if is_namedtuple_type(tp):
            if len(KINDS) - len(_registered) >= MEMO_SIZE:
                for old in KINDS.keys() - _registered.keys():
                    del KINDS[old]
            return KINDS.setdefault(tp, _namedtuple_kind(tp))
        if len(LEAF_TYPES) >= MEMO_SIZE:
            LEAF_TYPES.clear()
        LEAF_TYPES.add(tp)
        return None


def add_kind(kind: NodeKind) -> None:
    """Enter a kind into the registry, once and for all."""
    tp = kind.type
    if not isinstance(tp, type):
        raise TypeError(f"only a class can be registered as a pytree node, not {tp!r}")
    with _lock:
        if tp in _registered:
            raise ValueError(f"Duplicate custom PyTreeDef type registration for {tp}.")
        _registered[tp] = KINDS[tp] = kind
        LEAF_TYPES.discard(tp)
