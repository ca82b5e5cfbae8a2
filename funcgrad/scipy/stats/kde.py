"""Densities estimated from samples by Gaussian kernels."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import funcgrad.numpy as fnp
from funcgrad import lax, random, tree_util
from funcgrad.numpy import ndarray as Array
from funcgrad.numpy.convert import check_arraylike, promote_inexact
from funcgrad.scipy import special

__all__ = ["gaussian_kde"]


class gaussian_kde:
    """The density of which `dataset` is a sample, estimated with a normal density at each point.

    Args:
      dataset: the points, `(d, n)` or, for numbers, `(n,)`.
      bw_method: the width of the kernels relative to the spread of the points: "scott" (the default),
        "silverman", a number, or a function of the object.
      weights: the weight of each point `(n,)`, equal by default.
    Raises:
      ValueError: for fewer than two points, and arguments that do not fit.
      NotImplementedError: for complex points.

    A pytree, whose leaves are `dataset`, `weights`, `covariance` and `inv_cov`. Differentiable in the points
    and the weights.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.stats import gaussian_kde
    >>> gaussian_kde(jnp.array([0.0, 1.0, 2.0]))(1.0)
    Array([0.31815622], dtype=float64)
    """

    neff: Any
    dataset: Any
    weights: Any
    covariance: Any
    inv_cov: Any

    def __init__(
        self,
        dataset: Any,
        bw_method: str | float | Array | Callable[[Any], Any] | None = None,
        weights: Any = None,
    ) -> None:
        check_arraylike("gaussian_kde", dataset)
        data = fnp.atleast_2d(fnp.asarray(dataset))
        if fnp.issubdtype(data.dtype, fnp.complexfloating):
            raise NotImplementedError("gaussian_kde does not support complex data")
        if not data.size > 1:
            raise ValueError("`dataset` input should have multiple elements.")
        if data.ndim != 2:
            raise ValueError(f"`dataset` input should be (d, n) or (n,), got shape {data.shape}.")
        (data,) = promote_inexact("gaussian_kde", data)
        n = data.shape[1]
        if weights is None:
            weights = fnp.full(n, 1 / n, data.dtype)
        else:
            check_arraylike("gaussian_kde", weights)
            data, weights = promote_inexact("gaussian_kde", data, fnp.atleast_1d(weights))
            if weights.ndim != 1:
                raise ValueError("`weights` input should be one-dimensional.")
            if len(weights) != n:
                raise ValueError("`weights` input should be of length n")
            weights = weights / weights.sum()
        self.dataset, self.weights = data, weights
        self.neff = 1 / fnp.sum(weights**2)
        factor = self._factor(bw_method)
        spread = fnp.atleast_2d(fnp.cov(data, rowvar=True, bias=False, aweights=weights))
        self.covariance = spread * factor**2
        self.inv_cov = fnp.linalg.inv(spread) / factor**2

    def _factor(self, bw_method: Any) -> Any:
        if bw_method is None or (isinstance(bw_method, str) and bw_method == "scott"):
            return fnp.power(self.neff, -1.0 / (self.d + 4))
        if isinstance(bw_method, str) and bw_method == "silverman":
            return fnp.power(self.neff * (self.d + 2) / 4.0, -1.0 / (self.d + 4))
        if fnp.isscalar(bw_method) and not isinstance(bw_method, str):
            return bw_method
        if callable(bw_method):
            return bw_method(self)
        raise ValueError("`bw_method` should be 'scott', 'silverman', a scalar, or a callable.")

    @property
    def d(self) -> int:
        """How many dimensions the points have."""
        return int(self.dataset.shape[0])

    @property
    def n(self) -> int:
        """How many points there are."""
        return int(self.dataset.shape[1])

    def evaluate(self, points: Any) -> Array:
        """The density at points `(d, m)`, or `(m,)` for numbers, or one point `(d,)`."""
        check_arraylike("evaluate", points)
        return fnp.exp(self._log_density(points))

    def __call__(self, points: Any) -> Array:
        return self.evaluate(points)

    def pdf(self, x: Any) -> Array:
        """The density: `evaluate`."""
        return self.evaluate(x)

    def logpdf(self, x: Any) -> Array:
        """The logarithm of the density."""
        check_arraylike("logpdf", x)
        return self._log_density(x)

    def _log_density(self, points: Any) -> Array:
        x = self._points(points)
        factor = lax.linalg.cholesky(self.covariance)
        whitened = _solved(factor, self.dataset)
        distances = whitened[:, :, None] - _solved(factor, x)[:, None, :]
        energy = 0.5 * fnp.sum(distances**2, 0)
        size = fnp.log(fnp.diagonal(factor)).sum() + self.d / 2 * math.log(2 * math.pi)
        return special.logsumexp(-energy, axis=0, b=self.weights[:, None]) - size

    def _points(self, points: Any) -> Array:
        x = fnp.atleast_2d(fnp.asarray(points))
        if fnp.issubdtype(x.dtype, fnp.complexfloating):
            raise NotImplementedError("gaussian_kde does not support complex coordinates")
        d = x.shape[0]
        if d != self.d:
            if d == 1 and x.shape[1] == self.d:
                return x.reshape(self.d, 1).astype(self.dataset.dtype)
            raise ValueError(f"points have dimension {d}, dataset has dimension {self.d}")
        return x.astype(fnp.result_type(x, self.dataset.dtype))

    def integrate_gaussian(self, mean: Any, cov: Any) -> Array:
        """The integral of the density times a normal density."""
        mean, cov = fnp.atleast_1d(mean), fnp.atleast_2d(cov)
        if mean.shape != (self.d,):
            raise ValueError(f"mean does not have dimension {self.d}")
        if cov.shape != (self.d, self.d):
            raise ValueError(f"covariance does not have dimension {self.d}")
        return self._overlap(mean[:, None], self.covariance + cov)[:, 0] @ self.weights

    def _overlap(self, others: Array, covariance: Array) -> Array:
        """The normal density with that covariance of the difference of each pair of points."""
        factor = lax.linalg.cholesky(covariance)
        distances = _solved(factor, self.dataset)[:, :, None] - _solved(factor, others)[:, None, :]
        size = fnp.log(fnp.diagonal(factor)).sum() + self.d / 2 * math.log(2 * math.pi)
        return fnp.exp(-0.5 * fnp.sum(distances**2, 0) - size)

    def integrate_box_1d(self, low: Any, high: Any) -> Array:
        """The integral of a density of numbers from `low` to `high`."""
        if self.d != 1:
            raise ValueError("integrate_box_1d() only handles 1D pdfs")
        if fnp.ndim(low) or fnp.ndim(high):
            raise ValueError("the limits of integration in integrate_box_1d must be scalars")
        deviation = fnp.sqrt(self.covariance[0, 0])
        low, high = ((fnp.asarray(x) - self.dataset[0]) / deviation for x in (low, high))
        return fnp.sum(self.weights * (special.ndtr(high) - special.ndtr(low)))

    def integrate_kde(self, other: gaussian_kde) -> Array:
        """The integral of the product with another estimated density."""
        if other.d != self.d:
            raise ValueError("KDEs are not the same dimensionality")
        overlap = self._overlap(other.dataset, self.covariance + other.covariance)
        return self.weights @ overlap @ other.weights

    def resample(self, key: Any, shape: tuple[int, ...] = ()) -> Array:
        """Random points `(d, *shape)` of the estimated density."""
        which, noise = random.split(key)
        index = random.choice(which, self.n, shape=shape, p=self.weights)
        zero = fnp.zeros(self.d, self.covariance.dtype)
        drawn = random.multivariate_normal(noise, zero, self.covariance, shape, self.dataset.dtype)
        return self.dataset[:, index] + fnp.moveaxis(drawn, -1, 0)

    def integrate_box(
        self, low_bounds: Any, high_bounds: Any, maxpts: Any = None, rng: Any = None
    ) -> Any:
        """Not implemented: see `integrate_box_1d`."""
        raise NotImplementedError("only 1D box integrations are supported; use `integrate_box_1d`")

    def set_bandwidth(self, bw_method: Any = None) -> Any:
        """Not implemented: make another object."""
        raise NotImplementedError("dynamically changing the bandwidth method is not supported")


def _solved(factor: Array, x: Array) -> Array:
    return lax.linalg.triangular_solve(factor, x.astype(factor.dtype), left_side=True, lower=True)


_LEAVES = ("neff", "dataset", "weights", "covariance", "inv_cov")


def _unflatten(_: None, leaves: Any) -> gaussian_kde:
    out: gaussian_kde = object.__new__(gaussian_kde)
    for name, leaf in zip(_LEAVES, leaves, strict=True):
        setattr(out, name, leaf)
    return out


tree_util.register_pytree_node(
    gaussian_kde, lambda kde: (tuple(getattr(kde, n) for n in _LEAVES), None), _unflatten
)
