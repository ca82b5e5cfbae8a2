"""The settings: global through ``config.update``, per thread or async task through ``with``.

    >>> from funcgrad.config import config, enable_x64
    >>> with enable_x64(False):
    ...     config.jax_enable_x64
    False
    >>> config.enable_x64
    True

Each setting starts from the environment variable ``FUNCGRAD_<NAME>``, else ``JAX_<NAME>``, else its
default. Inside the package ``enable_x64.value`` reads one setting and ``trace_key()`` identifies
the combination of all settings that a traced program depends on.
"""

from __future__ import annotations

import difflib
import functools
import itertools
import operator
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from typing import Any, Final, Generic, TypeVar, cast

__all__ = [
    "Config",
    "Flag",
    "Override",
    "check_tracer_leaks",
    "checking_leaks",
    "config",
    "debug_infs",
    "debug_key_reuse",
    "debug_nans",
    "default_device",
    "default_matmul_precision",
    "default_prng_impl",
    "disable_jit",
    "enable_checks",
    "enable_x64",
    "legacy_prng_key",
    "local_settings",
    "log_compiles",
    "memory_cache_limit",
    "num_threads",
    "numpy_dtype_promotion",
    "numpy_rank_promotion",
    "random_seed_offset",
    "threefry_partitionable",
    "trace_key",
]

_T = TypeVar("_T")
_F = TypeVar("_F", bound=Callable[..., Any])


class _Unset:
    """The type of the marker for an argument that was not given."""

    __slots__ = ()


_UNSET: Final = _Unset()


class _Local:
    """What the enclosing ``with`` blocks of one thread or task have set."""

    __slots__ = ("overrides", "stamp")

    def __init__(self, overrides: dict[Flag[Any], Any]) -> None:
        self.overrides = overrides
        # (the global key it was computed for, the combined key); -1 is never a key
        self.stamp = (-1, -1)


_local: ContextVar[_Local | None] = ContextVar("funcgrad_config", default=None)
# Asked for at every call: None unless a `with` block has changed a setting.
local_settings = _local.get


class Flag(Generic[_T]):
    """One setting. ``flag.value`` reads it; ``with flag(x):`` sets it for this thread or task.

        >>> from funcgrad.config import debug_nans
        >>> with debug_nans(True):
        ...     debug_nans.value
        True
        >>> @debug_nans(True)
        ... def f():
        ...     return debug_nans.value
        >>> f(), debug_nans.value
        (True, False)

    A boolean setting called without an argument is turned on.
    """

    __slots__ = ("name", "default", "doc", "_global", "_parse", "_in_key")

    def __init__(
        self, name: str, default: _T, parse: Callable[[str, Any], _T], *, in_key: bool, doc: str
    ) -> None:
        self.name = name
        self.doc = doc
        self._parse = parse
        self._in_key = in_key
        self.default = default
        self._global = _from_environment(name, default, parse)

    @property
    def value(self) -> _T:
        """The value that holds here and now."""
        local = _local.get()
        if local is None:
            return self._global
        return cast(_T, local.overrides.get(self, self._global))

    def __call__(self, new_val: _T | _Unset = _UNSET) -> Override[_T]:
        if isinstance(new_val, _Unset):
            if not isinstance(self.default, bool):
                raise TypeError(
                    f"{self.name} needs the value to set, as in `with {self.name}(value): ...`."
                )
            return Override(self, cast(_T, True))
        return Override(self, self._parse(self.name, new_val))

    def __repr__(self) -> str:
        return f"<funcgrad setting {self.name} = {self.value!r}>"


class _DisableJit(Flag[bool]):
    """``disable_jit`` also takes its value by the keyword ``disable``.

    >>> import funcgrad as fg
    >>> with fg.disable_jit():
    ...     fg.jit(lambda x: 1 if x > 0 else 2)(3.0)
    1
    """

    __slots__ = ()

    def __call__(self, new_val: bool | _Unset = _UNSET, *, disable: bool = True) -> Override[bool]:
        return super().__call__(disable if isinstance(new_val, _Unset) else new_val)


