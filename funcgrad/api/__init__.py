"""The transformations that users call."""

from funcgrad.api.checkpoint import checkpoint, remat
from funcgrad.api.custom import custom_jvp, custom_vjp
from funcgrad.api.forward import jvp, linear_transpose, linearize
from funcgrad.api.grad import grad, value_and_grad, vjp
from funcgrad.api.jacobian import hessian, jacfwd, jacobian, jacrev
from funcgrad.api.jit import jit
from funcgrad.api.make_jaxpr import eval_shape, make_jaxpr
from funcgrad.api.vmap import vmap

__all__ = [
    "checkpoint",
    "custom_jvp",
    "custom_vjp",
    "eval_shape",
    "grad",
    "hessian",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jit",
    "jvp",
    "linear_transpose",
    "linearize",
    "make_jaxpr",
    "remat",
    "value_and_grad",
    "vjp",
    "vmap",
]
