"""Each distribution against its distribution function, moments, limits and derivatives."""

from typing import Any

import numpy as np
import pytest
import scipy.stats as st

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad import random

IMPLS = ["threefry2x32", "philox"]
N = 4000
# With some 200 tests of fixed samples, one in a hundred thousand is no accident.
UNLIKELY = 1e-5

# The call with `key` and `shape`, and the distribution that it must follow.
CONTINUOUS: dict[str, tuple[Any, Any]] = {
    "uniform": (lambda k, s: random.uniform(k, s), st.uniform()),
    "uniform float32": (lambda k, s: random.uniform(k, s, "float32", -1, 3), st.uniform(-1, 4)),
    "normal": (lambda k, s: random.normal(k, s), st.norm()),
    "normal float32": (lambda k, s: random.normal(k, s, "float32"), st.norm()),
    "normal complex": (lambda k, s: 2**0.5 * random.normal(k, s, complex).imag, st.norm()),
    "truncated_normal": (
        lambda k, s: random.truncated_normal(k, -0.5, 2.0, s),
        st.truncnorm(-0.5, 2),
    ),
    "exponential": (lambda k, s: random.exponential(k, s), st.expon()),
    "gumbel": (lambda k, s: random.gumbel(k, s), st.gumbel_r()),
    "gumbel high": (lambda k, s: random.gumbel(k, s, mode="high"), st.gumbel_r()),
    "laplace": (lambda k, s: random.laplace(k, s), st.laplace()),
    "logistic": (lambda k, s: random.logistic(k, s), st.logistic()),
    "cauchy": (lambda k, s: random.cauchy(k, s), st.cauchy()),
    "lognormal": (lambda k, s: random.lognormal(k, 0.7, s), st.lognorm(0.7)),
    "maxwell": (lambda k, s: random.maxwell(k, s), st.maxwell()),
    "double_sided_maxwell": (
        lambda k, s: jnp.abs(random.double_sided_maxwell(k, 0.0, 2.0, s)),
        st.maxwell(scale=2),
    ),
    "pareto": (lambda k, s: random.pareto(k, 2.5, s), st.pareto(2.5)),
    "rayleigh": (lambda k, s: random.rayleigh(k, 3.0, s), st.rayleigh(scale=3)),
    "triangular": (lambda k, s: random.triangular(k, -1.0, 0.0, 3.0, s), st.triang(0.25, -1, 4)),
    "wald": (lambda k, s: random.wald(k, 2.0, s), st.invgauss(2.0)),
    "weibull_min": (lambda k, s: random.weibull_min(k, 2.0, 1.5, s), st.weibull_min(1.5, scale=2)),
    "gamma": (lambda k, s: random.gamma(k, 2.5, s), st.gamma(2.5)),
    "gamma small": (lambda k, s: random.gamma(k, 0.2, s), st.gamma(0.2)),
    "gamma float32": (lambda k, s: random.gamma(k, 1.5, s, "float32"), st.gamma(1.5)),
    "loggamma": (lambda k, s: jnp.exp(random.loggamma(k, 0.7, s)), st.gamma(0.7)),
    "beta": (lambda k, s: random.beta(k, 0.5, 2.0, s), st.beta(0.5, 2)),
    "chisquare": (lambda k, s: random.chisquare(k, 3.0, s), st.chi2(3)),
    "f": (lambda k, s: random.f(k, 5.0, 7.0, s), st.f(5, 7)),
    "t": (lambda k, s: random.t(k, 3.0, s), st.t(3)),
    "dirichlet": (
        lambda k, s: random.dirichlet(k, jnp.array([1.0, 2.0, 3.0]), s)[:, 1],
        st.beta(2, 4),
    ),
    "generalized_normal": (lambda k, s: random.generalized_normal(k, 3.0, s), st.gennorm(3)),
    "ball": (
        lambda k, s: jnp.sum(random.ball(k, 3, 2, s) ** 2, -1) ** 1.5,
        st.uniform(),
    ),
    "multivariate_normal": (
        lambda k, s: (
            random.multivariate_normal(
                k, jnp.array([1.0, 2.0]), jnp.array([[2.0, 0.5], [0.5, 1.0]]), s
            )
            @ jnp.array([1.0, -1.0])
        ),
        st.norm(-1, 2**0.5),
    ),
    "orthogonal": (
        lambda k, s: random.orthogonal(k, 3, s)[:, 0, 1],
        st.uniform(-1, 2),  # a coordinate of a uniform point on the sphere
    ),
}