class Override(Generic[_T]):
    """The context manager and decorator that ``flag(value)`` returns; it can be entered again.

    >>> from funcgrad.config import debug_nans
    >>> block = debug_nans(True)
    >>> with block:
    ...     debug_nans.value
    True
    """

    __slots__ = ("_flag", "_value", "_previous")

    def __init__(self, flag: Flag[_T], value: _T) -> None:
        self._flag = flag
        self._value = value
        self._previous: list[_T | _Unset] = []

    def __enter__(self) -> None:
        local = _local.get()
        overrides = {} if local is None else dict(local.overrides)
        self._previous.append(overrides.get(self._flag, _UNSET))
        overrides[self._flag] = self._value
        _local.set(_Local(overrides))

    def __exit__(self, *exc_info: object) -> None:
        # Only this setting is restored: blocks that generators interleave do not undo each other.
        local = _local.get()
        overrides = {} if local is None else dict(local.overrides)
        previous = self._previous.pop()
        if isinstance(previous, _Unset):
            overrides.pop(self._flag, None)
        else:
            overrides[self._flag] = previous
        _local.set(_Local(overrides) if overrides else None)

    def __call__(self, fun: _F) -> _F:
        """Decorate ``fun`` so that each of its calls runs inside this block."""

        @functools.wraps(fun)
        def with_setting(*args: Any, **kwargs: Any) -> Any:
            with Override(self._flag, self._value):
                return fun(*args, **kwargs)

        return cast(_F, with_setting)


def _from_environment(name: str, default: _T, parse: Callable[[str, Any], _T]) -> _T:
    for variable in (f"FUNCGRAD_{name.upper()}", f"JAX_{name.upper()}"):
        text = os.environ.get(variable)
        if text:
            return parse(f"environment variable {variable}", text)
    return default


_TRUE: Final = frozenset({"1", "true", "t", "yes", "y", "on"})
_FALSE: Final = frozenset({"0", "false", "f", "no", "n", "off"})


def _bool(name: str, value: Any) -> bool:
    text = str(value).lower()
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    raise ValueError(f"{name} must be True or False, got {value!r}.")


