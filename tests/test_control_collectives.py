"""Operations over named axes: values against NumPy, derivatives against differences, nests of names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad import lax

N = 4
X = jnp.asarray(np.random.default_rng(0).normal(size=(N, N, 8)))


def mapped(f: Callable[..., Any], **options: Any) -> Callable[..., Any]:
    return fg.vmap(f, axis_name="i", **options)


def values(f: Callable[[Any], Any]) -> Any:
    """What `f` returns within a mapped function, as it is."""
    seen: list[Any] = []

    def probe(x: Any) -> Any:
        seen.append(f(x))
        return x

    mapped(probe)(jnp.arange(float(N)))
    return seen[0]


CYCLE = [(0, 1), (1, 2), (2, 3), (3, 0)]

# Each with what it does to the whole batch.
CASES: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "psum": (lambda x: lax.psum(x, "i"), lambda a: np.stack([a.sum(0)] * N)),
    "pmean": (lambda x: lax.pmean(x, "i"), lambda a: np.stack([a.mean(0)] * N)),
    "psum with an axis": (
        lambda x: lax.psum(x, ("i", 1)), lambda a: np.stack([a.sum((0, 2))] * N),
    ),
    "all_gather": (lambda x: lax.all_gather(x, "i"), lambda a: np.stack([a] * N)),
    "all_gather at the end": (
        lambda x: lax.all_gather(x, "i", axis=-1), lambda a: np.stack([np.moveaxis(a, 0, 2)] * N),
    ),
    "all_gather tiled": (
        lambda x: lax.all_gather(x, "i", axis=1, tiled=True),
        lambda a: np.stack([np.concatenate(list(a), 1)] * N),
    ),
    "psum_scatter": (lambda x: lax.psum_scatter(x, "i"), lambda a: a.sum(0)),
    "psum_scatter tiled": (
        lambda x: lax.psum_scatter(x, "i", scatter_dimension=1, tiled=True),
        lambda a: np.stack(np.split(a.sum(0), N, 1)),
    ),
    "all_to_all": (lambda x: lax.all_to_all(x, "i", 0, 0), lambda a: np.swapaxes(a, 0, 1)),
    "all_to_all elsewhere": (
        lambda x: lax.all_to_all(x, "i", 0, 1), lambda a: np.moveaxis(np.swapaxes(a, 0, 1), 1, 2),
    ),
    "all_to_all tiled": (
        lambda x: lax.all_to_all(x, "i", 1, 0, tiled=True),
        lambda a: np.stack([np.concatenate([np.split(r, N, 1)[i] for r in a]) for i in range(N)]),
    ),
    "pswapaxes": (lambda x: lax.pswapaxes(x, "i", 0), lambda a: np.swapaxes(a, 0, 1)),
    "ppermute": (lambda x: lax.ppermute(x, "i", CYCLE), lambda a: a[[3, 0, 1, 2]]),
    "ppermute of some": (
        lambda x: lax.ppermute(x, "i", [(0, 2), (3, 0)]),
        lambda a: np.stack([a[3], 0 * a[0], a[0], 0 * a[0]]),
    ),
    "pshuffle": (lambda x: lax.pshuffle(x, "i", [2, 0, 3, 1]), lambda a: a[[2, 0, 3, 1]]),
    "pbroadcast": (lambda x: lax.pbroadcast(x, "i", 2), lambda a: np.stack([a[2]] * N)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_values_and_derivatives(name: str) -> None:
    f, expected = CASES[name]
    a = np.asarray(X)
    np.testing.assert_allclose(mapped(f)(X), expected(a), rtol=1e-12)
    np.testing.assert_allclose(fg.jit(mapped(f))(X), expected(a), rtol=1e-12)
    np.testing.assert_allclose(mapped(fg.jit(f))(X), expected(a), rtol=1e-12)
    # The same value in each element.
    same = mapped(lambda _: f(X[0]))(X)
    np.testing.assert_allclose(same, expected(np.stack([a[0]] * N)), rtol=1e-12)
    # Another batch axis outside and inside.
    both = jnp.stack([X, X + 1.0])
    wanted = np.stack([expected(a), expected(a + 1.0)])
    np.testing.assert_allclose(fg.vmap(mapped(f))(both), wanted, rtol=1e-12)
    inside = mapped(fg.vmap(f, in_axes=-1), out_axes=1)
    np.testing.assert_allclose(inside(jnp.moveaxis(both, 0, -1)), wanted, rtol=1e-12)
    # Linear, so the derivative is the function; <ct, f(t)> = <f^T(ct), t>.
    t = jnp.cos(X)
    np.testing.assert_allclose(fg.jvp(mapped(f), (X,), (t,))[1], mapped(f)(t), rtol=1e-12)
    out, back = fg.vjp(mapped(f), X)
    ct = jnp.sin(out)
    np.testing.assert_allclose(jnp.vdot(back(ct)[0], t), jnp.vdot(ct, mapped(f)(t)), rtol=1e-10)


@pytest.mark.parametrize("name", CASES)
def test_gradients_within_the_mapped_function(name: str) -> None:
    """Each element's loss differentiated by its own value: the sum of what reaches all elements."""
    f = CASES[name][0]
    total = lambda x: mapped(lambda x: jnp.sum(jnp.sin(f(x))))(x).sum()
    within = mapped(fg.grad(lambda x: jnp.sum(jnp.sin(f(x)))))
    np.testing.assert_allclose(within(X), fg.grad(total)(X), rtol=1e-10)
    np.testing.assert_allclose(fg.jit(within)(X), fg.grad(total)(X), rtol=1e-10)


