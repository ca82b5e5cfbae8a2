"""The numbers of threefry2x32, against recorded ones, and the eager ways against the traced ones."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad import random

GOLDEN = Path(__file__).parent / "golden" / "random_threefry.tsv"
RECORDS = [
    tuple(line.split("\t"))
    for line in GOLDEN.read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]

# Logarithms, sines and matrix factorisations of other libraries round differently; all else agrees
# to the last bit.
TOLERANCE = {"float16": 2e-3, "float32": 2e-6, "float64": 1e-13}
EXACT = ("bits(", "key_data(", "PRNGKey(", "fold_in(", "uniform(")


def parse(dtype: str, shape: str, text: str) -> Any:
    if dtype.startswith("complex"):
        pairs = (word.split(",") for word in text.split())
        numbers: list[Any] = [complex(float.fromhex(a), float.fromhex(b)) for a, b in pairs]
    elif dtype.startswith("float"):
        numbers = [float.fromhex(word) for word in text.split()]
    else:
        numbers = [int(word) for word in text.split()]
    sizes = tuple(int(n) for n in shape.split(",") if n)
    return np.array(numbers, np.dtype(dtype)).reshape(sizes)


def call(text: str, key: Any) -> Any:
    names = {name: getattr(random, name) for name in random.__all__}
    return eval(text, {**names, "key": key, "jnp": jnp})


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record[0])
def test_recorded_numbers(record: Any) -> None:
    text, dtype, shape, numbers = record
    expected = parse(dtype, shape, numbers)
    result = call(text, random.key(2024))
    assert result.dtype == dtype
    assert result.shape == expected.shape
    real = expected.real.dtype.name
    if text.startswith(EXACT) or real not in TOLERANCE:
        np.testing.assert_array_equal(result, expected)
    else:
        np.testing.assert_allclose(result, expected, TOLERANCE[real], 0.1 * TOLERANCE[real])


@pytest.mark.parametrize("impl", ["threefry2x32", "philox"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(), (7,), (33, 1000)])
def test_known_and_traced_keys_give_the_same_bits(impl: str, dtype: str, shape: Any) -> None:
    key = random.key(3, impl=impl)
    for draw in (
        lambda key: random.normal(key, shape, dtype),
        lambda key: random.uniform(key, shape, dtype),
        lambda key: random.uniform(key, shape, dtype, -2.5, 0.1),
    ):
        np.testing.assert_array_equal(draw(key), fg.jit(draw)(key))


@pytest.mark.parametrize("impl", ["threefry2x32", "philox"])
@pytest.mark.parametrize(
    "draw",
    [
        lambda key: random.bits(key, (3,)),
        lambda key: random.uniform(key, (3,)),
        lambda key: random.normal(key, (3,), "float32"),
        lambda key: random.randint(key, (3,), 0, 100),
        lambda key: random.permutation(key, 7),
        lambda key: random.gamma(key, 0.7, (3,)),
        lambda key: random.gamma(key, jnp.arange(1.0, 7.0).reshape(3, 2)),
        lambda key: random.categorical(key, jnp.zeros(5), shape=(4,)),
    ],
)
def test_vmap_over_keys_is_a_loop(impl: str, draw: Any) -> None:
    keys = random.split(random.key(8, impl=impl), 4)
    loop = jnp.stack([draw(key) for key in keys])
    np.testing.assert_array_equal(fg.vmap(draw)(keys), loop)
    np.testing.assert_array_equal(fg.jit(fg.vmap(draw))(keys), loop)


def test_vmap_over_parameters_shares_the_key() -> None:
    a = jnp.array([0.5, 2.0, 3.5])
    key = random.key(0)
    rows = fg.vmap(lambda a: random.gamma(key, a, (4,)))(a)
    np.testing.assert_array_equal(rows, jnp.stack([random.gamma(key, x, (4,)) for x in a]))
    high = fg.vmap(lambda m: random.uniform(key, (2,), maxval=m))(a)
    np.testing.assert_array_equal(high, jnp.stack([random.uniform(key, (2,), maxval=m) for m in a]))
