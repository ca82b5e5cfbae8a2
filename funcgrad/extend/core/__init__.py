"""Jaxprs, their parts, and primitives, for programs that read or make them."""

from funcgrad.core.avals import ShapedArray
from funcgrad.core.checker import JaxprTypeError
from funcgrad.core.jaxpr import (
    ClosedJaxpr,
    DropVar,
    Jaxpr,
    JaxprEqn,
    Literal,
    Var,
    jaxpr_as_fun,
)
from funcgrad.core.primitive import Primitive
from funcgrad.extend.core import primitives
from funcgrad.extend.core.jaxprs import check_jaxpr, jaxprs_in_params, subjaxprs
from funcgrad.extend.core.types import (
    concrete_or_error,
    gensym,
    get_opaque_trace_state,
    mapped_aval,
    new_jaxpr_eqn,
    no_effects,
    primal_dtype_to_tangent_dtype,
    unmapped_aval,
    valid_jaxtype,
)

__all__ = [
    "ClosedJaxpr",
    "DropVar",
    "Jaxpr",
    "JaxprEqn",
    "JaxprTypeError",
    "Literal",
    "Primitive",
    "ShapedArray",
    "Var",
    "check_jaxpr",
    "concrete_or_error",
    "gensym",
    "get_opaque_trace_state",
    "jaxpr_as_fun",
    "jaxprs_in_params",
    "mapped_aval",
    "new_jaxpr_eqn",
    "no_effects",
    "primal_dtype_to_tangent_dtype",
    "primitives",
    "subjaxprs",
    "unmapped_aval",
    "valid_jaxtype",
]
