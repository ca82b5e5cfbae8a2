"""Checkpoints: what goes in comes out, files of other programs, and files that are not whole."""

from __future__ import annotations

import json
import os
import struct
from collections import OrderedDict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad import io, random
from funcgrad.tree_util import tree_leaves, tree_structure


class State(NamedTuple):
    count: Any
    moments: Any


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.safetensors"


def same(a: Any, b: Any) -> None:
    assert tree_structure(a) == tree_structure(b)
    for x, y in zip(tree_leaves(a), tree_leaves(b), strict=True):
        assert type(x) is type(y)
        if isinstance(x, fg.Array):
            assert (x.shape, x.dtype, x.weak_type) == (y.shape, y.dtype, y.weak_type)
            x, y = (random.key_data(z) if "key" in str(z.dtype) else z for z in (x, y))
            np.testing.assert_array_equal(np.asarray(x), np.asarray(y))
        else:
            assert x == y or x != x


DTYPES = """bool int8 uint8 int16 uint16 int32 uint32 int64 uint64 float16 float32 float64 complex64
complex128""".split()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (3,), (2, 0), (2, 3)])
def test_arrays_come_back(path: Path, dtype: str, shape: tuple[int, ...]) -> None:
    x = jnp.asarray(np.random.default_rng(0).integers(0, 2, shape).astype(dtype))
    io.save(path, {"x": x})
    same(io.load(path), {"x": x})


@pytest.mark.parametrize("dtype", ["bfloat16", "float8_e4m3fn", "float8_e4m3b11fnuz"])
def test_narrow_floats(path: Path, dtype: str) -> None:
    pytest.importorskip("ml_dtypes")
    x = jnp.arange(6, dtype="float32").astype(dtype).reshape(2, 3)
    io.save(path, x)
    same(io.load(path), x)


def test_trees_come_back(path: Path) -> None:
    tree = {
        "params": [(jnp.ones((2, 3)), jnp.zeros(3)), (), None],
        "state": State(jnp.array(3), {"m": jnp.ones(2), "name": "seven"}),
        "key": random.key(0),
        "keys": random.split(random.key(1, impl="rbg"), 3),
        "weak": jnp.asarray(1.5),
        "numbers": (True, 3, -2.5, float("inf"), 1 - 2j, 2**80),
    }
    io.save(path, tree)
    same(io.load(path), tree)
    same(io.load(path, like=tree), tree)


def test_a_single_array(path: Path) -> None:
    io.save(path, np.arange(3))
    same(io.load(path), jnp.arange(3))


def test_numpy_arrays_and_their_order(path: Path) -> None:
    x = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    io.save(path, {"big": np.arange(3, dtype=">i4"), "f": x, "view": x[:, ::2]})
    back = io.load(path)
    np.testing.assert_array_equal(np.asarray(back["f"]), x)
    np.testing.assert_array_equal(np.asarray(back["view"]), x[:, ::2])
    np.testing.assert_array_equal(np.asarray(back["big"]), [0, 1, 2])
    assert (
        type(io.load(path, like={"big": np.zeros(3, "int32"), "f": x, "view": x[:, :2]})["f"])
        is np.ndarray
    )


def test_names_that_coincide(path: Path) -> None:
    tree = {"a": {"b": jnp.ones(1)}, "a.b": jnp.zeros(2), "__metadata__": jnp.ones(3)}
    io.save(path, tree)
    same(io.load(path), tree)


def header_of(path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    assert length % 8 == 0
    header: dict[str, Any] = json.loads(content[8 : 8 + length])
    return header


def test_the_file_is_safetensors(path: Path) -> None:
    io.save(path, {"layer": {"w": jnp.arange(3, dtype="float32"), "b": jnp.ones((1, 2), "int64")}})
    header = header_of(path)
    assert header["layer.w"]["dtype"] == "F32"
    assert header["layer.b"]["shape"] == [1, 2]
    begin, end = header["layer.w"]["data_offsets"]
    data = path.read_bytes()[-(3 * 4 + 2 * 8) :]
    np.testing.assert_array_equal(np.frombuffer(data[begin:end], "<f4"), [0, 1, 2])
    assert all(isinstance(v, str) for v in header["__metadata__"].values())


def written(path: Path, header: Any, data: bytes) -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


PLAIN = {
    "a.w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
    "a.b": {"dtype": "I8", "shape": [], "data_offsets": [8, 9]},
}


def test_files_of_other_programs(path: Path) -> None:
    written(path, PLAIN, np.ones(2, "<f4").tobytes() + b"\x05")
    same(io.load(path), {"a.w": jnp.ones(2, "float32"), "a.b": jnp.asarray(np.int8(5))})
    like = {"a": {"w": jnp.zeros(2, "float32"), "b": fg.ShapeDtypeStruct((), jnp.int8)}}
    same(io.load(path, like), {"a": {"w": jnp.ones(2, "float32"), "b": jnp.asarray(np.int8(5))}})


NINE = bytes(9)


@pytest.mark.parametrize(
    ("header", "data"),
    [
        (b"\x80\x81", b""),
        (b"[1, 2]", b""),
        (b"{", b""),
        (b'{"a": 1, "a": 2}', b""),
        ({**PLAIN, "__metadata__": {"x": 1}}, NINE),
        ({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 9]}}, NINE),
        ({"a": {"dtype": "F32", "shape": [-2], "data_offsets": [0, 8]}}, NINE),
        ({"a": {"dtype": "X9", "shape": [9], "data_offsets": [0, 9]}}, NINE),
        ({"a": {"dtype": "U8", "shape": [True], "data_offsets": [0, 1]}}, b"1"),
        ({"a": {"dtype": "U8", "shape": [1], "data_offsets": [1, 2]}}, b"12"),
        ({"a": {"dtype": "U8", "shape": [2**62, 4], "data_offsets": [0, 0]}}, b""),
        (PLAIN, bytes(8)),
        (PLAIN, bytes(10)),
    ],
)
def test_damaged_headers(path: Path, header: Any, data: bytes) -> None:
    with pytest.raises(io.CheckpointError, match=path.name):
        io.load(written(path, header, data))


