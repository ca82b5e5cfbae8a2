"""Rotations between rotations."""

from __future__ import annotations

from typing import Any, NamedTuple

import funcgrad.numpy as fnp
from funcgrad.numpy import ndarray as Array
from funcgrad.scipy.spatial.transform.rotation import Rotation

__all__ = ["Slerp"]


class Slerp(NamedTuple):
    """Rotations interpolated at constant angular velocity between those at given times.

    Made by `Slerp.init`; calling it with a time, or times, gives the rotations then.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.spatial.transform import Rotation, Slerp
    >>> ends = Rotation.from_euler("z", jnp.array([0.0, 90.0]), degrees=True)
    >>> Slerp.init(jnp.array([0.0, 1.0]), ends)(0.5).as_rotvec(degrees=True).round(6)
    Array([ 0.,  0., 45.], dtype=float64)
    """

    times: Any
    timedelta: Any
    rotations: Any
    rotvecs: Any

    @classmethod
    def init(cls, times: Any, rotations: Rotation) -> Slerp:
        """The interpolation between `rotations` at ascending `times`; ValueError unless they fit."""
        if not isinstance(rotations, Rotation):
            raise TypeError("`rotations` must be a `Rotation` instance.")
        if rotations.single or len(rotations) < 2:
            raise ValueError("`rotations` must be a sequence of at least 2 rotations.")
        times = fnp.asarray(times, dtype=rotations.quat.dtype)
        if times.ndim != 1:
            raise ValueError(f"Expected times to be 1-dimensional, got {times.ndim} dimensions.")
        if times.shape[0] != len(rotations):
            raise ValueError(
                "Expected number of rotations to be equal to number of timestamps given, got "
                f"{len(rotations)} rotations and {times.shape[0]} timestamps."
            )
        first: Any = rotations[:-1]
        second: Any = rotations[1:]
        return cls(times, fnp.diff(times), first, (first.inv() * second).as_rotvec())

    def __call__(self, times: Any) -> Rotation:
        """The rotations at `times`, a number or a vector."""
        at = fnp.asarray(times, dtype=self.times.dtype)
        if at.ndim > 1:
            raise ValueError("`times` must be at most 1-dimensional.")
        i = fnp.clip(fnp.searchsorted(self.times, at) - 1, 0, len(self.timedelta) - 1)
        share: Array = (at - self.times[i]) / self.timedelta[i]
        return self.rotations[i] * Rotation.from_rotvec(self.rotvecs[i] * share[..., None])
