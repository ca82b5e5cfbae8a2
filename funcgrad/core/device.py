"""The one device there is: NumPy in this process."""

from __future__ import annotations

__all__ = ["CPU", "Device"]


class Device:
    """The one device: NumPy in this process.

    >>> import funcgrad as fg
    >>> fg.devices()[0].platform
    'cpu'
    """

    platform = "cpu"
    device_kind = "cpu"
    id = 0
    process_index = 0
    local_hardware_id = 0

    def __repr__(self) -> str:
        return "CpuDevice(id=0)"

    def __str__(self) -> str:
        return "cpu:0"

    def memory_stats(self) -> None:
        """Nothing is counted."""


CPU = Device()