DISCRETE: dict[str, tuple[Any, Any]] = {
    "randint": (lambda k, s: random.randint(k, s, -3, 5), st.randint(-3, 5)),
    "randint uint8": (lambda k, s: random.randint(k, s, 0, 7, "uint8"), st.randint(0, 7)),
    "bits": (lambda k, s: random.bits(k, s, "uint8") % 16, st.randint(0, 16)),
    "bernoulli": (lambda k, s: random.bernoulli(k, 0.3, s), st.bernoulli(0.3)),
    "bernoulli high": (
        lambda k, s: random.bernoulli(k, 0.3, s, mode="high"),
        st.bernoulli(0.3),
    ),
    "rademacher": (lambda k, s: (random.rademacher(k, s) + 1) // 2, st.bernoulli(0.5)),
    "geometric": (lambda k, s: random.geometric(k, 0.4, s), st.geom(0.4)),
    "categorical": (
        lambda k, s: random.categorical(k, jnp.log(jnp.array([1.0, 6.0, 3.0])), shape=s),
        st.rv_discrete(values=([0, 1, 2], [0.1, 0.6, 0.3])),
    ),
    "choice": (lambda k, s: random.choice(k, 6, s), st.randint(0, 6)),
    "choice weighted": (
        lambda k, s: random.choice(k, 3, s, p=jnp.array([0.1, 0.6, 0.3])),
        st.rv_discrete(values=([0, 1, 2], [0.1, 0.6, 0.3])),
    ),
    "poisson small": (lambda k, s: random.poisson(k, 2.5, s), st.poisson(2.5)),
    "poisson large": (lambda k, s: random.poisson(k, 15.0, s), st.poisson(15)),
    "binomial small": (lambda k, s: random.binomial(k, 12, 0.3, s), st.binom(12, 0.3)),
    "binomial large": (lambda k, s: random.binomial(k, 60, 0.6, s), st.binom(60, 0.6)),
    "multinomial": (
        lambda k, s: random.multinomial(k, 9, jnp.array([0.2, 0.3, 0.5]), shape=(*s, 3))[:, 1],
        st.binom(9, 0.3),
    ),
}


@pytest.mark.parametrize("impl", IMPLS)
@pytest.mark.parametrize("name", CONTINUOUS)
def test_continuous_distribution(name: str, impl: str) -> None:
    draw, distribution = CONTINUOUS[name]
    sample = np.asarray(draw(random.key(17, impl=impl), (N,)), np.float64)
    assert sample.shape == (N,)
    assert st.kstest(sample, distribution.cdf).pvalue > UNLIKELY


@pytest.mark.parametrize("impl", IMPLS)
@pytest.mark.parametrize("name", DISCRETE)
def test_discrete_distribution(name: str, impl: str) -> None:
    draw, distribution = DISCRETE[name]
    sample = np.asarray(draw(random.key(23, impl=impl), (N,)), np.int64)
    low, high = int(distribution.ppf(0.002)), int(distribution.ppf(0.998))
    values = np.arange(low, high + 1)
    expected = N * distribution.pmf(values)
    expected[0] += N * distribution.cdf(low - 1)
    expected[-1] += N * distribution.sf(high)
    counts = [np.sum(np.clip(sample, low, high) == v) for v in values]
    assert st.chisquare(counts, expected).pvalue > UNLIKELY


@pytest.mark.parametrize("impl", IMPLS)
def test_elements_are_not_correlated(impl: str) -> None:
    """With the element before, with the same element of the next key, and between words."""
    key = random.key(3, impl=impl)
    first, second = (random.normal(k, (N,)) for k in random.split(key))
    for x, y in [(first[1:], first[:-1]), (first, second), (first[::2], first[1::2])]:
        assert st.pearsonr(np.asarray(x), np.asarray(y)).pvalue > UNLIKELY
    bits = np.unpackbits(np.asarray(random.bits(key, (N,), "uint32")).view(np.uint8))
    assert st.binomtest(int(bits.sum()), bits.size).pvalue > UNLIKELY


def test_permutations_are_equally_likely() -> None:
    keys = random.split(random.key(0), 2400)
    orders = np.asarray(fg.vmap(lambda k: random.permutation(k, 4))(keys))
    _, counts = np.unique(orders, axis=0, return_counts=True)
    assert len(counts) == 24
    assert st.chisquare(counts).pvalue > UNLIKELY


def test_permutation_keeps_the_elements() -> None:
    key = random.key(0)
    x = jnp.arange(12).reshape(3, 4)
    rows = np.asarray(random.permutation(key, x))
    assert sorted(map(tuple, rows)) == sorted(map(tuple, np.asarray(x)))
    each = np.asarray(random.permutation(key, x, axis=1, independent=True))
    np.testing.assert_array_equal(np.sort(each, axis=1), x)
    np.testing.assert_array_equal(np.sort(random.permutation(key, 70000)), np.arange(70000))


def test_choice_without_replacement_has_no_repetition() -> None:
    key = random.key(1)
    assert len(set(np.asarray(random.choice(key, 50, (40,), replace=False)).tolist())) == 40
    p = jnp.array([0.0, 0.5, 0.5, 0.0])
    assert set(np.asarray(random.choice(key, 4, (2,), replace=False, p=p)).tolist()) == {1, 2}
    table = jnp.arange(12.0).reshape(3, 4)
    assert random.choice(key, table, (2, 5), axis=1).shape == (3, 2, 5)


def test_covariance_by_every_factorisation() -> None:
    mean, cov = jnp.array([1.0, -1.0]), jnp.array([[2.0, 0.8], [0.8, 0.5]])
    for method in ("cholesky", "eigh", "svd"):
        x = random.multivariate_normal(random.key(2), mean, cov, (20000,), method=method)
        np.testing.assert_allclose(x.mean(0), mean, atol=0.05)
        np.testing.assert_allclose(np.cov(np.asarray(x).T), cov, atol=0.05)


def test_orthogonal_matrices() -> None:
    for n, m, dtype in [(3, 3, "float64"), (2, 4, "float32"), (4, 2, "complex128")]:
        q = np.asarray(random.orthogonal(random.key(0), n, (5,), dtype, m))
        assert (q.shape, q.dtype) == ((5, n, m), dtype)
        small = q if n < m else np.conj(np.swapaxes(q, 1, 2))
        product = small @ np.conj(np.swapaxes(small, 1, 2))
        np.testing.assert_allclose(
            product, np.broadcast_to(np.eye(min(n, m)), product.shape), atol=1e-5
        )


def test_limits() -> None:
    key = random.key(4)
    u = random.uniform(key, (100000,), "float16")
    assert float(u.min()) >= 0
    assert float(u.max()) < 1
    np.testing.assert_array_equal(random.uniform(key, (3,), minval=3.0, maxval=1.0), 3.0)
    np.testing.assert_array_equal(random.randint(key, (3,), 5, 5), 5)
    high = random.randint(key, (2000,), 250, 256, "uint8")
    assert (int(high.min()), int(high.max())) == (250, 255)
    x = random.truncated_normal(key, 1.0, 1.5, (10000,), "float32")
    assert float(x.min()) > 1
    assert float(x.max()) < 1.5
    assert np.isfinite(np.asarray(random.normal(key, (100000,), "float16"))).all()
    np.testing.assert_array_equal(random.bernoulli(key, jnp.array([0.0, 1.0])), [False, True])
    np.testing.assert_array_equal(random.poisson(key, jnp.array([0.0, -1.0, jnp.nan])), [0, -1, -1])
    np.testing.assert_array_equal(
        random.binomial(key, jnp.array([5.0, 5.0, -1.0, jnp.inf]), jnp.array([0.0, 1.0, 0.5, 0.5])),
        [0, 5, np.nan, np.inf],
    )
    np.testing.assert_array_equal(
        random.gamma(key, jnp.array([0.0, -1.0, jnp.inf, jnp.nan])), [0, np.nan, np.inf, np.nan]
    )


def test_loggamma_does_not_underflow() -> None:
    x = random.loggamma(random.key(0), 1e-4, (1000,))
    assert np.isfinite(np.asarray(x)).all()
    assert float(x.min()) < -750


def test_derivatives_of_reparameterised_numbers() -> None:
    """The slope of an expectation is the expectation of slopes."""
    key = random.key(5)

    def mean(draw: Any) -> Any:
        return lambda a: jnp.mean(draw(a))

    cases = [
        (lambda a: random.gamma(key, a, (N,)), 2.0, 1.0),
        (lambda a: random.beta(key, a, 1.0, (N,)), 2.0, 1 / 9),
        (lambda a: random.uniform(key, (N,), minval=0.0, maxval=a), 2.0, 0.5),
        (lambda a: random.rayleigh(key, a, (N,)), 2.0, (np.pi / 2) ** 0.5),
        (lambda a: random.truncated_normal(key, -a, a, (N,)) ** 2, 1.0, 0.5025),
    ]
    for draw, a, slope in cases:
        np.testing.assert_allclose(fg.grad(mean(draw))(a), slope, rtol=0.1)
        np.testing.assert_allclose(fg.jit(fg.grad(mean(draw)))(a), slope, rtol=0.1)
    log = fg.grad(lambda a: jnp.mean(random.loggamma(key, a, (N,))))(2.0)
    np.testing.assert_allclose(log, np.pi**2 / 6 - 1, rtol=0.1)  # trigamma(2)


def test_gamma_moves_with_its_parameter() -> None:
    key, a = random.key(6), 1.7
    step = 1e-6
    slope = fg.jvp(lambda a: random.gamma(key, a, (20,)), (a,), (1.0,))[1]
    x = random.gamma(key, a, (20,))
    # Not along a path of the sampler, but along the quantiles of the distribution.
    quantile = st.gamma.cdf(np.asarray(x), a)
    exact = (st.gamma.ppf(quantile, a + step) - st.gamma.ppf(quantile, a - step)) / (2 * step)
    np.testing.assert_allclose(slope, exact, rtol=1e-4)
