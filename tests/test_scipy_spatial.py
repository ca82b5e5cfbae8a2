"""Rotations, against SciPy's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation as Reference
from scipy.spatial.transform import Slerp as ReferenceSlerp

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad import random
from funcgrad.scipy.spatial.transform import Rotation, Slerp

RNG = np.random.default_rng(0)
MANY, ONE = RNG.normal(size=(7, 4)), RNG.normal(size=4)
VECTORS = RNG.normal(size=(7, 3))


def close(actual: Any, expected: Any) -> None:
    np.testing.assert_allclose(np.asarray(actual), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("quat", [ONE, MANY], ids=["one", "many"])
def test_what_a_rotation_is_as(quat: Any) -> None:
    ours, theirs = Rotation.from_quat(quat), Reference.from_quat(quat)
    close(ours.as_quat(), theirs.as_quat())
    close(ours.as_quat(canonical=True), theirs.as_quat(canonical=True))
    close(ours.as_quat(scalar_first=True), theirs.as_quat(scalar_first=True))
    close(ours.as_matrix(), theirs.as_matrix())
    close(ours.as_rotvec(degrees=True), theirs.as_rotvec(degrees=True))
    close(ours.as_mrp(), theirs.as_mrp())
    close(ours.magnitude(), theirs.magnitude())
    close(ours.inv().as_matrix(), theirs.inv().as_matrix())
    close(ours.apply(VECTORS), theirs.apply(VECTORS))
    close(ours.apply(VECTORS, inverse=True), theirs.apply(VECTORS, inverse=True))


@pytest.mark.parametrize("seq", ["xyz", "zxz", "YXZ", "XYX", "zyx", "ZXZ"])
def test_euler_angles(seq: str) -> None:
    ours, theirs = Rotation.from_quat(MANY), Reference.from_quat(MANY)
    close(ours.as_euler(seq, degrees=True), theirs.as_euler(seq, degrees=True))
    angles = RNG.uniform(-3, 3, (5, 3))
    close(
        Rotation.from_euler(seq, angles).as_matrix(), Reference.from_euler(seq, angles).as_matrix()
    )
    # Where only a sum of two angles is determined the rotation itself comes back.
    middle = 0.0 if seq[0] == seq[2] else np.pi / 2
    flat = Rotation.from_euler(seq, jnp.array([0.3, middle, 0.4]))
    close(Rotation.from_euler(seq, flat.as_euler(seq)).as_matrix(), flat.as_matrix())


def test_what_a_rotation_is_from() -> None:
    theirs = Reference.from_quat(MANY)
    close(Rotation.from_matrix(theirs.as_matrix()).as_matrix(), theirs.as_matrix())
    close(Rotation.from_rotvec(VECTORS).as_matrix(), Reference.from_rotvec(VECTORS).as_matrix())
    close(Rotation.from_mrp(VECTORS).as_matrix(), Reference.from_mrp(VECTORS).as_matrix())
    close(Rotation.from_euler("y", 0.3).as_quat(), Reference.from_euler("y", 0.3).as_quat())
    for axis in np.eye(3):
        half_turn = Reference.from_rotvec(np.pi * axis).as_matrix()
        close(Rotation.from_matrix(half_turn).as_matrix(), half_turn)
    close(Rotation.identity(2).as_matrix(), np.stack([np.eye(3)] * 2))
    close(Rotation.random(random.key(0), 3).as_matrix() @ np.ones(3) * 0, np.zeros((3, 3)))


def test_products_means_and_parts() -> None:
    ours, theirs = Rotation.from_quat(MANY), Reference.from_quat(MANY)
    single, reference = Rotation.from_quat(ONE), Reference.from_quat(ONE)
    close((ours * single).as_matrix(), (theirs * reference).as_matrix())
    close((single * ours).as_matrix(), (reference * theirs).as_matrix())
    close(ours.mean().as_matrix(), theirs.mean().as_matrix())
    weights = np.arange(1.0, 8.0)
    close(ours.mean(weights).as_matrix(), theirs.mean(weights).as_matrix())
    close(Rotation.concatenate([ours, single]).as_quat()[-1], reference.as_quat())
    assert (len(ours), len(ours[2:])) == (7, 5)
    assert ours[0].single
    with pytest.raises(TypeError, match="no len"):
        len(single)
    with pytest.raises(TypeError, match="not subscriptable"):
        single[0]
    for seq in ("xq", "xX", "xx", ""):
        with pytest.raises(ValueError, match="Expected"):
            Rotation.from_euler(seq, jnp.zeros(len(seq)))


def test_interpolation() -> None:
    times = np.array([0.0, 1.0, 2.5, 3.0, 4.0, 5.0, 7.0])
    ours = Slerp.init(times, Rotation.from_quat(MANY))
    theirs = ReferenceSlerp(times, Reference.from_quat(MANY))
    at = np.array([0.0, 0.3, 1.0, 2.0, 6.9, 7.0])
    close(ours(at).as_matrix(), theirs(at).as_matrix())
    close(fg.jit(lambda t: ours(t).as_matrix())(0.7), theirs(0.7).as_matrix())
    with pytest.raises(ValueError, match="number of rotations"):
        Slerp.init(times[:3], Rotation.from_quat(MANY))
    with pytest.raises(ValueError, match="at least 2"):
        Slerp.init(times[:1], Rotation.from_quat(ONE))


def test_derivatives() -> None:
    def turned(v: Any) -> Any:
        return (Rotation.from_rotvec(v).apply(VECTORS[0]) * VECTORS[1]).sum()

    step = 1e-6 * np.eye(3)
    for v in (np.zeros(3), VECTORS[2], 1e-4 * VECTORS[2]):
        numerical = [(turned(v + h) - turned(v - h)) / 2e-6 for h in step]
        np.testing.assert_allclose(fg.grad(turned)(v), numerical, atol=1e-6)
        back = fg.jacfwd(lambda v: Rotation.from_rotvec(v).as_rotvec())(v)
        np.testing.assert_allclose(back, np.eye(3), atol=1e-6)
    matrices = fg.vmap(lambda q: Rotation.from_quat(q).as_matrix())(MANY)
    close(matrices, Reference.from_quat(MANY).as_matrix())
