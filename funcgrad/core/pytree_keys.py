"""Key paths: how the position of a leaf inside a pytree is written down and printed."""

from __future__ import annotations

import operator
from collections.abc import Hashable, Iterable
from typing import Any, ClassVar, TypeVar

__all__ = [
    "DictKey",
    "FlattenedIndexKey",
    "GetAttrKey",
    "KeyEntry",
    "KeyPath",
    "SequenceKey",
    "keystr",
]

KeyEntry = TypeVar("KeyEntry", bound=Hashable)
KeyPath = tuple[KeyEntry, ...]


class _Key:
    """One step of a key path: immutable, compared by class and value, printed as Python source."""

    __slots__ = ("_value",)
    __match_args__: ClassVar[tuple[str]]
    _value: Any

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and bool(self._value == other._value)

    def __hash__(self) -> int:
        return hash((type(self), self._value))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.__match_args__[0]}={self._value!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._value,)


class SequenceKey(_Key):
    """The child at index `idx` of a list or a tuple; prints as `[idx]`.

    >>> from funcgrad.tree_util import SequenceKey
    >>> str(SequenceKey(2)), SequenceKey(2).idx
    ('[2]', 2)
    """

    __slots__ = ()
    __match_args__ = ("idx",)

    def __init__(self, idx: int) -> None:
        self._value = int(operator.index(idx))

    @property
    def idx(self) -> int:
        return int(self._value)

    def __str__(self) -> str:
        return f"[{self._value!r}]"


class DictKey(_Key):
    """The child under `key` of a dictionary; prints as `['key']`.

    >>> from funcgrad.tree_util import DictKey
    >>> str(DictKey("w")), DictKey("w").key
    ("['w']", 'w')
    """

    __slots__ = ()
    __match_args__ = ("key",)

    def __init__(self, key: Any) -> None:
        self._value = key

    @property
    def key(self) -> Any:
        return self._value

    def __str__(self) -> str:
        return f"[{self._value!r}]"


class GetAttrKey(_Key):
    """The child in the attribute `name` of an object; prints as `.name`.

    >>> from funcgrad.tree_util import GetAttrKey
    >>> str(GetAttrKey("bias")), GetAttrKey("bias").name
    ('.bias', 'bias')
    """

    __slots__ = ()
    __match_args__ = ("name",)

    def __init__(self, name: str) -> None:
        if not isinstance(name, str):
            raise TypeError(f"GetAttrKey takes the name of an attribute, a str, not {name!r}")
        self._value = name

    @property
    def name(self) -> str:
        return str(self._value)

    def __str__(self) -> str:
        return f".{self._value}"


class FlattenedIndexKey(_Key):
    """Child number `key` of a registered class that does not name its children.

    >>> from funcgrad.tree_util import FlattenedIndexKey
    >>> str(FlattenedIndexKey(0)), FlattenedIndexKey(0).key
    ('[<flat index 0>]', 0)
    """

    __slots__ = ()
    __match_args__ = ("key",)

    def __init__(self, key: int) -> None:
        self._value = int(operator.index(key))

    @property
    def key(self) -> int:
        return int(self._value)

    def __str__(self) -> str:
        return f"[<flat index {self._value}>]"


def bare_name(entry: Any) -> str:
    """The entry without brackets, dots and quotes: what `keystr(simple=True)` joins."""
    return str(entry._value) if isinstance(entry, _Key) else str(entry)


def keystr(keys: Iterable[Any], *, simple: bool = False, separator: str = "") -> str:
    """The text of a key path: one piece per entry, joined by `separator`.

    With `simple=True` the pieces are bare names, without brackets, dots and quotes.

    >>> from funcgrad.tree_util import DictKey, SequenceKey, keystr
    >>> path = (DictKey("layers"), SequenceKey(0), DictKey("w"))
    >>> keystr(path)
    "['layers'][0]['w']"
    >>> keystr(path, simple=True, separator="/")
    'layers/0/w'
    """
    return separator.join(map(bare_name if simple else str, keys))


def linked_path(link: Any) -> KeyPath[Any]:
    """The key path written as `((None, first), second)`, which walkers extend in constant time."""
    keys = []
    while link is not None:
        link, key = link
        keys.append(key)
    return tuple(keys[::-1])
