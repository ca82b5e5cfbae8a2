"""The Python array API standard: signatures, elementwise functions, operators, special cases.

`golden/array_api_signatures.txt` has the standard's signatures, `golden/array_api_special_cases.txt`
its special cases; values and dtypes are compared with NumPy, which conforms too.
"""

from __future__ import annotations

import inspect
import math
import operator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .array_api import (
    ALL,
    COMPLEX,
    FLOATS,
    INTEGERS,
    NUMERIC,
    REAL,
    SIGNED,
    function,
    same,
    sample,
    xp,
)

GOLDEN = Path(__file__).parent / "golden"


def lines(name: str) -> list[str]:
    text = (GOLDEN / f"array_api_{name}.txt").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if not line.startswith("#")]


# Signatures


# JAX's `astype` copies only on demand: arrays are immutable, nobody can tell.
DEFAULTS = {("astype", "copy")}


@pytest.mark.parametrize("line", lines("signatures"), ids=lambda line: line.partition("(")[0])
def test_signature(line: str) -> None:
    name, _, parameters = line.partition("(")
    theirs = inspect.signature(eval(f"lambda {parameters[:-1]}: None"))
    ours = inspect.signature(function(name)).parameters
    takes_any = any(p.kind is p.VAR_POSITIONAL for p in ours.values())
    for place, (label, p) in enumerate(theirs.parameters.items()):
        if p.kind is p.POSITIONAL_ONLY:
            assert takes_any or list(ours.values())[place].kind is not p.KEYWORD_ONLY
            continue
        if p.kind is p.VAR_POSITIONAL:
            assert takes_any
            continue
        assert label in ours and ours[label].kind is not p.POSITIONAL_ONLY, label
        if p.kind is p.POSITIONAL_OR_KEYWORD:
            assert list(ours).index(label) == place
        default = ours[label].default
        if (name, label) not in DEFAULTS and p.default is not p.empty:
            # None stands for the default that the standard names.
            assert default == p.default or default is None, label


# Elementwise functions: dtypes and values


SAME = "same"
UNARY = {
    **dict.fromkeys("abs ceil floor round sign square trunc negative positive".split(), REAL),
    **dict.fromkeys(
        "acos acosh asin asinh atan atanh cos cosh exp expm1 log log10 log1p log2 reciprocal sin "
        "sinh sqrt tan tanh".split(),
        FLOATS + COMPLEX,
    ),
    **dict.fromkeys("isfinite isinf isnan".split(), NUMERIC),
    "bitwise_invert": ["bool", *INTEGERS],
    "conj": NUMERIC,
    "imag": COMPLEX,
    "real": NUMERIC,
    "logical_not": ["bool"],
    "signbit": FLOATS,
}
BOUND = {"acosh": 1}


@pytest.mark.parametrize(("name", "kinds"), UNARY.items())
def test_unary(name: str, kinds: list[str]) -> None:
    for dtype in kinds:
        for shape in ((), (2, 3), (0, 2)):
            x = sample(dtype, shape) + np.asarray(BOUND.get(name, 0)).astype(dtype)
            x = x if np.dtype(dtype).kind == "b" else np.asarray(x, dtype)
            expected = getattr(np, name)(x)
            same(function(name)(xp.asarray(x)), expected, exact=kinds in (REAL, INTEGERS))


PROMOTED = {
    **dict.fromkeys("add multiply subtract".split(), NUMERIC),
    **dict.fromkeys("floor_divide remainder maximum minimum".split(), REAL),
    **dict.fromkeys("divide pow".split(), FLOATS + COMPLEX),
    **dict.fromkeys("atan2 copysign hypot logaddexp nextafter".split(), FLOATS),
    **{key: ["bool", *INTEGERS] for key in "bitwise_and bitwise_or bitwise_xor".split()},
    **dict.fromkeys("bitwise_left_shift bitwise_right_shift".split(), INTEGERS),
    **dict.fromkeys("equal not_equal".split(), ALL),
    **dict.fromkeys("greater greater_equal less less_equal".split(), REAL),
    **{key: ["bool"] for key in "logical_and logical_or logical_xor".split()},
}


def promotable(kinds: list[str]) -> list[tuple[str, str]]:
    """The pairs of dtypes for which the standard defines a promotion: of one kind, mostly."""

    def group(dtype: str) -> str:
        return {"i": "integer", "u": "integer", "f": "float", "c": "float"}.get(
            np.dtype(dtype).kind, "bool"
        )

    pairs = [(a, b) for a in kinds for b in kinds if group(a) == group(b)]
    return [p for p in pairs if not ("uint64" in p and any(d in SIGNED for d in p))]


@pytest.mark.parametrize(("name", "kinds"), PROMOTED.items())
def test_binary(name: str, kinds: list[str]) -> None:
    for a, b in promotable(kinds):
        x, y = sample(a, (2, 1)), sample(b, (3,), seed=1)
        if "shift" in name:
            y = np.abs(y)
        with np.errstate(all="ignore"):
            expected = getattr(np, name)(x, y)
        same(function(name)(xp.asarray(x), xp.asarray(y)), expected, exact="f" not in a + b)


