"""Optimisers ready for use: gradient descent, sums of squares, layers and signs."""

from __future__ import annotations

from typing import Any

import funcgrad.numpy as jnp
from funcgrad.optim.accumulation import ema, trace
from funcgrad.optim.adding import add_decayed_weights, add_noise
from funcgrad.optim.base import (
    GradientTransformationExtraArgs,
    ScalarOrSchedule,
    identity,
    scale,
)
from funcgrad.optim.clipping import clip_by_block_rms
from funcgrad.optim.combine import chain
from funcgrad.optim.factored import scale_by_factored_rms
from funcgrad.optim.masking import MaskOrFn, masked
from funcgrad.optim.scaling import (
    scale_by_learning_rate,
    scale_by_optimistic_gradient,
    scale_by_param_block_rms,
    scale_by_polyak,
    scale_by_rprop,
    scale_by_sign,
    scale_by_trust_ratio,
)
from funcgrad.optim.squares import (
    scale_by_adadelta,
    scale_by_rms,
    scale_by_rss,
    scale_by_sm3,
    scale_by_stddev,
)

__all__ = [
    "adadelta",
    "adafactor",
    "adagrad",
    "fromage",
    "lars",
    "noisy_sgd",
    "optimistic_gradient_descent",
    "polyak_sgd",
    "rmsprop",
    "rprop",
    "sgd",
    "sign_sgd",
    "signum",
    "sm3",
]

Optimizer = GradientTransformationExtraArgs


def sgd(
    learning_rate: ScalarOrSchedule,
    momentum: Any = None,
    nesterov: bool = False,
    accumulator_dtype: Any = None,
) -> Optimizer:
    """Gradient descent, with momentum or Nesterov's on request (Sutskever et al. 2013).

    >>> from funcgrad import optim
    >>> tx = optim.sgd(0.1, momentum=0.9)
    >>> _, state = tx.update(1.0, tx.init(0.0))
    >>> tx.update(1.0, state)[0]
    Array(-0.19, dtype=float64, weak_type=True)
    """
    gathered = identity() if momentum is None else trace(momentum, nesterov, accumulator_dtype)
    return chain(gathered, scale_by_learning_rate(learning_rate))


def noisy_sgd(
    learning_rate: ScalarOrSchedule,
    eta: Any = 0.01,
    gamma: Any = 0.55,
    key: Any = None,
    *,
    seed: int | None = None,
) -> Optimizer:
    """Gradient descent with noise of variance eta / step**gamma (Neelakantan et al. 2014,
    arXiv:1511.06807).

    >>> from funcgrad import optim
    >>> tx = optim.noisy_sgd(0.1, key=0)
    >>> tx.update(0.0, tx.init(0.0))[0]
    Array(0.00046976, dtype=float64)
    """
    return chain(add_noise(eta, gamma, key, seed=seed), scale_by_learning_rate(learning_rate))


def sign_sgd(learning_rate: ScalarOrSchedule) -> Optimizer:
    """Steps of one length by the gradient's signs (Bernstein et al. 2018, arXiv:1802.04434).

    >>> from funcgrad import optim
    >>> tx = optim.sign_sgd(0.1)
    >>> tx.update(5.0, tx.init(0.0))[0]
    Array(-0.1, dtype=float64, weak_type=True)
    """
    return chain(scale_by_sign(), scale_by_learning_rate(learning_rate))


def signum(
    learning_rate: ScalarOrSchedule, beta: Any = 0.9, accumulator_dtype: Any = None
) -> Optimizer:
    """`sign_sgd` of a moving average of the gradients (Bernstein et al. 2018).

    >>> from funcgrad import optim
    >>> tx = optim.signum(0.1)
    >>> tx.update(5.0, tx.init(0.0))[0]
    Array(-0.1, dtype=float64, weak_type=True)
    """
    return chain(
        ema(beta, debias=False, accumulator_dtype=accumulator_dtype),
        scale_by_sign(),
        scale_by_learning_rate(learning_rate),
    )


