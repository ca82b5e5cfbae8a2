"""Dtypes: promotion against a recorded table, canonical forms, names, limits, extended dtypes."""

import copy
import itertools
import pickle
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import funcgrad.dtypes
from funcgrad.config import enable_x64, numpy_dtype_promotion
from funcgrad.core import dtypes
from funcgrad.errors import MissingExtraError, TypePromotionError

ml_dtypes = pytest.importorskip("ml_dtypes")

TABLE = Path(__file__).parent / "golden" / "promotion.tsv"
PYTHON_SCALARS: dict[str, Any] = {"int*": 1, "float*": 1.0, "complex*": 1j}
NUMBERS = [np.dtype(code) for code in "?bhilBHILefdFD"]


def table_rows() -> list[list[str]]:
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    assert rows[0] == ["a", "b", "64-bit", "32-bit", "strict"]
    return rows[1:]


def argument(name: str) -> Any:
    return PYTHON_SCALARS[name] if name in PYTHON_SCALARS else dtypes.as_dtype(name)


def promoted(a: str, b: str) -> str:
    """The entry of the table for this pair: see its first lines."""
    x, y = argument(a), argument(b)
    try:
        dtype, weak = dtypes.lattice_result_type(x, y)
    except TypePromotionError:
        return "-"
    text = dtype.name + "*" * weak
    if a in PYTHON_SCALARS or b in PYTHON_SCALARS:
        return text
    other = dtypes.promote_types(x, y)
    return text if other == dtype else f"{text}|{other.name}"


@pytest.mark.parametrize("column", ["64-bit", "32-bit", "strict"])
def test_promotion_of_all_pairs(column: str) -> None:
    index = {"64-bit": 2, "32-bit": 3, "strict": 4}[column]
    with (
        enable_x64(column != "32-bit"),
        numpy_dtype_promotion("strict" if index == 4 else "standard"),
    ):
        for row in table_rows():
            a, b = row[:2]
            assert (a, b, promoted(a, b)) == (a, b, row[index])
            assert (b, a, promoted(b, a)) == (b, a, row[index])


def test_table_has_all_pairs() -> None:
    names = {row[0] for row in table_rows()}
    assert names >= {d.name for d in NUMBERS} | set(PYTHON_SCALARS)
    assert len(table_rows()) == len(names) * (len(names) + 1) // 2


def test_promotion_is_associative() -> None:
    nodes = [(d, False) for d in NUMBERS] + [(np.dtype(c), True) for c in "ldD"]
    pair = dtypes.promote_pair
    for a, b, c in itertools.product(nodes, repeat=3):
        left, right = pair(*pair(*a, *b), *c), pair(*a, *pair(*b, *c))
        assert left == right, (a, b, c)


def test_promotion_of_values() -> None:
    weak = SimpleNamespace(dtype=np.dtype("float64"), weak_type=True)
    strong = SimpleNamespace(dtype=np.dtype("float16"), weak_type=False)
    result_type = dtypes.result_type
    assert result_type(weak, strong, return_weak_type_flag=True) == (np.float16, False)
    assert result_type(weak, return_weak_type_flag=True) == (np.float64, True)
    assert result_type(np.ones(2, "int8"), weak, 1j) == np.complex128
    assert result_type(True, return_weak_type_flag=True) == (np.bool_, False)
    assert result_type(np.True_, 1, return_weak_type_flag=True) == (np.int64, True)
    assert result_type(int, np.int8) == np.int8
    assert result_type(float, return_weak_type_flag=True) == (np.float64, True)
    assert result_type(np.float64(1), 1.0, return_weak_type_flag=True) == (np.float64, False)
    assert result_type(None) == np.float64
    assert result_type("int16", np.uint8) == np.int16
    assert result_type(np.int64(2**40), np.float16(1)) == np.float16


def test_weak_values_of_the_same_dtype_keep_it() -> None:
    half = np.dtype("float16")
    assert dtypes.promote_pair(half, True, half, True) == (half, True)
    assert dtypes.promote_pair(half, True, half, False) == (half, False)


def test_64_bit_dtypes_are_not_taken_for_python_types() -> None:
    assert dtypes.promote_types(np.dtype("int64"), "int8") == np.int64
    assert dtypes.promote_types(int, "int8") == np.int8