def test_what_is_the_same_for_all_is_counted_at_once() -> None:
    assert type(values(lambda x: lax.psum(1, "i"))) is int
    assert values(lambda x: lax.psum({"a": 1, "b": (2.5, None)}, "i")) == {
        "a": 4,
        "b": (10.0, None),
    }
    assert values(lambda x: lax.psum(np.float32(2), "i")) == np.float32(8)
    assert type(values(lambda x: lax.pmean(1, "i"))) is float
    assert values(lambda x: lax.psum(True, "i")).dtype == jnp.int32
    assert values(lambda x: lax.psum(1, "i", axis_index_groups=[[0, 1], [2, 3]])) == 2
    assert values(lambda x: lax.axis_size("i")) == 4


def test_types() -> None:
    flags = jnp.array([True, False, True, True])
    counted = mapped(lambda x: lax.psum(x, "i"))(flags)
    assert counted.dtype == jnp.int32 and counted[0] == 3
    mean = mapped(lambda x: lax.pmean(x, "i"))(jnp.arange(4))
    assert mean.dtype == jnp.float64 and mean[0] == 1.5
    assert mapped(lambda x: lax.pmax(x, "i"))(jnp.arange(4)).tolist() == [3] * 4
    assert mapped(lambda x: lax.pmin(x, "i"))(flags).tolist() == [False] * 4