def test_every_shorter_file_is_refused(path: Path) -> None:
    io.save(path, {"x": jnp.arange(4.0), "n": 3})
    content = path.read_bytes()
    for n in range(len(content)):
        path.write_bytes(content[:n])
        with pytest.raises(io.CheckpointError):
            io.load(path)


def test_every_changed_byte_of_data_is_found(path: Path) -> None:
    io.save(path, {"x": jnp.arange(4.0)})
    content = path.read_bytes()
    for i in range(len(content) - 32, len(content)):
        path.write_bytes(content[:i] + bytes([content[i] ^ 1]) + content[i + 1 :])
        with pytest.raises(io.CheckpointError, match="damaged"):
            io.load(path)


def test_other_files(path: Path) -> None:
    for content in (b"", b"\x80\x04K\x01.", b"PK\x03\x04" + bytes(100), b"\x93NUMPY" + bytes(200)):
        path.write_bytes(content)
        with pytest.raises(io.CheckpointError, match=r"not a safetensors file|cut short"):
            io.load(path)
    with pytest.raises(FileNotFoundError):
        io.load(path.with_name("none"))


def test_an_interrupted_save_leaves_the_old_file(path: Path, monkeypatch: Any) -> None:
    io.save(path, {"x": jnp.ones(2)})

    def fail(descriptor: int) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="full"):
            io.save(path, {"x": jnp.zeros(2)})
    same(io.load(path), {"x": jnp.ones(2)})
    assert os.listdir(path.parent) == [path.name]


def test_leaves_that_cannot_be_saved(path: Path) -> None:
    for leaf in (object(), print, np.array(["text"]), np.array([object()])):
        with pytest.raises(TypeError, match=r"\['a'\]\[1\]"):
            io.save(path, {"a": [1, leaf]})
    assert not path.exists()


def test_other_nodes_need_a_template(path: Path) -> None:
    tree = {"o": OrderedDict(b=jnp.ones(1), a=jnp.zeros(2))}
    io.save(path, tree)
    with pytest.raises(io.CheckpointError, match=r"OrderedDict.*like"):
        io.load(path)
    same(io.load(path, like=tree), tree)


def structure(path: Path, spec: Any) -> Path:
    return written(path, {"__metadata__": {"funcgrad.tree": json.dumps(spec)}}, b"")


def test_named_tuples_are_those_of_the_program(path: Path) -> None:
    for module, name, fields in (
        ("no.such.module", "State", ["count"]),
        (__name__, "State", ["count", "other"]),
        (__name__, "same", []),
        ("os", "system", []),
        ("builtins", "tuple", []),
    ):
        with pytest.raises(io.CheckpointError, match=r"named tuple|unknown structure"):
            io.load(structure(path, ["namedtuple", module, name, fields, []]))


@pytest.mark.parametrize(
    "spec",
    [
        None,
        ["leaf"],
        ["leaf", "x", {"array": "x"}],
        ["leaf", "x", {"python": [1]}],
        ["leaf", "x", {"float": ["zero", ""]}],
        ["list", 3],
        ["dict", [["a"]]],
        ["dict", [[["a"], ["none"]]]],
        ["call", "os.system"],
    ],
)
def test_damaged_structures(path: Path, spec: Any) -> None:
    with pytest.raises(io.CheckpointError, match=path.name):
        io.load(structure(path, spec))


def test_a_template_is_compared(path: Path) -> None:
    io.save(path, {"w": jnp.ones((2, 3)), "b": jnp.ones(3)})
    with pytest.raises(io.CheckpointError, match=r"\['w'\].*float64\[2, 3\].*float32\[2, 3\]"):
        io.load(path, like={"w": jnp.ones((2, 3), "float32"), "b": jnp.ones(3)})
    with pytest.raises(io.CheckpointError, match=r"\['b'\]"):
        io.load(path, like={"w": jnp.ones((2, 3)), "b": jnp.ones(2)})
    with pytest.raises(io.CheckpointError, match=r"lacks c.*has b too"):
        io.load(path, like={"w": jnp.ones((2, 3)), "c": jnp.ones(3)})


def test_a_run_goes_on_as_if_it_had_not_stopped(path: Path) -> None:
    @fg.jit
    def step(run: Any) -> Any:
        key, noise = random.split(run["key"])
        gradient = fg.grad(lambda w: ((w - 1) ** 2).sum())(run["w"])
        state = State(run["state"].count + 1, 0.9 * run["state"].moments + gradient)
        w = run["w"] - 0.1 * state.moments + 0.01 * random.normal(noise, run["w"].shape)
        return {"key": key, "w": w, "state": state}

    run = {"key": random.key(0), "w": jnp.zeros(3), "state": State(jnp.array(0), jnp.zeros(3))}
    run = step(run)
    io.save(path, run)
    same(step(io.load(path)), step(run))