def optimistic_gradient_descent(
    learning_rate: ScalarOrSchedule, alpha: ScalarOrSchedule = 1.0, beta: ScalarOrSchedule = 1.0
) -> Optimizer:
    """Gradient descent with a look back at the last gradient (Mokhtari et al. 2019,
    arXiv:1901.08511).

    >>> from funcgrad import optim
    >>> tx = optim.optimistic_gradient_descent(0.1)
    >>> tx.update(5.0, tx.init(0.0))[0]
    Array(-0.5, dtype=float64, weak_type=True)
    """
    return chain(scale_by_optimistic_gradient(alpha, beta), scale_by_learning_rate(learning_rate))


def polyak_sgd(
    max_learning_rate: Any = 1.0,
    scaling: ScalarOrSchedule = 1.0,
    f_min: Any = 0.0,
    eps: Any = 0.0,
    variant: str = "sps",
) -> Optimizer:
    """Gradient descent with Polyak's step (Loizou et al. 2021, arXiv:2002.10542); `update` needs
    the argument `value`, the loss.

    >>> from funcgrad import optim
    >>> tx = optim.polyak_sgd()
    >>> tx.update(2.0, tx.init(1.0), 1.0, value=1.0)[0]
    Array(-0.5, dtype=float64)
    """
    return chain(sgd(scaling), scale_by_polyak(f_min, max_learning_rate, eps, variant))


def rprop(
    learning_rate: Any,
    eta_minus: Any = 0.5,
    eta_plus: Any = 1.2,
    min_step_size: Any = 1e-6,
    max_step_size: Any = 50.0,
) -> Optimizer:
    """Resilient backpropagation, for whole batches (Riedmiller & Braun 1993).

    >>> from funcgrad import optim
    >>> tx = optim.rprop(0.1)
    >>> _, state = tx.update(5.0, tx.init(0.0))
    >>> tx.update(5.0, state)[0]
    Array(-0.1, dtype=float64)
    """
    return chain(
        scale_by_rprop(learning_rate, eta_minus, eta_plus, min_step_size, max_step_size),
        scale(-1.0),
    )


def rmsprop(
    learning_rate: ScalarOrSchedule,
    decay: Any = 0.9,
    eps: Any = 1e-8,
    initial_scale: Any = 0.0,
    eps_in_sqrt: bool = True,
    centered: bool = False,
    momentum: Any = None,
    nesterov: bool = False,
    bias_correction: bool = False,
) -> Optimizer:
    """Gradients over the root of the moving average of their squares (Tieleman & Hinton 2012).

    Args:
      centered: divide by the moving standard deviation instead (Graves 2013).
      momentum: of the steps, none by default.

    >>> from funcgrad import optim
    >>> tx = optim.rmsprop(0.1, decay=0.75, eps=0.0)
    >>> tx.update(5.0, tx.init(0.0))[0]
    Array(-0.2, dtype=float64, weak_type=True)
    """
    divided = scale_by_stddev if centered else scale_by_rms
    return chain(
        divided(decay, eps, initial_scale, eps_in_sqrt, bias_correction),
        scale_by_learning_rate(learning_rate),
        identity() if momentum is None else trace(momentum, nesterov),
    )


def adagrad(
    learning_rate: ScalarOrSchedule, initial_accumulator_value: Any = 0.1, eps: Any = 1e-7
) -> Optimizer:
    """Gradients over the root of the sum of all their squares (Duchi et al. 2011).

    >>> from funcgrad import optim
    >>> tx = optim.adagrad(0.1, initial_accumulator_value=0.0, eps=0.0)
    >>> tx.update(5.0, tx.init(0.0))[0]
    Array(-0.1, dtype=float64, weak_type=True)
    """
    return chain(
        scale_by_rss(initial_accumulator_value, eps), scale_by_learning_rate(learning_rate)
    )


def adadelta(
    learning_rate: ScalarOrSchedule | None = None,
    rho: Any = 0.9,
    eps: Any = 1e-6,
    weight_decay: ScalarOrSchedule = 0.0,
    weight_decay_mask: MaskOrFn | None = None,
) -> Optimizer:
    """Steps in the units of the parameters (Zeiler 2012, arXiv:1212.5701).

    Args:
      learning_rate: a factor of the steps, 1.0 in the paper. As in optax, None leaves their sign
        as it is, too: the steps then go up.

    >>> from funcgrad import optim
    >>> tx = optim.adadelta(1.0)
    >>> tx.update(5.0, tx.init(0.0), 0.0)[0]
    Array(-0.00316228, dtype=float64, weak_type=True)
    """
    return chain(
        add_decayed_weights(weight_decay, weight_decay_mask),
        scale_by_adadelta(rho, eps),
        scale_by_learning_rate(learning_rate),
    )


