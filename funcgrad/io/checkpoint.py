"""`save` and `load`."""

from __future__ import annotations

import json
import os
from typing import Any

import numpy as np

import funcgrad.numpy as fnp
from funcgrad import dtypes, random
from funcgrad.io.safetensors import CheckpointError, Raw, read_file, storable, write_file
from funcgrad.io.trees import build, describe, name_of, path_text, spec_leaves
from funcgrad.numpy.convert import astype
from funcgrad.tree_util import tree_flatten_with_path, tree_unflatten

__all__ = ["load", "save"]

_STRUCTURE = "funcgrad.tree"


def save(path: str | os.PathLike[str], tree: Any) -> None:
    """Write a pytree to one file, in the safetensors format.

    Args:
      path: the file; an old one is replaced in one step, so that at any time either is there, whole.
      tree: dicts, lists, tuples, named tuples, None and every registered node, of arrays, NumPy arrays, random
        keys, and Python's numbers and strings.
    Raises:
      TypeError: for another leaf, with its path in the tree. OSError: from the file system.

    Arrays are named by their paths: `{"layer": {"w": x}}` gives `layer.w`. So other programs can read them, and
    the structure is in the metadata of the file. Complex numbers of 128 bits and rare dtypes are stored as
    numbers that the format has.

    >>> import tempfile, os
    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import io
    >>> path = os.path.join(tempfile.mkdtemp(), "run.safetensors")
    >>> io.save(path, {"w": jnp.ones(2), "step": 3})
    >>> io.load(path)
    {'step': 3, 'w': Array([1., 1.], dtype=float64)}
    """
    arrays: dict[str, Raw] = {}

    def leaf(x: Any, where: Any) -> Any:
        if type(x) in (bool, int, str):
            return {"python": x}
        if type(x) in (float, complex):
            parts = [x.real.hex(), x.imag.hex()]
            return {type(x).__name__: parts}
        value, about = _stored(x, where)
        name = _free_name(name_of(where), arrays)
        arrays[name] = value
        return {"array": name, **about}

    structure = describe(tree, leaf)
    write_file(path, arrays, {_STRUCTURE: json.dumps(structure, separators=(",", ":"))})


def _free_name(name: str, taken: dict[str, Raw]) -> str:
    """The name, told from those there are already: `{"a": {"b": x}, "a.b": y}` gives one twice."""
    name = name or "value"
    found, number = name, 0
    while found in taken or found == "__metadata__":
        number += 1
        found = f"{name}~{number}"
    return found


def _stored(x: Any, where: Any) -> tuple[Raw, dict[str, Any]]:
    """A leaf as an array that the format has, and what else must be known to restore it."""
    about: dict[str, Any] = {}
    dtype = getattr(x, "dtype", None)
    if dtype is not None and fnp.issubdtype(dtype, dtypes.prng_key):
        about["key"] = str(random.key_impl(x))
        x = random.key_data(x)
    elif getattr(x, "weak_type", False):
        about["weak"] = True
    if not isinstance(x, fnp.ndarray | np.ndarray | np.generic):
        raise TypeError(
            f"cannot save {type(x).__name__} at {path_text(where)}: the leaves of the tree must be arrays, "
            "random keys, numbers or strings. Take it out, or make an array of it."
        )
    value = np.asarray(x)
    if value.dtype.kind in "OSUMm" or (value.dtype.kind == "V" and not value.dtype.isbuiltin == 2):
        raise TypeError(f"cannot save an array of {value.dtype} at {path_text(where)}.")
    if not storable(value.dtype):
        about["dtype"], about["shape"] = value.dtype.name, list(value.shape)
        value = np.ascontiguousarray(value).reshape(-1)
        wide = value.dtype == np.complex128
        value = value.view(np.float64 if wide else np.uint8)
    return value, about


