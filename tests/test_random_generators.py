"""The generators: published known answers, counters, blocks, many keys at once."""

from typing import Any

import numpy as np
import pytest

import funcgrad as fg
from funcgrad import random
from funcgrad.random import blocks, fused, philox, threefry
from funcgrad.random.impls import philox_impl, threefry_impl

# Random123 (Salmon et al.), kat_vectors: counter, key, result.
THREEFRY2X32_20 = """
00000000 00000000 00000000 00000000 6b200159 99ba4efe
ffffffff ffffffff ffffffff ffffffff 1cb996fc bb002be7
243f6a88 85a308d3 13198a2e 03707344 c4923a9c 483df7a0
"""
PHILOX4X64_10 = """
0000000000000000 0000000000000000 0000000000000000 0000000000000000
0000000000000000 0000000000000000
16554d9eca36314c db20fe9d672d0fdc d7e772cee186176b 7e68b68aec7ba23b
ffffffffffffffff ffffffffffffffff ffffffffffffffff ffffffffffffffff
ffffffffffffffff ffffffffffffffff
87b092c3013fe90b 438c3c67be8d0224 9cc7d7c69cd777b6 a09caebf594f0ba0
243f6a8885a308d3 13198a2e03707344 a4093822299f31d0 082efa98ec4e6c89
452821e638d01377 be5466cf34e90c6c
a528f45403e61d95 38c72dbd566e9788 a5a1610e72fd18b5 57bd43b5e52b7fe6
"""

IMPLS = [threefry_impl, philox_impl]
WIDTHS = [8, 16, 32, 64]


def rows(text: str, length: int) -> list[list[int]]:
    words = [int(word, 16) for word in text.split()]
    return [words[i : i + length] for i in range(0, len(words), length)]


def some_keys(impl: Any, count: int) -> Any:
    return impl.split(impl.seed(np.array(5)), (count,))


@pytest.mark.parametrize("row", rows(THREEFRY2X32_20, 6))
def test_threefry_known_answers(row: list[int]) -> None:
    x0, x1, k0, k1, *expected = row
    assert [int(x) for x in threefry.threefry2x32((k0, k1), (x0, x1))] == expected
    assert list(threefry._encrypt_ints(k0, k1, x0, x1)) == expected


@pytest.mark.parametrize("row", rows(PHILOX4X64_10, 10))
def test_philox_known_answers(row: list[int]) -> None:
    """By NumPy, which adds one to the counter before each block, and by ourselves."""
    counter, key, expected = row[:4], row[4:6], row[6:]
    number = sum(word << 64 * i for i, word in enumerate(counter))
    before = (number - 1) % (1 << 256)
    generator = np.random.Philox(key=key[0] | key[1] << 64, counter=before)
    assert generator.random_raw(4).tolist() == expected
    ours = philox.philox4x64((key[0], key[1]), (counter[0], counter[1], counter[2], counter[3]))
    assert [int(x[0]) for x in ours] == expected


def test_philox_is_the_stream_of_numpy() -> None:
    key = np.array([3, 1, 4, 1], np.uint32)
    stream = np.random.Philox(key=3 | 1 << 32 | 4 << 64 | 1 << 96).random_raw(1000)
    np.testing.assert_array_equal(philox.bits(key, 64, (1000,)), stream)
    halves = np.stack([stream & np.uint64(0xFFFFFFFF), stream >> np.uint64(32)], axis=1)
    np.testing.assert_array_equal(philox.bits(key, 32, (2000,)), halves.reshape(-1))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("impl", IMPLS, ids=str)
def test_bits_do_not_depend_on_how_they_are_cut_in_blocks(impl: Any, width: int) -> None:
    key = impl.seed(np.array(9))
    size = blocks.BLOCK + 1001
    whole = impl.bits(key, width, (size,))
    assert whole.dtype == np.dtype(f"u{width // 8}")
    fill = impl.filler(key, blocks.BLOCK)
    parts = np.empty_like(whole)
    step = blocks.BLOCK // 4
    for start in reversed(range(0, size, step)):
        fill(start, parts[start : start + step])
    np.testing.assert_array_equal(parts, whole)
    for few in (1, 5, 9, 100):
        np.testing.assert_array_equal(impl.bits(key, width, (few,)), whole[:few])
    np.testing.assert_array_equal(impl.bits(key, width, (10, 7)), whole[:70].reshape(10, 7))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("impl", IMPLS, ids=str)