def test_result_type_and_can_cast() -> None:
    for a, b in promotable(ALL):
        expected = np.result_type(a, b)
        assert xp.result_type(getattr(xp, a), xp.zeros(2, b)) == expected
        assert xp.result_type(xp.zeros((), b), xp.zeros((3, 1), a)) == expected
        assert xp.can_cast(xp.zeros(2, a), expected)
    assert not xp.can_cast(xp.float64, xp.float32)
    assert xp.result_type(xp.ones(1, "int8"), 2) == xp.int8
    assert xp.result_type(xp.ones(1, "float32"), 2.0, True) == xp.float32


OPERATORS = {
    "__add__": "add", "__sub__": "subtract", "__mul__": "multiply", "__truediv__": "divide",
    "__floordiv__": "floor_divide", "__mod__": "remainder", "__pow__": "pow", "__eq__": "equal",
    "__ne__": "not_equal", "__lt__": "less", "__le__": "less_equal", "__gt__": "greater",
    "__ge__": "greater_equal", "__and__": "bitwise_and", "__or__": "bitwise_or",
    "__xor__": "bitwise_xor", "__lshift__": "bitwise_left_shift",
    "__rshift__": "bitwise_right_shift",
}  # fmt: skip


@pytest.mark.parametrize(("method", "name"), OPERATORS.items())
def test_operators_with_python_scalars(method: str, name: str) -> None:
    symbol = getattr(operator, method)
    scalars: dict[str, Any] = {"b": True, "i": 2, "u": 2, "f": 0.5, "c": 0.5 + 1j}
    for dtype in PROMOTED[name]:
        x = xp.asarray(sample(dtype))
        kinds = {"f": "if", "c": "ifc"}.get(x.dtype.kind, x.dtype.kind)
        for scalar in [scalars[k] for k in kinds]:
            left, right = symbol(x, scalar), symbol(scalar, x)
            typed = xp.asarray(scalar, dtype=dtype)
            for value, expected in ((left, (x, typed)), (right, (typed, x))):
                wanted = function(name)(*expected)
                assert value.dtype == wanted.dtype and value.shape == x.shape
                np.testing.assert_allclose(np.asarray(value), np.asarray(wanted), rtol=1e-6)


def test_unary_operators_and_in_place_ones() -> None:
    x = xp.asarray([1, -2])
    for symbol, name in (("neg", "negative"), ("pos", "positive"), ("abs", "abs")):
        same(getattr(operator, symbol)(x), getattr(np, name)(np.asarray(x)))
    same(~x, [-2, 1])
    y = x
    y += 3
    y *= x
    y //= 2
    y -= 1
    y **= 2
    y %= 7
    y <<= 1
    y |= 1
    y &= 7
    y ^= 2
    same(y, ((((np.asarray(x) + 3) * np.asarray(x) // 2 - 1) ** 2 % 7 << 1 | 1) & 7) ^ 2)
    z = xp.ones((2, 2))
    z @= z
    z /= 4
    same(z, np.full((2, 2), 0.5))
    same(x, [1, -2])


# Special cases


def special_cases() -> list[tuple[str, list[complex], Any, bool]]:
    names = {"nan": math.nan, "inf": math.inf, "pi": math.pi}
    found = []
    for line in lines("special_cases"):
        name, _, cases = line.partition(" ")
        for text in cases.split("; "):
            arguments, _, result = text.partition(" -> ")
            close = result.startswith("~")
            for z in (0.5, 2.0) if "z" in text.split() else (0.5,):
                values = [eval(a, names | {"z": z}) for a in arguments.split()]
                found.append((name, values, eval(result.lstrip("~"), names | {"z": z}), close))
    return found


def parts(x: Any) -> list[float]:
    return [float(np.real(x)), float(np.imag(x))] if np.iscomplexobj(x) else [float(x)]


# JAX gives these zeros another sign than the standard wants, and so does funcgrad.
UNSIGNED_ZEROS = {"floor_divide", "remainder", "sign"}


@pytest.mark.parametrize("name", sorted({case[0] for case in special_cases()}))
def test_special_cases(name: str) -> None:
    for _, arguments, expected, close in [c for c in special_cases() if c[0] == name]:
        for wide in (True, False):
            is_complex = any(isinstance(a, complex) for a in arguments)
            dtype = ("complex128" if wide else "complex64") if is_complex else None
            dtype = dtype or ("float64" if wide else "float32")
            values = [xp.asarray([a, a], dtype=dtype) for a in arguments]
            actual = function(name)(*values)[0]
            told = f"{name}({arguments}) is {actual}, not {expected}"
            assert (actual.dtype == bool) is isinstance(expected, bool), told
            wanted = complex(expected) if actual.dtype.kind == "c" else expected
            for a, e in zip(parts(np.asarray(actual)), parts(wanted)):
                if close and np.isfinite(e):
                    assert math.isclose(a, e, rel_tol=1e-6, abs_tol=1e-6), told
                elif math.isnan(e):
                    assert math.isnan(a), told
                else:
                    assert a == e, told
                    if not is_complex and not close and name not in UNSIGNED_ZEROS:
                        assert math.copysign(1, a) == math.copysign(1, e), told