def load(path: str | os.PathLike[str], like: Any = None) -> Any:
    """Read what `save` has written, or any other safetensors file.

    Args:
      path: the file.
      like: a tree of the same structure as the saved one. It is needed for nodes other than dicts, lists, tuples,
        named tuples (of modules that are imported) and None; and it makes sure of the shapes and dtypes: its
        leaves may be arrays, or ShapeDtypeStructs.
    Returns:
      The tree. NumPy arrays come back as arrays, unless they are so in `like`. A file of another program gives a
      dict of its arrays by name.
    Raises:
      CheckpointError: a file that is cut short, damaged or of another kind; a tree that does not fit `like`.
      OSError: from the file system.

    Nothing in a file is executed.

    >>> import tempfile, os
    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import io
    >>> path = os.path.join(tempfile.mkdtemp(), "run.safetensors")
    >>> io.save(path, (jnp.ones(2), [None, 1.5]))
    >>> io.load(path)
    (Array([1., 1.], dtype=float64), [None, 1.5])
    """
    arrays, metadata = read_file(path)
    try:
        if _STRUCTURE not in metadata:
            plain = {name: fnp.asarray(x) for name, x in arrays.items()}
            return plain if like is None else _fitted(list(plain.items()), like, ordered=False)
        structure = json.loads(metadata[_STRUCTURE])
        found = [(name, _restored(about, arrays)) for name, about in spec_leaves(structure)]
        if like is not None:
            return _fitted(found, like, ordered=True)
        return build(structure, iter([value for _, value in found]))
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from None
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise CheckpointError(f"{path} is damaged: its structure does not fit its data.") from error


def _restored(about: Any, arrays: dict[str, Raw]) -> Any:
    """The leaf that `describe` has written about."""
    match about:
        case {"python": bool() | int() | str() as number}:
            return number
        case {"float": [str(real), _]}:
            return float.fromhex(real)
        case {"complex": [str(real), str(imag)]}:
            return complex(float.fromhex(real), float.fromhex(imag))
        case {"array": str(name)}:
            x = arrays[name]
        case _:
            raise CheckpointError(f"unknown leaf {str(about)[:60]}")
    if "dtype" in about:
        x = x.reshape(-1).view(fnp.dtype(about["dtype"])).reshape(about["shape"])
    value = fnp.asarray(x)
    if "key" in about:
        return random.wrap_key_data(value, impl=about["key"])
    return astype(value, value.dtype, True) if about.get("weak") else value


def _fitted(found: list[tuple[str, Any]], like: Any, ordered: bool) -> Any:
    """The leaves in a tree of the structure of `like`."""
    wanted, treedef = tree_flatten_with_path(like)
    names = [name_of(where) for where, _ in wanted]
    present = [name for name, _ in found]
    if names != present if ordered else set(names) != set(present):
        missing = [n for n in names if n not in set(present)]
        surplus = [n for n in present if n not in set(names)]
        raise CheckpointError(
            "the file does not fit `like`: "
            + (f"it lacks {', '.join(missing[:5])}; " if missing else "")
            + (f"it has {', '.join(surplus[:5])} too; " if surplus else "")
            + f"it has {len(present)} leaves, `like` {len(names)}."
        )
    values = [v for _, v in found] if ordered else [dict(found)[n] for n in names]
    out = [
        _checked(value, leaf, where) for value, (where, leaf) in zip(values, wanted, strict=True)
    ]
    return tree_unflatten(treedef, out)


def _checked(value: Any, leaf: Any, where: Any) -> Any:
    """The value, of the shape and dtype of the leaf of `like`."""
    if not (hasattr(leaf, "shape") and hasattr(leaf, "dtype")):
        return value
    shape, dtype = tuple(leaf.shape), leaf.dtype
    if fnp.shape(value) != shape or getattr(value, "dtype", None) != dtype:
        have = f"{getattr(value, 'dtype', type(value).__name__)}{list(fnp.shape(value))}"
        raise CheckpointError(
            f"at {path_text(where)} the file has {have}, `like` {dtype}{list(shape)}."
        )
    return np.array(value) if isinstance(leaf, np.ndarray) else value
