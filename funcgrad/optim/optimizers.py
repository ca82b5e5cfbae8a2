"""Optimisers ready for use: Adam and its relatives, as chains of the transformations."""

from __future__ import annotations

from typing import Any

from funcgrad.optim.adaptive import (
    scale_by_adam,
    scale_by_adamax,
    scale_by_amsgrad,
    scale_by_belief,
    scale_by_radam,
    scale_by_yogi,
)
from funcgrad.optim.adding import add_decayed_weights
from funcgrad.optim.base import GradientTransformationExtraArgs, ScalarOrSchedule
from funcgrad.optim.combine import chain
from funcgrad.optim.masking import MaskOrFn
from funcgrad.optim.momentum import scale_by_adan, scale_by_lion, scale_by_novograd
from funcgrad.optim.scaling import (
    scale_by_learning_rate,
    scale_by_optimistic_gradient,
    scale_by_trust_ratio,
)

__all__ = [
    "adabelief",
    "adam",
    "adamax",
    "adamaxw",
    "adamw",
    "adan",
    "amsgrad",
    "lamb",
    "lion",
    "nadam",
    "nadamw",
    "novograd",
    "optimistic_adam",
    "optimistic_adam_v2",
    "radam",
    "yogi",
]

Optimizer = GradientTransformationExtraArgs


def adam(
    learning_rate: ScalarOrSchedule,
    b1: Any = 0.9,
    b2: Any = 0.999,
    eps: Any = 1e-8,
    eps_root: Any = 0.0,
    mu_dtype: Any = None,
    *,
    nesterov: bool = False,
) -> Optimizer:
    """Adam (Kingma & Ba 2015, arXiv:1412.6980); see `scale_by_adam` for the arguments.

    >>> import funcgrad as fg
    >>> from funcgrad import optim
    >>> optimizer = optim.adam(learning_rate=0.1)
    >>> params = {"w": 1.0}
    >>> state = optimizer.init(params)
    >>> grads = fg.grad(lambda params: params["w"] ** 2)(params)
    >>> updates, state = optimizer.update(grads, state)
    >>> optim.apply_updates(params, updates)
    {'w': Array(0.9, dtype=float64)}
    """
    return chain(
        scale_by_adam(b1, b2, eps, eps_root, mu_dtype, nesterov=nesterov),
        scale_by_learning_rate(learning_rate),
    )


def nadam(
    learning_rate: ScalarOrSchedule,
    b1: Any = 0.9,
    b2: Any = 0.999,
    eps: Any = 1e-8,
    eps_root: Any = 0.0,
    mu_dtype: Any = None,
    *,
    nesterov: bool = True,
) -> Optimizer:
    """Adam with Nesterov's momentum (Dozat 2016).

    >>> from funcgrad import optim
    >>> tx = optim.nadam(0.1)
    >>> tx.update(5.0, tx.init(0.0))[0]
    Array(-0.14736842, dtype=float64)
    """
    return adam(learning_rate, b1, b2, eps, eps_root, mu_dtype, nesterov=nesterov)


