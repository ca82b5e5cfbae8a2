"""The layers of `jax.example_libraries.stax`: dense, elementwise, pooling, normalising, fans."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import funcgrad.numpy as jnp
from funcgrad import lax, nn, random
from funcgrad.nn.initializers import glorot_normal, normal, ones, zeros
from funcgrad.stax.layer import Layer

__all__ = [
    "AvgPool",
    "BatchNorm",
    "Dense",
    "Dropout",
    "Elu",
    "Exp",
    "FanInConcat",
    "FanInSum",
    "FanOut",
    "Flatten",
    "Gelu",
    "GlobalAvgPool",
    "Identity",
    "LeakyRelu",
    "LogSoftmax",
    "MaxPool",
    "Relu",
    "Selu",
    "Sigmoid",
    "Silu",
    "Softmax",
    "Softplus",
    "SumPool",
    "Tanh",
    "elementwise",
]

GLOROT = glorot_normal()
SMALL = normal()


def Dense(out_dim: int, W_init: Any = GLOROT, b_init: Any = SMALL) -> Layer:
    """inputs @ W + b, along the last axis.

    >>> import funcgrad as fg
    >>> from funcgrad import stax
    >>> init_fun, apply_fun = stax.Dense(3)
    >>> out_shape, (W, b) = init_fun(fg.random.key(0), (-1, 4))
    >>> out_shape, W.shape, b.shape
    ((-1, 3), (4, 3), (3,))
    """

    def init_fun(rng: Any, input_shape: Any) -> Any:
        k1, k2 = random.split(rng)
        W, b = W_init(k1, (input_shape[-1], out_dim)), b_init(k2, (out_dim,))
        return (*input_shape[:-1], out_dim), (W, b)

    def apply_fun(params: Any, inputs: Any, **kwargs: Any) -> Any:
        W, b = params
        return jnp.dot(inputs, W) + b

    return Layer(init_fun, apply_fun, f"Dense({out_dim})")


def BatchNorm(
    axis: Any = (0, 1, 2),
    epsilon: float = 1e-5,
    center: bool = True,
    scale: bool = True,
    beta_init: Any = zeros,
    gamma_init: Any = ones,
) -> Layer:
    """The inputs standardised over the batch, times gamma plus beta (Ioffe & Szegedy 2015).

    The statistics are always those of the batch at hand; `RunningBatchNorm` keeps averages.

    Args:
      axis: what is averaged over.
      center, scale: whether there are betas and gammas.

    >>> import funcgrad as fg
    >>> from funcgrad import stax
    >>> out_shape, (beta, gamma) = stax.BatchNorm()[0](fg.random.key(0), (8, 6, 6, 3))
    >>> beta.shape, gamma.shape
    ((3,), (3,))
    """
    axes = (axis,) if isinstance(axis, int) else tuple(axis)

    def init_fun(rng: Any, input_shape: Any) -> Any:
        shape = tuple(n for i, n in enumerate(input_shape) if i not in axes)
        k1, k2 = random.split(rng)
        beta = beta_init(k1, shape) if center else ()
        gamma = gamma_init(k2, shape) if scale else ()
        return input_shape, (beta, gamma)

    def apply_fun(params: Any, inputs: Any, **kwargs: Any) -> Any:
        beta, gamma = params
        where = tuple(i for i in range(jnp.ndim(inputs)) if i in axes)
        out = nn.standardize(inputs, axes, epsilon=epsilon)
        if scale:
            out = out * jnp.expand_dims(gamma, where)
        if center:
            out = out + jnp.expand_dims(beta, where)
        return out

    return Layer(init_fun, apply_fun, "BatchNorm")


def elementwise(fun: Callable[..., Any], **fun_kwargs: Any) -> Layer:
    """A function of the inputs, without parameters.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import stax
    >>> init_fun, apply_fun = stax.elementwise(jnp.clip, min=0.0)
    >>> apply_fun((), jnp.array([-1.0, 2.0]))
    Array([0., 2.], dtype=float64)
    """

    def apply_fun(params: Any, inputs: Any, **kwargs: Any) -> Any:
        return fun(inputs, **fun_kwargs)

    name = getattr(fun, "__name__", type(fun).__name__)
    return Layer(_same_shape, apply_fun, name.title().replace("_", ""))


def _same_shape(rng: Any, input_shape: Any) -> Any:
    return input_shape, ()


Tanh = elementwise(jnp.tanh)
Relu = elementwise(nn.relu)
Exp = elementwise(jnp.exp)
LogSoftmax = elementwise(nn.log_softmax, axis=-1)
Softmax = elementwise(nn.softmax, axis=-1)
Softplus = elementwise(nn.softplus)
Sigmoid = elementwise(nn.sigmoid)
Elu = elementwise(nn.elu)
LeakyRelu = elementwise(nn.leaky_relu)
Selu = elementwise(nn.selu)
Gelu = elementwise(nn.gelu)
Silu = elementwise(nn.silu)


def _pool(
    name: str,
    reduce: Callable[..., Any],
    start: float,
    rescale: Callable[..., Any] | None,
    window_shape: tuple[int, ...],
    strides: tuple[int, ...] | None,
    padding: Any,
    spec: str | None,
) -> Layer:
    n = len(window_shape)
    strides = strides or (1,) * n
    # By default images: the batch first, the channels last.
    batch, channels = (0, n + 1) if spec is None else (spec.index("N"), spec.index("C"))

    def whole(values: tuple[int, ...]) -> tuple[int, ...]:
        out = list(values)
        for axis in sorted((batch, channels)):
            out.insert(axis, 1)
        return tuple(out)

    window, steps = whole(window_shape), whole(strides)

    def init_fun(rng: Any, input_shape: Any) -> Any:
        pads = lax.padtype_to_pads(input_shape, window, steps, padding)
        shape = lax.reduce_window_shape_tuple(input_shape, window, steps, pads)
        return tuple(int(s) for s in shape), ()

    def apply_fun(params: Any, inputs: Any, **kwargs: Any) -> Any:
        initial = jnp.array(start, jnp.asarray(inputs).dtype)
        out = lax.reduce_window(inputs, initial, reduce, window, steps, padding)
        return out if rescale is None else rescale(out, inputs, window, steps, padding)

    return Layer(init_fun, apply_fun, f"{name}{tuple(window_shape)}")


def MaxPool(
    window_shape: tuple[int, ...], strides: Any = None, padding: Any = "VALID", spec: Any = None
) -> Layer:
    """The maximum of each window.

    Args:
      window_shape, strides: of the axes other than batch and channels.
      spec: which axes are which, "NHWC", say; by default the batch is first and the channels last.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import stax
    >>> init_fun, apply_fun = stax.MaxPool((2, 2), strides=(2, 2))
    >>> apply_fun((), jnp.arange(16.0).reshape(1, 4, 4, 1))[0, :, :, 0]
    Array([[ 5.,  7.],
           [13., 15.]], dtype=float64)
    """
    return _pool("MaxPool", lax.max, -math.inf, None, window_shape, strides, padding, spec)


def SumPool(
    window_shape: tuple[int, ...], strides: Any = None, padding: Any = "VALID", spec: Any = None
) -> Layer:
    """The sum of each window; for the arguments see `MaxPool`.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import stax
    >>> init_fun, apply_fun = stax.SumPool((2, 2), strides=(2, 2))
    >>> apply_fun((), jnp.ones((1, 4, 4, 1)))[0, :, :, 0]
    Array([[4., 4.],
           [4., 4.]], dtype=float64)
    """
    return _pool("SumPool", lax.add, 0.0, None, window_shape, strides, padding, spec)


def _over_counts(sums: Any, inputs: Any, window: Any, steps: Any, padding: Any) -> Any:
    """Sums over how many elements each has: fewer at the border of padded inputs."""
    counts = lax.reduce_window(
        jnp.ones_like(inputs), jnp.array(0, sums.dtype), lax.add, window, steps, padding
    )
    return sums / counts


def AvgPool(
    window_shape: tuple[int, ...], strides: Any = None, padding: Any = "VALID", spec: Any = None
) -> Layer:
    """The mean of each window, without what is padded; for the arguments see `MaxPool`.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import stax
    >>> init_fun, apply_fun = stax.AvgPool((2, 2), strides=(2, 2))
    >>> apply_fun((), jnp.arange(16.0).reshape(1, 4, 4, 1))[0, :, :, 0]
    Array([[ 2.5,  4.5],
           [10.5, 12.5]], dtype=float64)
    """
    return _pool("AvgPool", lax.add, 0.0, _over_counts, window_shape, strides, padding, spec)


def _global_mean_shape(rng: Any, input_shape: Any) -> Any:
    return (input_shape[0], input_shape[-1]), ()


def _global_mean(params: Any, inputs: Any, **kwargs: Any) -> Any:
    return jnp.mean(inputs, axis=tuple(range(1, jnp.ndim(inputs) - 1)))


GlobalAvgPool = Layer(_global_mean_shape, _global_mean, "GlobalAvgPool")


def _flat_shape(rng: Any, input_shape: Any) -> Any:
    return (input_shape[0], math.prod(input_shape[1:])), ()


Flatten = Layer(
    _flat_shape,
    lambda params, inputs, **kwargs: jnp.reshape(inputs, (inputs.shape[0], -1)),
    "Flatten",
)

Identity = Layer(_same_shape, lambda params, inputs, **kwargs: inputs, "Identity")


def FanOut(num: int) -> Layer:
    """A list of `num` times the input, for `parallel`.

    >>> from funcgrad import stax
    >>> stax.FanOut(2)[1]((), 1.0)
    [1.0, 1.0]
    """
    return Layer(
        lambda rng, input_shape: ([input_shape] * num, ()),
        lambda params, inputs, **kwargs: [inputs] * num,
        f"FanOut({num})",
    )


FanInSum = Layer(
    lambda rng, input_shape: (input_shape[0], ()),
    lambda params, inputs, **kwargs: functools.reduce(jnp.add, inputs),
    "FanInSum",
)


def FanInConcat(axis: int = -1) -> Layer:
    """The inputs of a list joined along an axis.

    >>> import funcgrad as fg
    >>> from funcgrad import stax
    >>> stax.FanInConcat()[0](fg.random.key(0), [(-1, 3), (-1, 4)])[0]
    (-1, 7)
    """

    def init_fun(rng: Any, input_shape: Any) -> Any:
        first = list(input_shape[0])
        first[axis] = sum(shape[axis] for shape in input_shape)
        return tuple(first), ()

    def apply_fun(params: Any, inputs: Any, **kwargs: Any) -> Any:
        return jnp.concatenate(inputs, axis)

    return Layer(init_fun, apply_fun, "FanInConcat")


def Dropout(rate: float, mode: str = "train") -> Layer:
    """Elements kept with probability `rate` and divided by it, the others 0 (Srivastava et al. 2014).

    As in JAX `rate` is the part that is kept, and a key is always needed.

    Args:
      mode: "train", or anything else to leave the inputs as they are.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import stax
    >>> init_fun, apply_fun = stax.Dropout(0.5)
    >>> apply_fun((), jnp.ones(4), rng=fg.random.key(0))
    Array([...], dtype=float64)
    """

    def apply_fun(params: Any, inputs: Any, **kwargs: Any) -> Any:
        rng = kwargs.get("rng")
        if rng is None:
            raise ValueError(
                "Dropout layer requires apply_fun to be called with a PRNG key argument. That is, "
                "instead of `apply_fun(params, inputs)`, call it like `apply_fun(params, inputs, rng)` "
                "where `rng` is a PRNG key (e.g. from `funcgrad.random.key`)."
            )
        if mode != "train":
            return inputs
        keep = random.bernoulli(rng, rate, jnp.shape(inputs))
        return jnp.where(keep, inputs / rate, 0)

    return Layer(_same_shape, apply_fun, f"Dropout({rate})")