def test_many_keys_give_what_each_gives(impl: Any, width: int) -> None:
    keys = some_keys(impl, 6).reshape(3, 2, -1)
    for shape in [(), (3,), (2, 2), (5000,)]:
        together = impl.bits(keys, width, shape)
        assert together.shape == (3, 2, *shape)
        for i in np.ndindex(3, 2):
            np.testing.assert_array_equal(together[i], impl.bits(keys[i], width, shape))


@pytest.mark.parametrize("impl", IMPLS, ids=str)
def test_split_and_fold_in_of_many_keys(impl: Any) -> None:
    keys = some_keys(impl, 5)
    data = np.array([1, 7, 2**32 - 1, 0, 7], np.uint32)
    for i in range(5):
        np.testing.assert_array_equal(impl.split(keys, (4, 5))[i], impl.split(keys[i], (4, 5)))
        np.testing.assert_array_equal(
            impl.fold_in(keys, data)[i], impl.fold_in(keys[i], data[i : i + 1].reshape(()))
        )


@pytest.mark.parametrize("impl", IMPLS, ids=str)
def test_new_keys_are_different(impl: Any) -> None:
    root = impl.seed(np.array(0))
    derived = [
        impl.split(root, (500,)),
        np.stack([impl.fold_in(root, np.array(i, np.uint32)) for i in range(2, 500)]),
        np.stack([impl.seed(np.array(i)) for i in range(500)]),
    ]
    for keys in derived:
        assert len({tuple(key) for key in keys.tolist()}) == len(keys)
    # JAX's convention for threefry: split(key, n)[i] is fold_in(key, i).
    folded = [impl.fold_in(root, np.array(i, np.uint32)).tolist() for i in range(3)]
    assert (folded == derived[0][:3].tolist()) == (impl is threefry_impl)


@pytest.mark.parametrize("impl", IMPLS, ids=str)
def test_empty_shapes(impl: Any) -> None:
    key = impl.seed(np.array(0))
    assert impl.bits(key, 32, (0, 3)).shape == (0, 3)
    assert impl.bits(np.empty((0, *impl.key_shape), np.uint32), 32, (3,)).shape == (0, 3)
    assert impl.split(key, (2, 0)).shape == (2, 0, *impl.key_shape)


@pytest.mark.parametrize("impl", IMPLS, ids=str)
def test_seeds_of_all_widths(impl: Any) -> None:
    wide = impl.seed(np.array([5, 2**40 + 5, -1]))
    assert len({tuple(key) for key in wide.tolist()}) == 3
    np.testing.assert_array_equal(impl.seed(np.array(5, np.int8)), wide[0])
    np.testing.assert_array_equal(
        impl.seed(np.array(-1, np.int32)), impl.seed(np.array(2**32 - 1, np.uint32))
    )


@pytest.mark.parametrize("threads", [0, 3])
def test_blocks_are_all_worked_on_once(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "_idle_cores", lambda: threads)
    seen = np.zeros(10 * blocks.BLOCK + 17, np.int8)

    def worker() -> Any:
        def work(start: int, stop: int) -> None:
            seen[start:stop] += 1

        return work

    blocks.for_blocks(seen.size, worker)
    assert (seen == 1).all()


def test_an_error_in_a_thread_reaches_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "_idle_cores", lambda: 2)

    def work(start: int, stop: int) -> None:
        raise ArithmeticError(start)

    with pytest.raises(ArithmeticError):
        blocks.for_blocks(10 * blocks.BLOCK, lambda: work)


@pytest.mark.parametrize("impl", IMPLS, ids=str)
@pytest.mark.parametrize("dtype", list(fused.FUSED), ids=str)
def test_threads_do_not_change_the_numbers(
    impl: Any, dtype: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, shape = impl.seed(np.array(1)), (5 * blocks.BLOCK + 33,)
    results = []
    for threads in (0, 1, 3):
        monkeypatch.setattr(blocks, "_idle_cores", lambda threads=threads: threads)
        results.append(fused.normal(impl, key, shape, dtype))
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


@pytest.mark.parametrize("name", ["philox", "threefry2x32", "rbg", "unsafe_rbg"])
def test_each_generator_may_be_the_default(name: str) -> None:
    with fg.default_prng_impl(name):
        key = random.key(0)
        assert random.key_impl(key) == name
        np.testing.assert_array_equal(random.PRNGKey(0), random.key_data(key))
        assert float(random.uniform(random.PRNGKey(0))) == float(random.uniform(key))
    with pytest.raises(ValueError, match=r"\['philox', 'rbg', 'threefry2x32', 'unsafe_rbg'\]"):
        fg.config.update("jax_default_prng_impl", "mersenne")
