"""There is one device and everything runs at once: what JAX programs ask about devices, answered so."""

from __future__ import annotations

from typing import Any

import numpy as np

from funcgrad.core import pytree
from funcgrad.core.array import ConcreteArray, to_array
from funcgrad.core.device import CPU, Device
from funcgrad.core.dtypes import ExtendedDType

__all__ = [
    "Device",
    "block_until_ready",
    "default_backend",
    "device_count",
    "device_get",
    "device_put",
    "devices",
    "effects_barrier",
    "local_device_count",
    "local_devices",
    "process_count",
    "process_index",
]


def devices(backend: str | None = None) -> list[Device]:
    """The list of devices, which has one.

    >>> import funcgrad as fg
    >>> fg.devices()
    [CpuDevice(id=0)]
    """
    if backend not in (None, "cpu"):
        raise RuntimeError(f"Unknown backend {backend!r}: funcgrad runs on NumPy, on the CPU.")
    return [CPU]


def local_devices(
    process_index: int | None = None, backend: str | None = None, host_id: int | None = None
) -> list[Device]:
    """The list of devices, which has one.

    >>> import funcgrad as fg
    >>> len(fg.local_devices())
    1
    """
    return devices(backend)


def device_count(backend: str | None = None) -> int:
    """1.

    >>> import funcgrad as fg
    >>> fg.device_count()
    1
    """
    return len(devices(backend))


def local_device_count(backend: str | None = None) -> int:
    """1.

    >>> import funcgrad as fg
    >>> fg.local_device_count()
    1
    """
    return len(devices(backend))


def default_backend() -> str:
    """'cpu'.

    >>> import funcgrad as fg
    >>> fg.default_backend()
    'cpu'
    """
    return "cpu"


def process_index(backend: str | None = None) -> int:
    """0.

    >>> import funcgrad as fg
    >>> fg.process_index()
    0
    """
    return 0


def process_count(backend: str | None = None) -> int:
    """1.

    >>> import funcgrad as fg
    >>> fg.process_count()
    1
    """
    return 1


def device_put(
    x: Any, device: Any = None, *, src: Any = None, donate: bool = False, may_alias: Any = None
) -> Any:
    """A pytree with its leaves as arrays.

    >>> import funcgrad as fg
    >>> fg.device_put({"a": 1.0})
    {'a': Array(1., dtype=float64, weak_type=True)}
    """
    return pytree.map(to_array, x)


def device_get(x: Any) -> Any:
    """A pytree with its arrays as NumPy arrays; tracers and random keys stay what they are.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> fg.device_get([jnp.ones(2)])
    [array([1., 1.])]
    """

    def get(leaf: Any) -> Any:
        known = isinstance(leaf, ConcreteArray) and not isinstance(leaf.dtype, ExtendedDType)
        return np.asarray(leaf) if known else leaf

    return pytree.map(get, x)


def block_until_ready(x: Any) -> Any:
    """`x`: nothing runs behind your back here.

    >>> import funcgrad as fg
    >>> fg.block_until_ready(1.0)
    1.0
    """
    return x


def effects_barrier() -> None:
    """Nothing to wait for.

    >>> import funcgrad as fg
    >>> fg.effects_barrier()
    """