def test_nested_names() -> None:
    x = jnp.arange(6.0).reshape(2, 3)
    nest = lambda f: fg.vmap(fg.vmap(f, axis_name="j"), axis_name="i")
    index = nest(lambda x: (lax.axis_index(("i", "j")), lax.axis_index(("j", "i"))))(x)
    np.testing.assert_array_equal(index[0], [[0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal(index[1], [[0, 2, 4], [1, 3, 5]])
    sums = nest(lambda x: (lax.psum(x, ("i", "j")), lax.psum(x, "j"), lax.pmax(x, "i")))(x)
    np.testing.assert_array_equal(sums[0], np.full((2, 3), 15.0))
    np.testing.assert_array_equal(sums[1], [[3.0] * 3, [12.0] * 3])
    np.testing.assert_array_equal(sums[2], [[3.0, 4.0, 5.0]] * 2)
    gathered = nest(lambda x: lax.all_gather(x, ("i", "j")))(x)
    np.testing.assert_array_equal(gathered, np.broadcast_to(np.arange(6.0), (2, 3, 6)))
    cycle = [(k, (k + 1) % 6) for k in range(6)]
    shifted = nest(lambda x: lax.ppermute(x, ("i", "j"), cycle))(x)
    np.testing.assert_array_equal(shifted, [[5.0, 0.0, 1.0], [2.0, 3.0, 4.0]])
    rows = jnp.arange(36.0).reshape(2, 3, 6)
    flat = np.asarray(rows).reshape(6, 6)
    swapped = nest(lambda x: lax.all_to_all(x, ("i", "j"), 0, 0))(rows)
    np.testing.assert_array_equal(swapped, flat.T.reshape(2, 3, 6))
    parts = nest(lambda x: lax.psum_scatter(x, ("i", "j")))(rows)
    np.testing.assert_array_equal(parts, flat.sum(0).reshape(2, 3))


def test_inside_loops_and_branches() -> None:
    x = jnp.arange(4.0)
    doubled = mapped(
        lambda x: lax.scan(lambda c, _: (c + lax.psum(c, "i"), lax.axis_index("i")), x, length=2)
    )(x)
    np.testing.assert_array_equal(doubled[0], x + 6.0 + 30.0)
    np.testing.assert_array_equal(doubled[1], [[0, 0], [1, 1], [2, 2], [3, 3]])
    until = mapped(lambda x: lax.while_loop(lambda c: lax.psum(c, "i") < 20, lambda c: c + 1.0, x))(
        x
    )
    np.testing.assert_array_equal(until, x + 4.0)
    chosen = mapped(lambda x: lax.cond(x > 1, lambda x: lax.psum(x, "i"), lambda x: x, x))(x)
    np.testing.assert_array_equal(chosen, [0.0, 1.0, 6.0, 6.0])


def test_batch_normalization_is_differentiated_through_its_statistics() -> None:
    def normalized(x: Any) -> Any:
        mean = lax.pmean(x, "i")
        return (x - mean) / jnp.sqrt(lax.pmean((x - mean) ** 2, "i") + 1e-3)

    def whole(x: Any) -> Any:
        return (x - x.mean(0)) / jnp.sqrt(x.var(0) + 1e-3)

    w = jnp.sin(jnp.arange(32.0)).reshape(4, 8)
    x = X[0]
    found = fg.grad(lambda x: jnp.sum(w * mapped(normalized)(x) ** 3))(x)
    np.testing.assert_allclose(found, fg.grad(lambda x: jnp.sum(w * whole(x) ** 3))(x), rtol=1e-9)


@pytest.mark.parametrize(
    ("f", "error", "message"),
    [
        (lambda x: lax.psum(x, "j"), NameError, "unbound axis name: j"),
        (lambda x: lax.axis_index("j"), NameError, "unbound axis name: j"),
        (lambda x: lax.psum(x, "i", axis_index_groups=[[0, 1], [2, 3]]), NotImplementedError, "nest"),
        (lambda x: lax.all_gather(x, "i", axis=3), ValueError, "axis 3 is out of bounds"),
        (lambda x: lax.all_gather(x, "i", to="there"), ValueError, "Allowed `to` values"),
        (lambda x: lax.psum_scatter(x[:3], "i"), ValueError, "4 and 3"),
        (lambda x: lax.all_to_all(x, "i", 1, 0), ValueError, "4 and 8"),
        (lambda x: lax.all_to_all(x[:3], "i", 0, 0, tiled=True), ValueError, "divisible"),
        (lambda x: lax.ppermute(x, "i", [(0, 1), (2, 1)]), ValueError, "must be unique"),
        (lambda x: lax.ppermute(x, "i", [(0, 4)]), ValueError, "axis of 4 elements"),
        (lambda x: lax.pshuffle(x, "i", [0, 0, 1, 2]), ValueError, "not represent a permutation"),
        (fg.grad(lambda x: lax.pmax(x, "i").sum()), NotImplementedError, "'pmax' not implemented"),
    ],
)  # fmt: skip
def test_refusals(f: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        mapped(f)(X)


def test_jaxprs_of_collectives() -> None:
    env = [("i", 4)]
    jaxpr = fg.make_jaxpr(lambda x: lax.pmean(x, "i"), axis_env=env)(1.0)
    assert str(jaxpr).split() == (
        "{ lambda ; a:f64[]. let b:f64[] = psum[axes=('i',) axis_index_groups=None] a "
        "c:f64[] = div b 4.0:f64[] in (c,) }"
    ).split()  # fmt: skip
    shift = fg.make_jaxpr(lambda x: lax.ppermute(x, "i", CYCLE), axis_env=env)(1.0)
    assert "axis_name=('i',)" in str(shift)
    with pytest.raises(NameError, match="unbound axis name: i"):
        fg.make_jaxpr(lambda x: lax.all_gather(x, "i"))(1.0)


def test_spmd_axis_name_is_accepted() -> None:
    np.testing.assert_array_equal(fg.vmap(jnp.sin, spmd_axis_name="i")(X), jnp.sin(X))
