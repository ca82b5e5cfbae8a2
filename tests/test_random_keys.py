"""Key arrays: made, split, wrapped, indexed, mapped over; and what is refused."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad import lax, random
from funcgrad.config import enable_x64, legacy_prng_key, random_seed_offset

IMPLS = ["threefry2x32", "philox"]


def words(keys: Any) -> Any:
    return np.asarray(random.key_data(keys))


@pytest.fixture(params=IMPLS)
def keys(request: pytest.FixtureRequest) -> Any:
    return random.split(random.key(1, impl=request.param), (2, 3))


def test_dtype_and_shape() -> None:
    key = random.key(0)
    assert (key.shape, key.ndim, key.size, key.itemsize, key.nbytes) == ((), 0, 1, 8, 8)
    assert key.dtype == random.key_dtype() == random.key(7).dtype
    assert str(key.dtype) == "key<fry>"
    assert fg.dtypes.issubdtype(key.dtype, fg.dtypes.prng_key)
    assert isinstance(key, fg.Array)
    assert random.key(0, impl="philox").dtype != key.dtype
    assert random.key_impl(random.key(0, impl="philox")) == "philox"
    assert random.key(0, dtype=key.dtype).dtype == key.dtype


def test_names_of_other_generators() -> None:
    """Programs that ask for `rbg` get philox under that name."""
    for name, tag in [("rbg", "rbg"), ("unsafe_rbg", "urbg")]:
        key = random.key(3, impl=name)
        assert str(key.dtype) == f"key<{tag}>"
        np.testing.assert_array_equal(random.PRNGKey(3, impl=name), [0, 3, 0, 3])
        np.testing.assert_array_equal(
            random.normal(key, (4,)), random.normal(random.key(3, impl="philox"), (4,))
        )


def test_legacy_keys_behave_like_new_ones() -> None:
    new, old = random.key(5), random.PRNGKey(5)
    assert old.dtype == np.uint32
    assert random.key_impl(old) == "threefry2x32"
    np.testing.assert_array_equal(words(new), old)
    np.testing.assert_array_equal(words(random.split(new, 3)), random.split(old, 3))
    np.testing.assert_array_equal(words(random.fold_in(new, 3)), random.fold_in(old, 3))
    np.testing.assert_array_equal(random.normal(new, (3,)), random.normal(old, (3,)))
    np.testing.assert_array_equal(random.normal(np.asarray(old), (3,)), random.normal(old, (3,)))
    np.testing.assert_array_equal(random.clone(old), old)


def test_wrapping_is_the_inverse_of_unwrapping(keys: Any) -> None:
    again = random.wrap_key_data(random.key_data(keys), impl=random.key_impl(keys))
    assert again.dtype == keys.dtype
    assert again.shape == keys.shape
    np.testing.assert_array_equal(words(again), words(keys))


def test_operations_on_arrays_of_keys(keys: Any) -> None:
    flat = words(keys).reshape(6, -1)
    np.testing.assert_array_equal(words(keys[1, 2]), flat[5])
    np.testing.assert_array_equal(words(keys.reshape(6)[1:3]), flat[1:3])
    np.testing.assert_array_equal(words(keys.T)[0, 1], flat[3])
    np.testing.assert_array_equal(words(keys.ravel()[jnp.array([4, 0])]), flat[[4, 0]])
    np.testing.assert_array_equal(words(lax.concatenate([keys, keys], 0))[2:].reshape(6, -1), flat)
    np.testing.assert_array_equal(
        words(lax.select(jnp.eye(2, 3) > 0, keys, keys[:, ::-1]))[1, 1], flat[4]
    )
    np.testing.assert_array_equal(words(jnp.broadcast_to(keys[0, 0], (2,)))[1], flat[0])
    np.testing.assert_array_equal(words(keys.at[0, 0].set(keys[1, 1]))[0, 0], flat[4])
    first, second = keys
    np.testing.assert_array_equal(words(second), flat[3:])
    assert len(first) == 3


def test_keys_are_pytree_leaves_and_pickle(keys: Any) -> None:
    mapped = fg.tree_util.tree_map(lambda x: x[0], {"k": keys, "x": jnp.ones(3)})
    assert mapped["k"].shape == (3,)
    for copied in (pickle.loads(pickle.dumps(keys)), copy.deepcopy(keys), copy.copy(keys)):
        assert copied.dtype == keys.dtype
        np.testing.assert_array_equal(words(copied), words(keys))


def test_keys_through_transformations(keys: Any) -> None:
    key = keys[0, 0]
    np.testing.assert_array_equal(words(fg.jit(lambda k: k)(key)), words(key))
    np.testing.assert_array_equal(
        words(fg.vmap(fg.vmap(lambda k: random.split(k, 4)))(keys))[1, 2],
        words(random.split(keys[1, 2], 4)),
    )
    folded = fg.vmap(random.fold_in, in_axes=(None, 0))(key, jnp.arange(3))
    np.testing.assert_array_equal(words(folded[2]), words(random.fold_in(key, 2)))
    out = fg.eval_shape(lambda k: random.split(k, 5), key)
    assert (out.shape, out.dtype) == ((5,), keys.dtype)
    scaled = fg.grad(lambda x: x * random.normal(key))(2.0)
    assert float(scaled) == float(random.normal(key))
    value, slope = fg.jit(fg.value_and_grad(lambda x, k: x * random.normal(k)))(2.0, key)
    assert float(value) == 2 * float(slope)
    batched = fg.vmap(lambda w: random.wrap_key_data(w, impl=random.key_impl(keys)), in_axes=1)
    np.testing.assert_array_equal(words(batched(words(keys[0]).T)), words(keys[0]))
    seeded = fg.vmap(lambda s: random.key(s, impl=random.key_impl(keys)))(jnp.arange(3))
    np.testing.assert_array_equal(
        words(seeded[2]), words(random.key(2, impl=random.key_impl(keys)))
    )


def test_clone_gives_the_same_key(keys: Any) -> None:
    np.testing.assert_array_equal(words(fg.vmap(random.clone)(keys)), words(keys))


def test_jaxpr_text() -> None:
    text = str(
        fg.make_jaxpr(lambda k: random.key_data(random.fold_in(random.split(k)[0], 3)))(
            random.key(0)
        )
    )
    for line in (
        "a:key<fry>[]",
        "key<fry>[2] = random_split[shape=(2,)] a",
        "= random_fold_in ",
        "3:u32[]",
        "u32[2] = random_unwrap ",
    ):
        assert line in text
    assert "random_seed[impl=fry] 3:i64[]" in str(fg.make_jaxpr(lambda: random.key(3))())
    assert "random_bits[bit_width=32 shape=(3,)]" in str(
        fg.make_jaxpr(lambda k: random.normal(k, (3,), "float32"))(random.key(0))
    )


def test_seeds() -> None:
    np.testing.assert_array_equal(random.PRNGKey(2**40), [256, 0])
    np.testing.assert_array_equal(random.PRNGKey(-1), [2**32 - 1] * 2)
    np.testing.assert_array_equal(random.PRNGKey(True), [0, 1])
    np.testing.assert_array_equal(random.PRNGKey(np.uint32(2**32 - 1)), [0, 2**32 - 1])
    np.testing.assert_array_equal(random.PRNGKey(jnp.int8(-3)), [0, 2**32 - 3])
    with random_seed_offset(3):
        np.testing.assert_array_equal(random.PRNGKey(4), [0, 7])


def test_32_bit_mode() -> None:
    with enable_x64(False):
        np.testing.assert_array_equal(random.PRNGKey(2**40), [0, 0])
        np.testing.assert_array_equal(random.PRNGKey(-1), [0, 2**32 - 1])
        key = random.key(0)
        assert random.normal(key).dtype == np.float32
        assert random.bits(key).dtype == np.uint32
        np.testing.assert_array_equal(random.randint(key, (3,), 0, 10), [9, 0, 2])


REFUSED = {
    "key(1.5)": (TypeError, "PRNG key seed must be an integer"),
    "key(jnp.arange(2))": (TypeError, r"accepts a scalar seed.*shape \(2,\)"),
    "PRNGKey(key(0))": (TypeError, "was given a PRNG key"),
    "key(2**64)": (OverflowError, "too large"),
    "key(0, impl='mersenne')": (
        ValueError,
        'unrecognized PRNG implementation "mersenne".*threefry2x32',
    ),
    "key(0, impl=3)": (TypeError, "unrecognized type"),
    "key(0, impl='philox', dtype=key_dtype())": (ValueError, "both"),
    "split(3)": (TypeError, "expected key_data to have ndim, shape, and dtype attributes"),
    "split(jnp.zeros(3, 'uint32'))": (TypeError, r"end with \(2,\)"),
    "split(jnp.zeros(2))": (TypeError, "expected key_data.dtype = uint32; got dtype=float64"),
    "split(split(key(0)))": (ValueError, r"split accepts a single key.*\(2,\) != \(\)"),
    "split(jnp.zeros((2, 2), 'uint32'))": (ValueError, "single key"),
    "split(key(0), 2.5)": (TypeError, "cannot be interpreted as an integer"),
    "split(key(0), -1)": (ValueError, "negative"),
    "fold_in(key(0), -1)": (OverflowError, "out of bounds for uint32"),
    "fold_in(key(0), jnp.arange(2))": (TypeError, "accepts a scalar"),
    "wrap_key_data(jnp.zeros((2, 2)))": (TypeError, "uint32"),
    "wrap_key_data(key(0))": (TypeError, "ndim"),
    "normal(split(key(0)), (3,))": (ValueError, "normal accepts a single key"),
    "normal(key(0), (2.5,))": (TypeError, "Shapes must be 1D sequences of concrete values"),
    "normal(key(0), (-1,))": (ValueError, "negative"),
    "normal(key(0), (3,), int)": (ValueError, "must be a float or complex dtype, got int64"),
    "uniform(key(0), (3,), int)": (ValueError, "`uniform` must be a float dtype"),
    "bits(key(0), (3,), 'int32')": (ValueError, "unsigned int dtype, got int32"),
    "randint(key(0), (3,), 0, 10, 'float32')": (TypeError, "only accepts integer dtypes"),
    "randint(key(0), (3,), jnp.zeros(4), 10)": (ValueError, "Incompatible shapes"),
    "gamma(key(0), jnp.ones((4, 2)), (2,))": (ValueError, "gamma parameter shapes must be"),
    "permutation(key(0), 5.0)": (TypeError, "integer or at least 1-dimensional"),
    "permutation(key(0), jnp.ones((3, 2)), axis=2)": (ValueError, "out of bounds"),
    "permutation(key(0), [1, 2])": (TypeError, "requires ndarray or scalar"),
    "choice(key(0), 0, (3,))": (ValueError, "must be greater than 0"),
    "choice(key(0), 5, (6,), replace=False)": (ValueError, "larger sample"),
    "choice(key(0), 5, (3,), p=jnp.ones(4))": (ValueError, "p must be None or a 1D vector"),
    "choice(key(0), 5, 3)": (TypeError, "must be a sequence"),
    "bernoulli(key(0), 1)": (TypeError, "floating dtype, got int64"),
    "bernoulli(key(0), 0.5, mode='middle')": (ValueError, "expected 'high' or 'low'"),
    "categorical(key(0), jnp.zeros((2, 5)), replace=False, shape=(6, 2))": (ValueError, "exceed"),
    "categorical(key(0), jnp.zeros((2, 3)), shape=(4,))": (ValueError, "Incompatible shapes"),
    "dirichlet(key(0), 1.0)": (ValueError, "alpha.ndim >= 1"),
    "multivariate_normal(key(0), jnp.zeros(2), jnp.eye(3))": (ValueError, "n=2"),
    "multivariate_normal(key(0), jnp.zeros(2), jnp.eye(2), method='lu')": (
        ValueError,
        "method must",
    ),
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_refused(text: str) -> None:
    error, message = REFUSED[text]
    names = {name: getattr(random, name) for name in random.__all__}
    with pytest.raises(error, match=message):
        eval(text, {**names, "jnp": jnp})
    assert random.split(random.key(0)).shape == (2,)


def test_arithmetic_with_keys_is_refused() -> None:
    key = random.key(0)
    with pytest.raises(TypeError):
        key + 1
    with pytest.raises(TypeError):
        jnp.sin(key)
    with pytest.raises(TypeError):
        fg.grad(lambda k: random.normal(k))(key)


def test_legacy_keys_can_be_refused() -> None:
    old = random.PRNGKey(0)
    with legacy_prng_key("warn"), pytest.warns(UserWarning, match="uint32 key array"):
        random.normal(old)
    with legacy_prng_key("error"), pytest.raises(ValueError, match="uint32 key array"):
        random.normal(old)


def test_keys_compare_join_and_fill() -> None:
    keys = random.split(random.key(0), 3)
    assert (keys == keys[0]).tolist() == [True, False, False]
    assert fg.jit(lambda k: k != k[0])(keys).tolist() == [False, True, True]
    assert bool(jnp.array_equal(keys, keys)) and bool(keys[0] == keys[0])
    assert keys[keys != keys[0]].shape == (2,)
    for joined in (jnp.concatenate([keys, keys]), jnp.hstack([keys, keys]), jnp.append(keys, keys)):
        assert joined.shape == (6,) and joined.dtype == keys.dtype
    assert fg.jit(lambda k: jnp.stack([k, k], 1))(keys).shape == (3, 2)
    chosen = jnp.where(jnp.array([True, False, True]), keys, keys[1])
    assert (chosen == keys).tolist() == [True, True, True]
    for zeros in (jnp.zeros_like(keys), jnp.zeros(3, keys.dtype), fg.jit(jnp.zeros_like)(keys)):
        assert random.key_data(zeros).tolist() == [[0, 0]] * 3
    assert repr(random.key(7)) == "Array((), dtype=key<fry>) overlaying:\n[0 7]"
    with pytest.raises(TypeError, match="boolean"):
        bool(keys[0])
    with pytest.raises(TypeError, match="key_data"):
        np.asarray(keys)