def sm3(learning_rate: Any, momentum: Any = 0.9) -> Optimizer:
    """Adagrad with little memory (Anil et al. 2019, arXiv:1901.11150).

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import optim
    >>> tx = optim.sm3(0.1, momentum=0.0)
    >>> tx.update(jnp.array([5.0]), tx.init(jnp.zeros(1)))[0]
    Array([-0.1], dtype=float64)
    """
    return chain(scale_by_sm3(momentum), scale(-learning_rate))


def adafactor(
    learning_rate: ScalarOrSchedule | None = None,
    min_dim_size_to_factor: int = 128,
    decay_rate: Any = 0.8,
    decay_offset: Any = 0,
    multiply_by_parameter_scale: bool = True,
    clipping_threshold: Any = 1.0,
    momentum: Any = None,
    dtype_momentum: Any = jnp.float32,
    weight_decay_rate: Any = None,
    eps: Any = 1e-30,
    factored: bool = True,
    weight_decay_mask: MaskOrFn | None = None,
) -> Optimizer:
    """Adam with sums by rows and columns and no mean of gradients (Shazeer & Stern 2018,
    arXiv:1804.04235).

    Args:
      learning_rate: relative to the root mean square of a leaf's parameters, unless
        `multiply_by_parameter_scale` is False.
      clipping_threshold: of each leaf's root mean square, None for none.
      momentum: of the steps, kept in `dtype_momentum`; none by default.

    >>> from funcgrad import optim
    >>> tx = optim.adafactor(0.1)
    >>> tx.update(5.0, tx.init(2.0), 2.0)[0]
    Array(-0.2, dtype=float64)
    """
    parts = [scale_by_factored_rms(factored, decay_rate, decay_offset, min_dim_size_to_factor, eps)]
    if clipping_threshold is not None:
        parts.append(clip_by_block_rms(clipping_threshold))
    if learning_rate is not None:
        parts.append(scale_by_learning_rate(learning_rate, flip_sign=False))
    if multiply_by_parameter_scale:
        parts.append(scale_by_param_block_rms())
    if momentum is not None:
        parts.append(ema(momentum, debias=False, accumulator_dtype=dtype_momentum))
    if weight_decay_rate is not None:
        parts.append(add_decayed_weights(weight_decay_rate, weight_decay_mask))
    return chain(*parts, scale(-1))


def lars(
    learning_rate: ScalarOrSchedule,
    weight_decay: ScalarOrSchedule = 0.0,
    weight_decay_mask: MaskOrFn = True,
    trust_coefficient: Any = 0.001,
    eps: Any = 0.0,
    trust_ratio_mask: MaskOrFn = True,
    momentum: Any = 0.9,
    nesterov: bool = False,
) -> Optimizer:
    """Momentum with a step for each layer by the norm of its weights (You et al. 2017,
    arXiv:1708.03888).

    >>> from funcgrad import optim
    >>> tx = optim.lars(0.1, trust_coefficient=1.0)
    >>> tx.update(5.0, tx.init(2.0), 2.0)[0]
    Array(-0.2, dtype=float64)
    """
    return chain(
        add_decayed_weights(weight_decay, weight_decay_mask),
        masked(
            scale_by_trust_ratio(trust_coefficient=trust_coefficient, eps=eps), trust_ratio_mask
        ),
        scale_by_learning_rate(learning_rate),
        trace(momentum, nesterov),
    )


def fromage(learning_rate: Any, min_norm: Any = 1e-6) -> Optimizer:
    """Steps by the distance of deep networks (Bernstein et al. 2020, arXiv:2002.03432).

    >>> from funcgrad import optim
    >>> tx = optim.fromage(0.1)
    >>> tx.update(5.0, tx.init(2.0), 2.0)[0]
    Array(-0.20893306, dtype=float64)
    """
    shrink = 1 / jnp.sqrt(1 + learning_rate**2)
    return chain(
        scale_by_trust_ratio(min_norm),
        scale_by_learning_rate(learning_rate * shrink),
        add_decayed_weights(shrink - 1),
    )
