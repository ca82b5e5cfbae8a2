"""Rotations in three dimensions, as unit quaternions."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import funcgrad.numpy as fnp
from funcgrad import random
from funcgrad.numpy import ndarray as Array
from funcgrad.numpy.convert import promote_inexact

__all__ = ["Rotation"]


def _floats(x: Any) -> Array:
    return promote_inexact("Rotation", fnp.asarray(x))[0]


def _normalized(q: Array) -> Array:
    return q / fnp.linalg.norm(q, axis=-1, keepdims=True)


def _product(p: Array, q: Array) -> Array:
    """The quaternion of first q, then p."""
    pv, pw, qv, qw = p[..., :3], p[..., 3:], q[..., :3], q[..., 3:]
    vector = pw * qv + qw * pv + fnp.cross(pv, qv)
    scalar = pw * qw - (pv * qv).sum(-1, keepdims=True)
    return fnp.concatenate([vector, scalar], -1)


def _safe_norm(v: Array) -> tuple[Array, Array]:
    """The length of vectors, and whether it is small; where it is, 1 is given for the length."""
    square = (v * v).sum(-1, keepdims=True)
    small = square < 1e-6
    return fnp.sqrt(fnp.where(small, 1.0, square)), small


class Rotation(NamedTuple):
    """One rotation, or a vector of them: `quat` is `(4,)` or `(n, 4)`, (x, y, z, w) of length 1.

    Made by the methods `from_...`; `a * b` is first b, then a. A pytree; everything is differentiable.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.spatial.transform import Rotation
    >>> Rotation.from_euler("z", 90, degrees=True).apply(jnp.array([1.0, 0.0, 0.0])).round(6)
    Array([0., 1., 0.], dtype=float64)
    """

    quat: Any

    @classmethod
    def from_quat(cls, quat: Any) -> Rotation:
        """From quaternions (x, y, z, w), `(4,)` or `(n, 4)`, of any length but 0."""
        return cls(_normalized(_floats(quat)))

    @classmethod
    def from_matrix(cls, matrix: Any) -> Rotation:
        """From rotation matrices, `(3, 3)` or `(n, 3, 3)`.

        I. Bar-Itzhack, J. Guidance 23 (2000): the largest component comes from the diagonal.
        """
        m = _floats(matrix)
        x, y, z = (m[..., i, i] for i in range(3))
        trace = x + y + z
        xy, yz, zx = m[..., 0, 1], m[..., 1, 2], m[..., 2, 0]
        yx, zy, xz = m[..., 1, 0], m[..., 2, 1], m[..., 0, 2]
        candidates = fnp.stack(
            [
                fnp.stack([1 - trace + 2 * x, yx + xy, xz + zx, zy - yz], -1),
                fnp.stack([yx + xy, 1 - trace + 2 * y, zy + yz, xz - zx], -1),
                fnp.stack([xz + zx, zy + yz, 1 - trace + 2 * z, yx - xy], -1),
                fnp.stack([zy - yz, xz - zx, yx - xy, 1 + trace], -1),
            ],
            -2,
        )
        largest = fnp.argmax(fnp.stack([x, y, z, trace], -1), -1)
        chosen = fnp.take_along_axis(candidates, largest[..., None, None], -2)[..., 0, :]
        return cls(_normalized(chosen))

    @classmethod
    def from_rotvec(cls, rotvec: Any, degrees: bool = False) -> Rotation:
        """From vectors along the axes, as long as the angles: `(3,)` or `(n, 3)`."""
        v = _floats(rotvec)
        v = fnp.deg2rad(v) if degrees else v
        angle, small = _safe_norm(v)
        square = (v * v).sum(-1, keepdims=True)
        series = 0.5 - square / 48 + square * square / 3840
        scale = fnp.where(small, series, fnp.sin(angle / 2) / angle)
        # cos(angle / 2), also by its series where the root of the square has no derivative.
        cosine = fnp.where(small, 1 - square / 8 + square * square / 384, fnp.cos(angle / 2))
        return cls(fnp.concatenate([v * scale, cosine], -1))

    @classmethod
    def from_mrp(cls, mrp: Any) -> Rotation:
        """From modified Rodrigues parameters: axes times tan(angle / 4)."""
        m = _floats(mrp)
        square = (m * m).sum(-1, keepdims=True)
        return cls(fnp.concatenate([2 * m, 1 - square], -1) / (1 + square))

    @classmethod
    def from_euler(cls, seq: str, angles: Any, degrees: bool = False) -> Rotation:
        """From angles about the axes `seq`: "xyz" are those of space, "XYZ" those of the body.

        Args:
          seq: one to three axes.
          angles: for one axis a number or `(n,)`; for k axes `(k,)` or `(n, k)`.
        Raises:
          ValueError: for other axes and shapes.
        """
        axes, extrinsic = _axes(seq)
        x = _floats(angles)
        x = fnp.deg2rad(x) if degrees else x
        if len(axes) == 1 and (x.ndim == 0 or x.shape[-1] != 1 or x.ndim == 1):
            x = x[..., None]
        if x.shape[-1:] != (len(axes),) or x.ndim > 2:
            raise ValueError(f"Expected {len(axes)} angles for {seq!r}, got shape {x.shape}.")
        total: Any = None
        for i, axis in enumerate(axes):
            half = x[..., i] / 2
            parts = [fnp.zeros_like(half)] * 3
            parts[axis] = fnp.sin(half)
            q = fnp.stack([*parts, fnp.cos(half)], -1)
            if total is None:
                total = q
            else:
                total = _product(q, total) if extrinsic else _product(total, q)
        return cls(total)

    @classmethod
    def identity(cls, num: int | None = None, dtype: Any = float) -> Rotation:
        """The rotation that changes nothing, or `num` of them."""
        q = fnp.array([0.0, 0.0, 0.0, 1.0], dtype=dtype)
        return cls(q if num is None else fnp.tile(q, (num, 1)))

    @classmethod
    def random(cls, random_key: Any, num: int | None = None) -> Rotation:
        """A random rotation, or `num` of them, all equally probable."""
        return cls(_normalized(random.normal(random_key, (4,) if num is None else (num, 4))))

    @classmethod
    def concatenate(cls, rotations: Sequence[Rotation]) -> Rotation:
        """Several rotations, or vectors of them, in one."""
        return cls(fnp.concatenate([fnp.atleast_2d(r.quat) for r in rotations]))

    @property
    def single(self) -> bool:
        """Whether it is one rotation, not a vector of them."""
        return fnp.ndim(self.quat) == 1

    def __len__(self) -> int:
        if self.single:
            raise TypeError("Single rotation has no len().")
        return int(self.quat.shape[0])

    def __bool__(self) -> bool:
        return True

    def __getitem__(self, indexer: Any) -> Any:
        if self.single:
            raise TypeError("Single rotation is not subscriptable.")
        return Rotation(self.quat[indexer])

    def __mul__(self, other: Any) -> Rotation:
        if not isinstance(other, Rotation):
            return NotImplemented
        p, q = promote_inexact("Rotation", self.quat, other.quat)
        return Rotation(_normalized(_product(*fnp.broadcast_arrays(p, q))))

    def inv(self) -> Rotation:
        """The inverse."""
        return Rotation(self.quat * fnp.array([-1, -1, -1, 1], self.quat.dtype))

    def apply(self, vectors: Any, inverse: bool = False) -> Array:
        """Vectors, `(3,)` or `(n, 3)`, rotated; n vectors by one rotation, or each by its own."""
        m = self.as_matrix()
        m = fnp.matrix_transpose(m) if inverse else m
        m, v = promote_inexact("Rotation.apply", m, fnp.asarray(vectors))
        return (m @ v[..., None])[..., 0]

    def as_quat(self, canonical: bool = False, scalar_first: bool = False) -> Array:
        """The quaternions.

        Args:
          canonical: of the two quaternions of a rotation the one whose last component that is not zero,
            from w to z, y and x, is positive.
          scalar_first: in the order (w, x, y, z).
        """
        q = fnp.asarray(self.quat)
        if canonical:
            x, y, z, w = (q[..., i : i + 1] for i in range(4))
            lead = fnp.where(w != 0, w, fnp.where(x != 0, x, fnp.where(y != 0, y, z)))
            q = fnp.where(lead < 0, -q, q)
        return fnp.roll(q, 1, -1) if scalar_first else q

    def as_matrix(self) -> Array:
        """The matrices, `(3, 3)` or `(n, 3, 3)`."""
        x, y, z, w = (fnp.asarray(self.quat)[..., i] for i in range(4))
        rows = [
            [x * x - y * y - z * z + w * w, 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), -x * x + y * y - z * z + w * w, 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), -x * x - y * y + z * z + w * w],
        ]
        return fnp.stack([fnp.stack(row, -1) for row in rows], -2)

    def as_rotvec(self, degrees: bool = False) -> Array:
        """The vectors along the axes, as long as the angles (at most pi)."""
        q = fnp.asarray(self.quat)
        q = fnp.where(q[..., 3:] < 0, -q, q)
        v, w = q[..., :3], q[..., 3:]
        sine, small = _safe_norm(v)
        square = (v * v).sum(-1, keepdims=True)
        # angle / sin(angle / 2), in the sine itself where it is small.
        series = 2 + square / 3 + 3 * square * square / 20
        scale = fnp.where(small, series, 2 * fnp.arctan2(sine, w) / sine)
        return fnp.rad2deg(v * scale) if degrees else v * scale

    def as_mrp(self) -> Array:
        """The modified Rodrigues parameters, of angles up to pi."""
        q = fnp.asarray(self.quat)
        q = fnp.where(q[..., 3:] < 0, -q, q)
        return q[..., :3] / (1 + q[..., 3:])

    def as_euler(self, seq: str, degrees: bool = False) -> Array:
        """The angles about three axes; where only a sum of two is determined, the third one is 0.

        E. Bernardes, S. Viollet, "Quaternion to Euler angles conversion", PLoS ONE 17 (2022).
        """
        axes, extrinsic = _axes(seq)
        if len(axes) != 3:
            raise ValueError(f"Expected 3 axes, got {seq!r}.")
        i, j, k = axes if extrinsic else axes[::-1]
        symmetric = i == k
        k = 3 - i - j if symmetric else k
        sign = (i - j) * (j - k) * (k - i) // 2
        q = [fnp.asarray(self.quat)[..., n] for n in range(4)]
        if symmetric:
            a, b, c, d = q[3], q[i], q[j], sign * q[k]
        else:
            a, b, c, d = q[3] - q[j], q[i] + sign * q[k], q[j] + q[3], sign * q[k] - q[i]
        middle = 2 * fnp.arctan2(fnp.hypot(c, d), fnp.hypot(a, b))
        half_sum, half_difference = fnp.arctan2(b, a), fnp.arctan2(d, c)
        first, third = half_sum - half_difference, half_sum + half_difference
        flat, turned = fnp.abs(middle) <= 1e-7, fnp.abs(middle - math.pi) <= 1e-7
        if not extrinsic:
            first, third = third, first
        turn = -2 * half_difference if extrinsic else 2 * half_difference
        first = fnp.where(flat, 2 * half_sum, fnp.where(turned, turn, first))
        third = fnp.where(flat | turned, 0.0, third)
        if not symmetric:
            middle = middle - math.pi / 2
            first, third = (first, sign * third) if extrinsic else (sign * first, third)
        angles = fnp.stack([first, middle, third], -1)
        angles = (angles + math.pi) % (2 * math.pi) - math.pi
        return fnp.rad2deg(angles) if degrees else angles

    def magnitude(self) -> Array:
        """The angles, from 0 to pi."""
        q = fnp.asarray(self.quat)
        return 2 * fnp.arctan2(fnp.linalg.norm(q[..., :3], axis=-1), fnp.abs(q[..., 3]))

    def mean(self, weights: Any = None) -> Rotation:
        """The mean of the rotations: it has the least sum of squared distances, as matrices.

        F. Markley et al., J. Guidance 30 (2007).
        """
        q = fnp.atleast_2d(self.quat)
        w = fnp.ones(len(q), q.dtype) if weights is None else fnp.asarray(weights).astype(q.dtype)
        if w.shape != (len(q),):
            raise ValueError(f"Expected {len(q)} weights, got shape {w.shape}.")
        return Rotation(fnp.linalg.eigh((w[:, None] * q).T @ q)[1][:, -1])


def _axes(seq: str) -> tuple[list[int], bool]:
    """The axes as numbers, and whether they are those of space."""
    extrinsic = re.fullmatch("[xyz]{1,3}", seq) is not None
    if not extrinsic and re.fullmatch("[XYZ]{1,3}", seq) is None:
        raise ValueError(
            f"Expected axes from `seq` to be from ['x', 'y', 'z'] or ['X', 'Y', 'Z'], got {seq}"
        )
    axes = ["xyz".index(c) for c in seq.lower()]
    if any(a == b for a, b in itertools.pairwise(axes)):
        raise ValueError(f"Expected consecutive axes to be different, got {seq}")
    return axes, extrinsic
