"""Comparing the metadata of containers, and the words for containers that do not match."""

from __future__ import annotations

import reprlib
from operator import is_
from typing import Any

from funcgrad.core.pytree_nodes import is_namedtuple_type

_short = reprlib.Repr()
_short.maxstring = _short.maxother = 200


def alike(a: Any, b: Any) -> bool:
    """Whether equal values are also of equal types, so that 1, 1.0 and True are told apart."""
    if a is b:
        return True
    tp = type(a)
    if tp is not type(b):
        return False
    if tp is tuple or tp is list:
        return all(map(is_, a, b)) or all(map(alike, a, b))
    if tp is dict:
        types = {k: type(k) for k in a}
        return all(types[k] is type(k) and alike(a[k], b[k]) for k in b)
    return tp is not float or a != 0 or str(a) == str(b)


def equal_aux(a: Any, b: Any) -> bool:
    """Metadata equality as users see it: `==`, with a clear error where that is not a yes or no."""
    try:
        return a is b or bool(a == b)
    except Exception as e:
        raise ValueError(
            "Exception raised while checking equality of metadata fields of pytree: metadata must "
            "be hashable and have a simple `==` (arrays cannot be metadata, make them children); "
            f"comparing {_short.repr(a)} and {_short.repr(b)} raised {type(e).__name__}: {e}"
        ) from e


def same_aux(a: Any, b: Any) -> bool:
    return a is b or (equal_aux(a, b) and alike(a, b))


def type_mismatch(tp: type[Any], x: Any) -> str:
    """What is wrong with a value that should be a container of type `tp`."""
    got = _short.repr(x)
    if tp in (tuple, list, dict, type(None)):
        return f"Expected {'None' if tp is type(None) else tp.__name__}, got {got}."
    if is_namedtuple_type(tp):
        if is_namedtuple_type(type(x)):
            return f"Named tuple type mismatch: expected type: {tp}, tuple: {got}."
        return f"Expected named tuple, got {got}."
    return f"Custom node type mismatch: expected type: {tp}, value: {got}."


def node_mismatch(tp: type[Any], x: Any, n: int, found: int, aux: Any, found_aux: Any) -> str:
    """What is wrong with a container of the expected type: its length or its metadata."""
    got = _short.repr(x)
    if tp is dict:
        return (
            f"Dict key mismatch; expected keys: {list(aux)}; present keys: {list(found_aux)}; "
            f"dict: {got}."
        )
    arity = f"arity mismatch: {found} != {n}"
    if tp in (tuple, list):
        return f"{tp.__name__.capitalize()} {arity}; {tp.__name__}: {got}."
    if found != n:
        return f"Custom type {arity}; value: {got}."
    return f"Mismatch custom node data: {aux!r} != {found_aux!r}; value: {got}."