@pytest.mark.parametrize(
    ("args", "error", "message"),
    [
        ((), ValueError, "at least one array or dtype is required"),
        (([1, 2],), TypeError, "Cannot determine dtype of"),
        (("foo", 1), TypeError, "not understood"),
        ((np.array("a"),), TypeError, "only numbers and bool"),
        ((np.ones(2, np.longdouble),), TypeError, "only numbers and bool"),
        ((np.ones(2, ">f4"),), TypeError, "only numbers and bool"),
        ((dtypes.float0, 1.0), ValueError, "not a valid dtype for JAX type promotion"),
        ((dtypes.key_dtype("fry", (2,)), 1), ValueError, "not a valid dtype"),
        (("bfloat16", "float8_e5m2"), TypePromotionError, r"\('bfloat16', 'float8_e5m2'\)"),
        (("int4", "int8"), TypePromotionError, "astype"),
    ],
)
def test_promotion_errors(args: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        dtypes.result_type(*args)


def test_strict_promotion_names_all_arguments() -> None:
    with numpy_dtype_promotion("strict"):
        assert dtypes.result_type(np.float32(1), 1, 2.0) == np.float32
        with pytest.raises(TypePromotionError) as caught:
            dtypes.result_type(np.int8(1), np.float32(1), 2.0)
    assert str(caught.value).startswith(
        "Input dtypes ('int8', 'float32', \"<class 'float'>\") have no available implicit dtype "
        "promotion path when jax_numpy_dtype_promotion=strict."
    )


def test_canonical_dtypes() -> None:
    assert [dtypes.canonicalize_dtype(d) for d in NUMBERS] == NUMBERS
    with enable_x64(False):
        names = [
            dtypes.canonicalize_dtype(d).name for d in "int64 uint64 float64 complex128".split()
        ]
        assert names == ["int32", "uint32", "float32", "complex64"]
        assert dtypes.canonicalize_dtype("int16") == np.int16
        assert dtypes.canonicalize_dtype(None) == np.float32
        assert dtypes.default_int_dtype() == np.int32
        assert dtypes.default_complex_dtype() == np.complex64
        assert dtypes.dtype(np.ones(2)) == np.float32
    assert dtypes.default_uint_dtype() == np.uint64
    assert dtypes.default_float_dtype() == np.float64
    key = dtypes.key_dtype("fry", (2,))
    assert dtypes.canonicalize_dtype(key, allow_extended_dtype=True) is key
    with pytest.raises(ValueError, match="key<fry>"):
        dtypes.canonicalize_dtype(key)


def test_dtype_of_anything() -> None:
    class Flag(int):
        pass

    assert dtypes.dtype(Flag(2)) == np.int64
    assert dtypes.dtype(SimpleNamespace(__jax_array__=lambda: np.int8(1))) == np.int8
    assert dtypes.dtype(np.zeros(2, dtypes.float0)) == dtypes.float0
    key = dtypes.key_dtype("fry", (2,))
    assert dtypes.dtype(np.zeros(2, dtypes.physical(key))) is key
    with pytest.raises(ValueError, match="None"):
        dtypes.dtype(None)


def test_short_names() -> None:
    names = [dtypes.short_name(d) for d in NUMBERS]
    assert " ".join(names) == "bool i8 i16 i32 i64 u8 u16 u32 u64 f16 f32 f64 c64 c128"
    names = "bfloat16 float8_e4m3b11fnuz float4_e2m1fn int4 uint2".split()
    short = [dtypes.short_name(dtypes.ml_dtype(name)) for name in names]
    assert short == ["bf16", "f8_e4m3b11fnuz", "f4_e2m1fn", "i4", "u2"]
    assert dtypes.short_name(dtypes.key_dtype("rbg", (4,))) == "key<rbg>"
    assert dtypes.short_name(dtypes.float0) == "float0"


def test_issubdtype() -> None:
    key, other = dtypes.key_dtype("fry", (2,)), dtypes.key_dtype("rbg", (4,))
    issubdtype = dtypes.issubdtype
    for below, above in [
        (key, dtypes.prng_key),
        (key, dtypes.extended),
        (key, np.generic),
        (key, key),
        (dtypes.prng_key, dtypes.extended),
        (ml_dtypes.bfloat16, np.floating),
        (np.dtype(ml_dtypes.bfloat16), ml_dtypes.bfloat16),
        ("int4", np.signedinteger),
        ("bfloat16", np.number),
        (dtypes.float0, np.generic),
        (dtypes.float0, dtypes.float0),
        (int, np.integer),
        (float, float),
        (None, np.floating),
        (np.integer, np.number),
    ]:
        assert issubdtype(below, above), (below, above)
    for below, above in [
        (key, other),
        (key, np.inexact),
        ("int8", dtypes.extended),
        ("int8", key),
        (dtypes.extended, dtypes.prng_key),
        (np.float32, float),
        ("bfloat16", np.float16),
        ("uint4", np.signedinteger),
        (dtypes.float0, np.inexact),
        (dtypes.physical(key), dtypes.float0),
        (bool, np.number),
    ]:
        assert not issubdtype(below, above), (below, above)
    with pytest.raises(TypeError):
        issubdtype(1, np.integer)


def test_isdtype() -> None:
    assert dtypes.isdtype("int8", "signed integer")
    assert dtypes.isdtype("bfloat16", "real floating")
    assert dtypes.isdtype("int8", (np.float32, "integral"))
    assert dtypes.isdtype(np.ones(1), "real floating")
    assert not dtypes.isdtype("bool", "numeric")
    assert not dtypes.isdtype("int8", ())
    with pytest.raises(ValueError, match="Unrecognized kind='foo'"):
        dtypes.isdtype("int8", "foo")
    for kind in (np.integer, 3, ("integral", ("bool",))):
        with pytest.raises(TypeError, match="Expected kind to be a dtype, string, or tuple"):
            dtypes.isdtype("int8", kind)


def test_casts_and_limits() -> None:
    assert dtypes.can_cast("bfloat16", "float32")
    assert not dtypes.can_cast("float16", "bfloat16")
    with pytest.raises(TypeError, match="can_cast"):
        dtypes.can_cast(1, "int32")
    assert dtypes.finfo("bfloat16").bits == 16
    assert dtypes.finfo("complex64").dtype == np.float32
    assert dtypes.finfo(np.ones(2)).eps == np.finfo(float).eps
    assert dtypes.iinfo("int4").max == 7
    assert dtypes.iinfo(1).bits == 64
    with pytest.raises(ValueError, match="not inexact"):
        dtypes.finfo("int8")
    with pytest.raises(ValueError, match="Invalid integer data type"):
        dtypes.iinfo("float32")
    assert [dtypes.itemsize_bits(d) for d in ("int4", "float8_e5m2", bool)] == [4, 8, 8]
    with pytest.raises(ValueError, match="number of bits"):
        dtypes.itemsize_bits(dtypes.float0)


def test_inexact_and_numeric_counterparts() -> None:
    inexact = [dtypes.short_name(dtypes.to_inexact_dtype(d)) for d in NUMBERS]
    assert " ".join(inexact) == "f32 f32 f32 f32 f64 f32 f32 f32 f64 f16 f32 f64 c64 c128"
    assert dtypes.to_inexact_dtype(dtypes.ml_dtype("bfloat16")).name == "bfloat16"
    assert dtypes.to_numeric_dtype(np.dtype(bool)) == np.int32
    assert dtypes.to_numeric_dtype(np.dtype("int8")) == np.int8


def test_dtypes_that_users_ask_for() -> None:
    check = dtypes.check_user_dtype
    assert check("f4", "zeros") == np.float32
    assert check(None, "zeros") == np.float64
    key = dtypes.key_dtype("fry", (2,))
    assert check(key, "zeros") is key
    for wrong in ("O", "U3", "M8[s]", np.longdouble, [("a", int)], np.floating, 3):
        with pytest.raises(TypeError):
            check(wrong, "zeros")
    with pytest.raises(ValueError, match=r"dtype=array\.dtype"):
        check(np.ones(2), "zeros")
    with enable_x64(False):
        with pytest.warns(UserWarning, match="Explicitly requested dtype int64 requested in zeros"):
            assert check(np.dtype("int64"), "zeros") == np.int32
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert check(float, "zeros") == check("float", "zeros") == np.float32
            assert check(None, "zeros") == np.float32


def test_the_warning_points_at_the_caller() -> None:
    with enable_x64(False), pytest.warns(UserWarning) as caught:
        dtypes.check_user_dtype("float64", "ones")
    assert caught[0].filename == __file__


def test_key_dtypes() -> None:
    fry, rbg = dtypes.key_dtype("fry", (2,)), dtypes.key_dtype("rbg", (4,))
    assert (repr(fry), fry.name, fry.itemsize, rbg.itemsize) == ("key<fry>", "key<fry>", 8, 16)
    assert fry.type is dtypes.prng_key
    assert fry is dtypes.key_dtype("fry", (2,))
    assert fry != rbg
    assert fry != np.dtype("int8")
    assert len({fry, rbg, pickle.loads(pickle.dumps(fry)), copy.deepcopy(fry)}) == 2
    assert dtypes.logical(dtypes.physical(fry)) is fry
    assert dtypes.logical(np.dtype("int8")) == dtypes.physical(np.dtype("int8")) == np.int8
    assert dtypes.promote_pair(fry, False, fry, False) == (fry, False)
    with pytest.raises(TypeError, match="Cannot interpret"):
        dtypes.finfo(fry)


def test_views_of_keys() -> None:
    words = np.arange(12, dtype=np.uint32).reshape(3, 2, 2)
    keys = dtypes.logical_view(words, dtypes.key_dtype("fry", (2,)))
    assert keys.shape == (3, 2)
    assert np.array_equal(dtypes.physical_view(keys.T[1]), words.swapaxes(0, 1)[1])


def test_a_missing_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ml_dtypes", None)
    with pytest.raises(MissingExtraError, match=r'pip install "funcgrad\[ml-dtypes\]"'):
        dtypes.as_dtype("float8_e5m2")


def test_public_names() -> None:
    assert funcgrad.dtypes.bfloat16 is ml_dtypes.bfloat16
    assert dtypes.float8_e5m2 is ml_dtypes.float8_e5m2
    for name in funcgrad.dtypes.__all__:
        assert getattr(funcgrad.dtypes, name) is getattr(dtypes, name)
    with pytest.raises(AttributeError):
        funcgrad.dtypes.no_such_name
