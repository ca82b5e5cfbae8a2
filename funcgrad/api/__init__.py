"""The transformations that users call."""

from funcgrad.api.callback import pure_callback
from funcgrad.api.checkpoint import checkpoint, remat
from funcgrad.api.custom import custom_jvp, custom_vjp
from funcgrad.api.custom_gradient import closure_convert, custom_gradient
from funcgrad.api.devices import (
    Device,
    block_until_ready,
    default_backend,
    device_count,
    device_get,
    device_put,
    devices,
    effects_barrier,
    local_device_count,
    local_devices,
    process_count,
    process_index,
)
from funcgrad.api.forward import jvp, linear_transpose, linearize
from funcgrad.api.grad import fwd_and_bwd, grad, value_and_grad, vjp
from funcgrad.api.jacobian import hessian, jacfwd, jacobian, jacrev
from funcgrad.api.jit import jit
from funcgrad.api.make_jaxpr import eval_shape, make_jaxpr
from funcgrad.api.names import ensure_compile_time_eval, named_call, named_scope
from funcgrad.api.vmap import vmap

__all__ = [
    "Device",
    "block_until_ready",
    "checkpoint",
    "closure_convert",
    "custom_gradient",
    "custom_jvp",
    "custom_vjp",
    "default_backend",
    "device_count",
    "device_get",
    "device_put",
    "devices",
    "effects_barrier",
    "ensure_compile_time_eval",
    "eval_shape",
    "fwd_and_bwd",
    "grad",
    "hessian",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jit",
    "jvp",
    "linear_transpose",
    "linearize",
    "local_device_count",
    "local_devices",
    "make_jaxpr",
    "named_call",
    "named_scope",
    "process_count",
    "process_index",
    "pure_callback",
    "remat",
    "value_and_grad",
    "vjp",
    "vmap",
]