def _int(name: str, value: Any) -> int:
    try:
        return int(value) if isinstance(value, str) else operator.index(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be an integer, got {value!r}.") from None


def _anything(name: str, value: Any) -> Any:
    return value


def _one_of(choices: Iterable[str]) -> Callable[[str, Any], str]:
    allowed = sorted(choices)

    def parse(name: str, value: Any) -> str:
        if value in allowed:
            return str(value)
        raise ValueError(f"{name}: new enum value must be in {allowed}, got {value!r}.")

    return parse


_PRECISIONS: Final = frozenset(
    """
    default high highest bfloat16 tensorfloat32 float32 F64_F64_F64 F32_F32_F32
    F16_F16_F16 F16_F16_F32 BF16_BF16_BF16 BF16_BF16_F32 BF16_BF16_F32_X3 BF16_BF16_F32_X6
    BF16_BF16_F32_X9 TF32_TF32_F32 TF32_TF32_F32_X3 ANY_F8_ANY_F8_F32 ANY_F8_ANY_F8_ANY
    ANY_F8_ANY_F8_F32_FAST_ACCUM ANY_F8_ANY_F8_ANY_FAST_ACCUM
    """.split()
)


def _precision(name: str, value: Any) -> str | None:
    return None if value is None else _one_of(_PRECISIONS)(name, value)


enable_x64 = Flag(
    "enable_x64", True, _bool, in_key=True, doc="64-bit types; off, 64-bit requests become 32-bit."
)
numpy_dtype_promotion = Flag(
    "numpy_dtype_promotion",
    "standard",
    _one_of(("standard", "strict")),
    in_key=True,
    doc="'strict' raises TypePromotionError where two different array dtypes meet.",
)
numpy_rank_promotion = Flag(
    "numpy_rank_promotion",
    "allow",
    _one_of(("allow", "warn", "raise")),
    in_key=True,
    doc="What happens where broadcasting adds leading axes.",
)
default_matmul_precision = Flag[str | None](
    "default_matmul_precision",
    None,
    _precision,
    in_key=True,
    doc="Recorded in dot_general; NumPy always computes at the dtype's full precision.",
)
disable_jit = _DisableJit(
    "disable_jit", False, _bool, in_key=True, doc="jit and control flow run as plain Python."
)
debug_nans = Flag(
    "debug_nans", False, _bool, in_key=True, doc="The operation that makes a NaN raises."
)
debug_infs = Flag(
    "debug_infs", False, _bool, in_key=True, doc="The operation that makes an infinity raises."
)
debug_key_reuse = Flag(
    "debug_key_reuse", False, _bool, in_key=True, doc="Consuming a PRNG key twice raises."
)
default_prng_impl = Flag(
    "default_prng_impl",
    "threefry2x32",
    _one_of(("threefry2x32", "philox", "rbg", "unsafe_rbg")),
    in_key=True,
    doc="The generator of random.key(seed); rbg and unsafe_rbg are names of philox.",
)
threefry_partitionable = Flag(
    "threefry_partitionable",
    True,
    _bool,
    in_key=True,
    doc="The order in which threefry's counter fills an array.",
)
random_seed_offset = Flag(
    "random_seed_offset", 0, _int, in_key=True, doc="Added to every seed given to random.key."
)
legacy_prng_key = Flag(
    "legacy_prng_key",
    "allow",
    _one_of(("allow", "warn", "error")),
    in_key=False,
    doc="What random functions do with a uint32 key array.",
)
check_tracer_leaks = Flag(
    "check_tracer_leaks", False, _bool, in_key=False, doc="A tracer that outlives its trace raises."
)
log_compiles = Flag(
    "log_compiles", False, _bool, in_key=False, doc="Log each program that is compiled."
)
enable_checks = Flag(
    "enable_checks", False, _bool, in_key=False, doc="Type-check each program that is traced."
)
default_device = Flag(
    "default_device", None, _anything, in_key=False, doc="Accepted; there is one device."
)

memory_cache_limit = Flag(
    "memory_cache_limit",
    1 << 29,
    _int,
    in_key=False,
    doc="Bytes of large arrays that died kept for the next ones; 0 keeps none.",
)
num_threads = Flag(
    "num_threads",
    0,
    _int,
    in_key=False,
    doc="Threads for large elementwise operations; 0: the CPUs that the process may use.",
)

checking_leaks = functools.partial(check_tracer_leaks, True)

_FLAGS: Final[Mapping[str, Flag[Any]]] = {
    flag.name: flag for flag in tuple(globals().values()) if isinstance(flag, Flag)
}
_KEY_FLAGS: Final = tuple(flag for flag in _FLAGS.values() if flag._in_key)

# JAX's settings that mean nothing for NumPy in one process, by the reason.
_IGNORED_BY_REASON: Final = {
    "there is one device, the CPU": """
        jax_platforms jax_platform_name jax_xla_backend jax_backend_target jax_num_cpu_devices
        jax_cuda_visible_devices jax_rocm_visible_devices jax_oneapi_visible_devices jax_use_magma
        jax_transfer_guard jax_transfer_guard_host_to_device jax_transfer_guard_device_to_host
        jax_transfer_guard_device_to_device jax_array_garbage_collection_guard jax_thread_guard
        jax_cpu_enable_async_dispatch jax_cpu_collectives_implementation jax_mock_gpu_topology
        mock_num_gpu_processes jax_pjrt_client_create_options jax_threefry_gpu_kernel_lowering""",
    "there is one process": """
        jax_distributed_debug jax_enable_recoverability jax_enable_preemption_service
        jax_share_binary_between_hosts jax_share_binary_between_hosts_timeout_ms
        jax_check_proxy_envs jax_use_shardy_partitioner jax_remove_size_one_mesh_axis_from_type
        jax_auto_pcast jax_disable_vmap_shmap_error check_vma""",
    "programs are compiled to NumPy source and cached in memory": """
        jax_compilation_cache_dir jax_enable_compilation_cache jax_compilation_cache_max_size
        jax_compilation_cache_check_contents jax_compilation_cache_expect_pgle
        jax_compilation_cache_include_metadata_in_key jax_persistent_cache_enable_xla_caches
        jax_persistent_cache_min_compile_time_secs jax_persistent_cache_min_entry_size_bytes
        jax_raise_persistent_cache_errors jax_explain_cache_misses jax_enable_pgle
        jax_pgle_profiling_runs jax_pgle_aggregation_percentile""",
    "it steers XLA": """
        jax_allow_f16_reductions jax_disable_most_optimizations jax_optimization_level
        jax_exec_time_optimization_effort jax_memory_fitting_effort jax_memory_fitting_level
        jax_compiler_enable_remat_pass jax_compiler_detailed_logging_min_ops jax_dump_ir_to
        jax_dump_ir_modes jax_include_debug_info_in_dumps jax_xla_profile_version
        jax_include_full_tracebacks_in_locations jax_traceback_in_locations_limit
        jax_hlo_source_file_canonicalization_regex jax_bcoo_cusparse_lowering
        jax_captured_constants_warn_bytes jax_captured_constants_report_frames
        jax_pallas_use_mosaic_gpu jax_mosaic_allow_hlo jax2tf_associative_scan_reductions
        jax2tf_default_native_serialization jax_serialization_version""",
    "here there is one way, or another way, of doing it": """
        jax_enable_custom_prng jax_softmax_custom_jvp jax_use_direct_linearize jax_omnistaging
        jax_traceback_filtering jax_tracer_error_num_traceback_frames jax_pprint_use_color
        jax_logging_level jax_debug_log_modules jax_no_tracing jax_no_execution
        jax_high_dynamic_range_gumbel eager_constant_folding jax_explicit_x64_dtypes
        jax_use_simplified_jaxpr_constants jax_mutable_array_checks""",
}
_IGNORED: Final = frozenset(" ".join(_IGNORED_BY_REASON.values()).split())

# Combinations of settings are numbered as they appear. A number never comes back for another
# combination, so forgetting them (there are many random_seed_offsets) costs no more than a retrace.
_MAX_KEYS: Final = 1024
_numbers: Final = itertools.count()
_keys: Final[dict[tuple[Any, ...], int]] = {}


def _key_of(overrides: Mapping[Flag[Any], Any]) -> int:
    values = tuple([overrides.get(flag, flag._global) for flag in _KEY_FLAGS])
    if len(_keys) >= _MAX_KEYS and values not in _keys:
        _keys.clear()
    return _keys.setdefault(values, next(_numbers))


class Config:
    """The settings by name, each with and without the prefix ``jax_``.

    ``config.update(name, value)`` sets one for the whole process; ``with`` blocks win over it.
    JAX's settings that mean nothing here (platforms, XLA, caches on disk, ...) are accepted,
    give back what was set, and change nothing.

        >>> from funcgrad.config import config
        >>> config.update("jax_platform_name", "cpu")
        >>> config.jax_platform_name
        'cpu'
        >>> config.update("jax_enable_x46", True)
        Traceback (most recent call last):
        ...
        AttributeError: Unrecognized config option: jax_enable_x46. Did you mean jax_enable_x64?
    """

    __slots__ = ("_key", "_ignored", "_lock")

    def __init__(self) -> None:
        self._key = _key_of({})
        self._ignored: dict[str, Any] = {}
        self._lock = threading.Lock()

    def trace_key(self) -> int:
        """A number that differs wherever a setting that a traced program depends on differs.

        >>> from funcgrad.config import enable_x64, trace_key
        >>> before = trace_key()
        >>> with enable_x64(False):
        ...     trace_key() == before
        False
        """
        local = _local.get()
        if local is None:
            return self._key
        base, key = local.stamp
        if base != self._key:
            base = self._key
            key = _key_of(local.overrides)
            local.stamp = (base, key)
        return key

    def update(self, name: str, value: Any) -> None:
        """Set ``name`` for the whole process; AttributeError for a name that does not exist."""
        flag = _FLAGS.get(name.removeprefix("jax_"))
        with self._lock:
            if flag is not None:
                flag._global = flag._parse(flag.name, value)
                self._key = _key_of({})
            elif name in _IGNORED:
                self._ignored[name] = value
            else:
                raise _unknown(name)

    def read(self, name: str) -> Any:
        """The value of the setting ``name``."""
        flag = _FLAGS.get(name.removeprefix("jax_"))
        if flag is not None:
            return flag.value
        if name in _IGNORED:
            return self._ignored.get(name)
        raise _unknown(name)

    @property
    def x64_enabled(self) -> bool:
        """Whether 64-bit types are on: `jax_enable_x64` by its other name."""
        return bool(self.read("enable_x64"))

    @property
    def values(self) -> dict[str, Any]:
        """All settings, by the names with which JAX spells them."""
        return {f"jax_{name}": flag.value for name, flag in _FLAGS.items()} | self._ignored

    def __getattr__(self, name: str) -> Any:
        return self.read(name)

    def __dir__(self) -> list[str]:
        return [*object.__dir__(self), *_FLAGS, *(f"jax_{name}" for name in _FLAGS)]

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in Config.__slots__:
            raise AttributeError(
                f"Settings are not assigned to: use config.update({name!r}, {value!r})."
            )
        object.__setattr__(self, name, value)


def _unknown(name: str) -> AttributeError:
    prefix = "jax_" if name.startswith("jax_") else ""
    known = [prefix + flag for flag in _FLAGS] + sorted(_IGNORED)
    near = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return AttributeError(f"Unrecognized config option: {name}.{hint}")


config: Final = Config()

# Bound once: to look the method up costs as much as to call it.
trace_key: Final = config.trace_key
