"""`debug_key_reuse`: a key that is used twice is reported, and only then."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad import lax, random
from funcgrad.config import debug_key_reuse
from funcgrad.errors import KeyReuseError


@pytest.fixture(autouse=True)
def watching() -> Iterator[None]:
    with debug_key_reuse(True):
        yield


def a_key() -> Any:
    return random.key(77)


REUSES = {
    "two draws": lambda k: (random.normal(k), random.uniform(k)),
    "split twice": lambda k: (random.split(k), random.split(k, 3)),
    "draw after split": lambda k: (random.split(k), random.gamma(k, 2.0)),
    "draws in jit": lambda k: fg.jit(lambda k: random.normal(k) + random.normal(k))(k),
    "one program twice": lambda k: [fg.jit(random.normal)(k) for _ in range(2)],
    "an element and its array": lambda k: (
        keys := random.split(k),
        random.normal(keys[1]),
        fg.vmap(random.normal)(keys),
    ),
    "in a loop": lambda k: lax.scan(lambda c, _: (c, random.normal(c)), k, None, length=2),
    "after grad": lambda k: (fg.grad(lambda x: x * random.normal(k))(1.0), random.bits(k)),
}


@pytest.mark.parametrize("name", REUSES)
def test_reuse_is_an_error(name: str) -> None:
    with pytest.raises(KeyReuseError, match=r"Previously-consumed key.*key<fry>"):
        REUSES[name](a_key())
    random.normal(a_key())


USES = {
    "fold_in": lambda k: [random.normal(random.fold_in(k, i)) for i in range(3)],
    "fold_in beside a draw": lambda k: (random.normal(k), random.fold_in(k, 1)),
    "key_data": lambda k: (random.normal(k), random.key_data(k)),
    "clone": lambda k: (random.normal(k), random.normal(random.clone(k))),
    "made again": lambda k: (random.normal(k), random.normal(a_key())),
    "legacy": lambda k: [random.normal(random.PRNGKey(1)) for _ in range(2)],
    "carried": lambda k: lax.scan(lambda c, _: (random.split(c)[0], None), k, None, length=3),
    "vmap": lambda k: fg.vmap(random.normal)(random.split(k, 4)),
    "closed over in vmap": lambda k: fg.vmap(lambda x: x + random.normal(k))(jnp.arange(3.0)),
    "methods that use a key twice": lambda k: [
        random.poisson(random.fold_in(k, 0), 3.0),
        random.binomial(random.fold_in(k, 1), 10, 0.3),
        random.multinomial(random.fold_in(k, 2), 10, jnp.array([0.2, 0.8])),
        random.permutation(random.fold_in(k, 3), 70000),
        random.t(random.fold_in(k, 4), 2.0),
        random.double_sided_maxwell(random.fold_in(k, 5), 0.0, 1.0),
        random.ball(random.fold_in(k, 6), 3),
    ],
}


@pytest.mark.parametrize("name", USES)
def test_proper_use_is_not(name: str) -> None:
    USES[name](a_key())


def test_the_numbers_are_the_same() -> None:
    watched = random.normal(a_key(), (5,))
    with debug_key_reuse(False):
        np.testing.assert_array_equal(watched, random.normal(a_key(), (5,)))