def adamw(
    learning_rate: ScalarOrSchedule,
    b1: Any = 0.9,
    b2: Any = 0.999,
    eps: Any = 1e-8,
    eps_root: Any = 0.0,
    mu_dtype: Any = None,
    weight_decay: ScalarOrSchedule = 1e-4,
    mask: MaskOrFn | None = None,
    *,
    nesterov: bool = False,
) -> Optimizer:
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019, arXiv:1711.05101).

    Args:
      weight_decay: how much of the parameters is added to Adam's direction.
      mask: where weights decay, a tree of booleans or a function that makes it.

    >>> from funcgrad import optim
    >>> tx = optim.adamw(0.1, weight_decay=0.5)
    >>> tx.update(5.0, tx.init(2.0), 2.0)[0]
    Array(-0.2, dtype=float64)
    """
    return chain(
        scale_by_adam(b1, b2, eps, eps_root, mu_dtype, nesterov=nesterov),
        add_decayed_weights(weight_decay, mask),
        scale_by_learning_rate(learning_rate),
    )


def nadamw(
    learning_rate: ScalarOrSchedule,
    b1: Any = 0.9,
    b2: Any = 0.999,
    eps: Any = 1e-8,
    eps_root: Any = 0.0,
    mu_dtype: Any = None,
    weight_decay: ScalarOrSchedule = 1e-4,
    mask: MaskOrFn | None = None,
    *,
    nesterov: bool = True,
) -> Optimizer:
    """`nadam` with decoupled weight decay.

    >>> from funcgrad import optim
    >>> tx = optim.nadamw(0.1, weight_decay=0.5)
    >>> tx.update(5.0, tx.init(2.0), 2.0)[0]
    Array(-0.24736842, dtype=float64)
    """
    return adamw(
        learning_rate, b1, b2, eps, eps_root, mu_dtype, weight_decay, mask, nesterov=nesterov
    )


def adamax(
    learning_rate: ScalarOrSchedule, b1: Any = 0.9, b2: Any = 0.999, eps: Any = 1e-8
) -> Optimizer:
    """Adam with the largest gradient of late for the root (Kingma & Ba 2015, section 7.1).

    >>> from funcgrad import optim
    >>> tx = optim.adamax(0.1)
    >>> tx.update(5.0, tx.init(0.0))[0]
    Array(-0.1, dtype=float64)
    """
    return chain(scale_by_adamax(b1, b2, eps), scale_by_learning_rate(learning_rate))


def adamaxw(
    learning_rate: ScalarOrSchedule,
    b1: Any = 0.9,
    b2: Any = 0.999,
    eps: Any = 1e-8,
    weight_decay: ScalarOrSchedule = 1e-4,
    mask: MaskOrFn | None = None,
) -> Optimizer:
    """`adamax` with decoupled weight decay.

    >>> from funcgrad import optim
    >>> tx = optim.adamaxw(0.1, weight_decay=0.5)
    >>> tx.update(5.0, tx.init(2.0), 2.0)[0]
    Array(-0.2, dtype=float64)
    """
    return chain(
        scale_by_adamax(b1, b2, eps),
        add_decayed_weights(weight_decay, mask),
        scale_by_learning_rate(learning_rate),
    )


def amsgrad(
    learning_rate: ScalarOrSchedule,
    b1: Any = 0.9,
    b2: Any = 0.999,
    eps: Any = 1e-8,
    eps_root: Any = 0.0,
    mu_dtype: Any = None,
    bias_correction_mu: bool = True,
    bias_correction_nu: bool = True,
) -> Optimizer:
    """Adam whose steps per element never grow (Reddi et al. 2018).

    >>> from funcgrad import optim
    >>> tx = optim.amsgrad(0.1)
    >>> tx.update(5.0, tx.init(0.0))[0]
    Array(-0.1, dtype=float64)
    """
    return chain(
        scale_by_amsgrad(b1, b2, eps, eps_root, mu_dtype, bias_correction_mu, bias_correction_nu),
        scale_by_learning_rate(learning_rate),
    )


def adabelief(
    learning_rate: ScalarOrSchedule,
    b1: Any = 0.9,
    b2: Any = 0.999,
    eps: Any = 1e-16,
    eps_root: Any = 1e-16,
    *,
    nesterov: bool = False,
) -> Optimizer:
    """Adam by the gradients' spread about their mean (Zhuang et al. 2020, arXiv:2010.07468).

    >>> from funcgrad import optim
    >>> tx = optim.adabelief(0.1)
    >>> tx.update(5.0, tx.init(0.0))[0]
    Array(-0.11111111, dtype=float64)
    """
    return chain(
        scale_by_belief(b1, b2, eps, eps_root, nesterov=nesterov),
        scale_by_learning_rate(learning_rate),
    )


def yogi(
    learning_rate: ScalarOrSchedule, b1: Any = 0.9, b2: Any = 0.999, eps: Any = 1e-3
) -> Optimizer:
    """Adam whose mean of squares changes slowly (Zaheer et al. 2018).

    >>> from funcgrad import optim
    >>> tx = optim.yogi(0.1)
    >>> tx.update(5.0, tx.init(0.0))[0]
    Array(-0.09997818, dtype=float64)
    """
    return chain(scale_by_yogi(b1, b2, eps), scale_by_learning_rate(learning_rate))


def radam(
    learning_rate: ScalarOrSchedule,
    b1: Any = 0.9,
    b2: Any = 0.999,
    eps: Any = 1e-8,
    eps_root: Any = 0.0,
    threshold: Any = 5.0,
    *,
    nesterov: bool = False,
) -> Optimizer:
    """Rectified Adam (Liu et al. 2020, arXiv:1908.03265).

    >>> from funcgrad import optim
    >>> tx = optim.radam(0.1)
    >>> tx.update(5.0, tx.init(0.0))[0]
    Array(-0.5, dtype=float64)
    """
    return chain(
        scale_by_radam(b1, b2, eps, eps_root, threshold, nesterov=nesterov),
        scale_by_learning_rate(learning_rate),
    )


def adan(
    learning_rate: ScalarOrSchedule,
    b1: Any = 0.98,
    b2: Any = 0.92,
    b3: Any = 0.99,
    eps: Any = 1e-8,
    eps_root: Any = 1e-8,
    weight_decay: ScalarOrSchedule = 0.0,
    mask: MaskOrFn | None = None,
) -> Optimizer:
    """Adam with momentum by differences of gradients (Xie et al. 2022, arXiv:2208.06677).

    >>> from funcgrad import optim
    >>> tx = optim.adan(0.1)
    >>> tx.update(5.0, tx.init(0.0), 0.0)[0]
    Array(-0.1, dtype=float64)
    """
    return chain(
        scale_by_adan(b1, b2, b3, eps, eps_root),
        add_decayed_weights(weight_decay, mask),
        scale_by_learning_rate(learning_rate),
    )


def lion(
    learning_rate: ScalarOrSchedule,
    b1: Any = 0.9,
    b2: Any = 0.99,
    mu_dtype: Any = None,
    weight_decay: ScalarOrSchedule = 1e-3,
    mask: MaskOrFn | None = None,
) -> Optimizer:
    """Steps by the sign of a mean of the gradients (Chen et al. 2023, arXiv:2302.06675).

    >>> from funcgrad import optim
    >>> tx = optim.lion(0.1)
    >>> tx.update(5.0, tx.init(0.0), 0.0)[0]
    Array(-0.1, dtype=float64, weak_type=True)
    """
    return chain(
        scale_by_lion(b1, b2, mu_dtype),
        add_decayed_weights(weight_decay, mask),
        scale_by_learning_rate(learning_rate),
    )


def lamb(
    learning_rate: ScalarOrSchedule,
    b1: Any = 0.9,
    b2: Any = 0.999,
    eps: Any = 1e-6,
    eps_root: Any = 0.0,
    weight_decay: ScalarOrSchedule = 0.0,
    mask: MaskOrFn | None = None,
) -> Optimizer:
    """Adam with a step for each layer by the norm of its weights, for large batches (You et al.
    2020, arXiv:1904.00962).

    >>> from funcgrad import optim
    >>> tx = optim.lamb(0.1)
    >>> tx.update(5.0, tx.init(2.0), 2.0)[0]
    Array(-0.2, dtype=float64)
    """
    return chain(
        scale_by_adam(b1, b2, eps, eps_root),
        add_decayed_weights(weight_decay, mask),
        scale_by_trust_ratio(),
        scale_by_learning_rate(learning_rate),
    )


def novograd(
    learning_rate: ScalarOrSchedule,
    b1: Any = 0.9,
    b2: Any = 0.25,
    eps: Any = 1e-6,
    eps_root: Any = 0.0,
    weight_decay: Any = 0.0,
) -> Optimizer:
    """Momentum of gradients divided by the norm of their layer (Ginsburg et al. 2019,
    arXiv:1905.11286).

    >>> from funcgrad import optim
    >>> tx = optim.novograd(0.1)
    >>> tx.update(5.0, tx.init(0.0), 0.0)[0]
    Array(-0.09999998, dtype=float64)
    """
    return chain(
        scale_by_novograd(b1, b2, eps, eps_root, weight_decay),
        scale_by_learning_rate(learning_rate),
    )


def optimistic_adam_v2(
    learning_rate: ScalarOrSchedule,
    *,
    alpha: ScalarOrSchedule = 1.0,
    beta: ScalarOrSchedule = 1.0,
    b1: Any = 0.9,
    b2: Any = 0.999,
    eps: Any = 1e-8,
    eps_root: Any = 0.0,
    mu_dtype: Any = None,
    nesterov: bool = True,
) -> Optimizer:
    """Adam with a look back at the last step, for games (Daskalakis et al. 2018, arXiv:1711.00141).

    >>> from funcgrad import optim
    >>> tx = optim.optimistic_adam_v2(0.1)
    >>> tx.update(5.0, tx.init(0.0))[0]
    Array(-0.14736842, dtype=float64)
    """
    return chain(
        scale_by_adam(b1, b2, eps, eps_root, mu_dtype, nesterov=nesterov),
        scale_by_optimistic_gradient(alpha, beta),
        scale_by_learning_rate(learning_rate),
    )


def optimistic_adam(
    learning_rate: Any,
    optimism: Any = None,
    b1: Any = 0.9,
    b2: Any = 0.999,
    eps: Any = 1e-8,
    eps_root: Any = 0.0,
    mu_dtype: Any = None,
    *,
    nesterov: bool = True,
) -> Optimizer:
    """`optimistic_adam_v2` by its older arguments: `optimism` is by default the learning rate.

    >>> from funcgrad import optim
    >>> tx = optim.optimistic_adam(0.1)
    >>> tx.update(5.0, tx.init(0.0))[0]
    Array(-0.14736842, dtype=float64)
    """
    return chain(
        scale_by_adam(b1, b2, eps, eps_root, mu_dtype, nesterov=nesterov),
        scale_by_optimistic_gradient(
            learning_rate, learning_rate if optimism is None else optimism
        ),
        scale_by_learning_rate(1.0),
    )
