"""The safetensors format: named arrays in one file, which reads without running code.

Eight bytes with the length of a header, the header in JSON (for each name the dtype, the shape and where its bytes
begin and end, and a table of strings `__metadata__`), then the bytes. See
https://huggingface.co/docs/safetensors.
"""

from __future__ import annotations

import json
import math
import os
import secrets
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from funcgrad.numpy import dtype as dtype_of

__all__ = ["CheckpointError", "Raw", "read_file", "write_file"]

Raw = np.ndarray[Any, Any]

_CODES = {
    "bool": "BOOL",
    "uint8": "U8",
    "int8": "I8",
    "uint16": "U16",
    "int16": "I16",
    "uint32": "U32",
    "int32": "I32",
    "uint64": "U64",
    "int64": "I64",
    "float16": "F16",
    "bfloat16": "BF16",
    "float32": "F32",
    "float64": "F64",
    "float8_e4m3fn": "F8_E4M3",
    "float8_e5m2": "F8_E5M2",
    "complex64": "C64",
}
_NAMES = {code: name for name, code in _CODES.items()}
_MAX_HEADER = 100_000_000
_CHECKSUM = "funcgrad.crc32"


class CheckpointError(ValueError):
    """A file that is not a checkpoint, is cut short or damaged, or does not fit what is asked of it.

    >>> import tempfile, pathlib
    >>> from funcgrad import io
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "a.safetensors"
    >>> _ = path.write_bytes(b"nothing of the kind")
    >>> io.load(path)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    funcgrad.io.safetensors.CheckpointError: ...a.safetensors is not a safetensors file: ...

    Give the path of a file that `save` has written, or any other safetensors file.
    """


def storable(dtype: np.dtype[Any]) -> bool:
    """Whether the format has a code for the dtype."""
    return dtype.name in _CODES


def write_file(
    path: str | os.PathLike[str], arrays: Mapping[str, Raw], metadata: Mapping[str, str]
) -> None:
    """Write the arrays so that at any time the file is the old one or the whole new one."""
    header: dict[str, Any] = {}
    parts: list[memoryview] = []
    end = checksum = 0
    for name, x in arrays.items():
        # Little-endian bytes in C order, whatever the array and the machine have.
        flat = np.ascontiguousarray(x).reshape(-1).view(np.uint8 if x.itemsize == 1 else x.dtype)
        flat = flat.astype(flat.dtype.newbyteorder("<"), copy=False).view(np.uint8)
        begin, end = end, end + flat.nbytes
        header[name] = {
            "dtype": _CODES[x.dtype.name],
            "shape": list(x.shape),
            "data_offsets": [begin, end],
        }
        parts.append(flat.data)
        checksum = zlib.crc32(flat.data, checksum)
    header["__metadata__"] = {**metadata, _CHECKSUM: f"{checksum:08x}"}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    _write_atomically(Path(path), [struct.pack("<Q", len(text)), text, *parts])


def _write_atomically(path: Path, parts: list[Any]) -> None:
    """To a file beside it, on the disk for certain, then renamed."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(
        beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666
    )
    try:
        with os.fdopen(descriptor, "wb") as file:
            for part in parts:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    if hasattr(os, "O_DIRECTORY"):
        # The new name itself is on the disk only when its folder is.
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def read_file(path: str | os.PathLike[str]) -> tuple[dict[str, Raw], dict[str, str]]:
    """The arrays and the metadata; CheckpointError unless everything fits together."""
    content = Path(path).read_bytes()
    if len(content) < 8:
        raise CheckpointError(f"{path} is not a safetensors file: it has {len(content)} bytes.")
    (length,) = struct.unpack("<Q", content[:8])
    if length > _MAX_HEADER:
        raise CheckpointError(
            f"{path} is not a safetensors file: it does not begin with the length of a header."
        )
    if 8 + length > len(content):
        raise CheckpointError(
            f"{path} is cut short: its header has {length} bytes, the file {len(content)}."
        )
    try:
        header = json.loads(content[8 : 8 + length].decode(), object_pairs_hook=_without_repetition)
        metadata = header.pop("__metadata__", {})
        entries = [_entry(name, info) for name, info in header.items()]
        if not all(isinstance(x, str) for pair in metadata.items() for x in pair):
            raise ValueError("metadata that are not strings")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CheckpointError(f"{path} is not a safetensors file: {error}") from error
    data = memoryview(content)[8 + length :]
    _check_layout(path, entries, len(data))
    checksum = metadata.get(_CHECKSUM)
    if checksum is not None and checksum != f"{zlib.crc32(data):08x}":
        raise CheckpointError(f"{path} is damaged: its checksum is not that of its data.")
    arrays = {
        name: _array(data[begin:end], dtype, shape) for name, dtype, shape, begin, end in entries
    }
    return arrays, metadata


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) < len(pairs):
        raise ValueError("a name comes twice in its header")
    return out


Entry = tuple[str, np.dtype[Any], tuple[int, ...], int, int]


def _entry(name: str, info: Any) -> Entry:
    code, shape, (begin, end) = info["dtype"], info["shape"], info["data_offsets"]
    for n in (*shape, begin, end):
        if type(n) is not int or n < 0:
            raise ValueError(f"{name!r} has the size or offset {n!r}")
    if code not in _NAMES:
        raise ValueError(f"{name!r} has the unknown dtype {code!r}")
    dtype = np.dtype(dtype_of(_NAMES[code]))
    if end - begin != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"{name!r} has {end - begin} bytes for {code}{shape}")
    return name, dtype, tuple(shape), begin, end


def _check_layout(path: Any, entries: list[Entry], size: int) -> None:
    """The arrays fill the data without gaps and overlaps."""
    position = 0
    for name, _, _, begin, end in sorted(entries, key=lambda e: (e[3], e[4])):
        if begin != position:
            raise CheckpointError(f"{path} is damaged: {name!r} begins at {begin}, not {position}.")
        position = end
    if position > size:
        raise CheckpointError(f"{path} is cut short: {size} of {position} bytes of data are there.")
    if position < size:
        raise CheckpointError(f"{path} is damaged: {size - position} bytes belong to no array.")


def _array(data: memoryview, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Raw:
    stored = np.frombuffer(data, dtype.newbyteorder("<"))
    return stored.astype(dtype, copy=False).reshape(shape)
