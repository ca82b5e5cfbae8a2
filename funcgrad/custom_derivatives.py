"""Derivative rules of one's own, and tools for writing them."""

from __future__ import annotations

from funcgrad.api.custom import custom_jvp, custom_vjp
from funcgrad.api.custom_gradient import (
    closure_convert,
    custom_gradient,
    custom_vjp_primal_tree_values,
    linear_call,
    zero_from_primal,
)
from funcgrad.api.custom_rules import CustomVJPPrimal, SymbolicZero
from funcgrad.lax.custom import custom_jvp_call_p, custom_vjp_call_p

__all__ = [
    "CustomVJPPrimal",
    "SymbolicZero",
    "closure_convert",
    "custom_gradient",
    "custom_jvp",
    "custom_jvp_call_p",
    "custom_vjp",
    "custom_vjp_call_p",
    "custom_vjp_primal_tree_values",
    "linear_call",
    "zero_from_primal",
]
