"""Settings: where they come from, how long they hold, and the key of the programs."""

import asyncio
import contextvars
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import funcgrad.config  # noqa: F401  # so that it is loaded
from funcgrad.config import (
    config,
    debug_nans,
    default_matmul_precision,
    disable_jit,
    enable_checks,
    enable_x64,
    numpy_dtype_promotion,
    numpy_rank_promotion,
    random_seed_offset,
)

# The package hides the module behind the object of the same name.
module = sys.modules["funcgrad.config"]


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Every test leaves the global settings as it found them."""
    before = {name: flag._global for name, flag in module._FLAGS.items()}
    yield
    for name, value in before.items():
        config.update(name, value)


def test_defaults() -> None:
    assert config.enable_x64 is config.jax_enable_x64 is enable_x64.value is True
    assert config.jax_numpy_dtype_promotion == "standard"
    assert config.jax_threefry_partitionable is True
    assert config.read("jax_random_seed_offset") == 0
    assert config.values["jax_default_prng_impl"] == "threefry2x32"


def test_update_is_global_and_with_is_local() -> None:
    config.update("jax_debug_nans", True)
    assert debug_nans.value
    with debug_nans(False):
        config.update("debug_nans", True)
        assert not debug_nans.value
        with debug_nans():
            assert config.jax_debug_nans
        assert not debug_nans.value
    assert debug_nans.value


def test_threads_see_update_and_not_with() -> None:
    seen: list[Any] = []
    config.update("random_seed_offset", 7)
    with enable_x64(False):
        thread = threading.Thread(
            target=lambda: seen.append((enable_x64.value, random_seed_offset.value))
        )
        thread.start()
        thread.join()
    assert seen == [(True, 7)]


def test_async_tasks_do_not_see_each_other() -> None:
    async def task(value: bool) -> bool:
        with enable_x64(value):
            await asyncio.sleep(0)
            return enable_x64.value

    async def both() -> list[bool]:
        return await asyncio.gather(task(True), task(False))

    assert asyncio.run(both()) == [True, False]


def test_interleaved_blocks_restore_only_their_own_setting() -> None:
    def block(cm: Any) -> Iterator[None]:
        with cm:
            yield

    first, second = block(enable_x64(False)), block(debug_nans(True))
    next(first), next(second)
    assert list(first) == []
    assert (enable_x64.value, debug_nans.value) == (True, True)
    assert list(second) == []
    assert not debug_nans.value


def test_exceptions_restore() -> None:
    with pytest.raises(KeyError), enable_x64(False):
        raise KeyError
    assert enable_x64.value


def test_one_block_can_be_entered_again_and_decorate() -> None:
    block = enable_x64(False)
    with block, enable_x64(True):
        with block:
            assert not enable_x64.value
        assert enable_x64.value

    @block
    def f(x: int, *, y: int) -> tuple[int, bool]:
        return x + y, enable_x64.value

    assert f(1, y=2) == (3, False)
    assert f.__name__ == "f"
    assert enable_x64.value


def test_forms_of_disable_jit() -> None:
    for block, value in [
        (disable_jit(), True),
        (disable_jit(False), False),
        (disable_jit(disable=False), False),
    ]:
        with block:
            assert disable_jit.value is value
    with module.checking_leaks():
        assert config.jax_check_tracer_leaks


def test_trace_key_follows_what_changes_programs() -> None:
    key = config.trace_key()
    for block in (
        enable_x64(False),
        debug_nans(True),
        disable_jit(),
        numpy_rank_promotion("raise"),
    ):
        with block:
            assert config.trace_key() != key
    with enable_checks(True), enable_x64(True):
        assert config.trace_key() == key
    with enable_x64(False):
        off = config.trace_key()
        config.update("debug_nans", True)
        assert config.trace_key() not in (off, key)
    assert config.trace_key() != key
    config.update("debug_nans", False)
    assert config.trace_key() == key


def test_trace_keys_are_bounded_and_never_reused() -> None:
    key, seen = config.trace_key(), set()
    for offset in range(3 * module._MAX_KEYS):
        with random_seed_offset(offset + 1):
            seen.add(config.trace_key())
    assert len(seen) == 3 * module._MAX_KEYS
    assert key not in seen
    assert config.trace_key() == key
    assert len(module._keys) <= module._MAX_KEYS


def test_key_in_a_copied_context() -> None:
    with enable_x64(False):
        context, key = contextvars.copy_context(), config.trace_key()
    assert context.run(config.trace_key) == key


@pytest.mark.parametrize(
    ("name", "value", "stored"),
    [
        ("jax_enable_x64", 0, False),
        ("jax_enable_x64", "true", True),
        ("jax_default_matmul_precision", "highest", "highest"),
        ("jax_default_matmul_precision", None, None),
        ("jax_random_seed_offset", "12", 12),
        ("numpy_rank_promotion", "warn", "warn"),
    ],
)
def test_values_are_converted(name: str, value: Any, stored: Any) -> None:
    config.update(name, value)
    assert config.read(name) == stored
    assert type(config.read(name)) is type(stored)


def test_wrong_values() -> None:
    for name, value in [
        ("enable_x64", "maybe"),
        ("numpy_dtype_promotion", "lax"),
        ("default_matmul_precision", "fastest"),
        ("numpy_rank_promotion", 3),
        ("random_seed_offset", 1.5),
    ]:
        with pytest.raises(ValueError, match=name):
            config.update(name, value)
    with pytest.raises(ValueError, match="must be in"):
        numpy_dtype_promotion("lax")
    with pytest.raises(TypeError, match="default_matmul_precision needs the value"):
        default_matmul_precision()


def test_unknown_names() -> None:
    with pytest.raises(AttributeError, match=r"jax_enabel_x64\. Did you mean jax_enable_x64\?"):
        config.update("jax_enabel_x64", True)
    with pytest.raises(AttributeError, match="Did you mean debug_nans"):
        config.debug_nan
    with pytest.raises(AttributeError, match=r"option: zzz\.$"):
        config.read("zzz")
    with pytest.raises(AttributeError, match=r"config\.update\('jax_enable_x64', False\)"):
        config.jax_enable_x64 = False


def test_settings_without_meaning_here_are_accepted() -> None:
    assert config.jax_compilation_cache_dir is None
    config.update("jax_compilation_cache_dir", "/tmp/cache")
    assert config.jax_compilation_cache_dir == "/tmp/cache"


def test_names_are_listed() -> None:
    assert {"enable_x64", "jax_enable_x64", "update"} <= set(dir(config))
    assert "enable_x64 = True" in repr(enable_x64)


def test_environment() -> None:
    def run(**variables: str) -> subprocess.CompletedProcess[str]:
        code = "from funcgrad.config import config as c; print(c.enable_x64, c.random_seed_offset)"
        return subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, env=variables, check=False
        )

    assert run(JAX_ENABLE_X64="0", JAX_RANDOM_SEED_OFFSET="3").stdout.split() == ["False", "3"]
    assert run(JAX_ENABLE_X64="0", FUNCGRAD_ENABLE_X64="on").stdout.split() == ["True", "0"]
    assert "FUNCGRAD_ENABLE_X64 must be True or False" in run(FUNCGRAD_ENABLE_X64="2").stderr
