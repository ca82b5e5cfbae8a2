"""The generators by name, as `key(seed, impl=name)` finds them."""

from __future__ import annotations

from typing import Any

from funcgrad.config import default_prng_impl
from funcgrad.lax.prng import PRNGImpl, find_impl, impl_of
from funcgrad.random import philox, threefry

__all__ = ["default_impl", "philox_impl", "resolve_impl", "threefry_impl"]

threefry_impl = PRNGImpl("threefry2x32", "fry", threefry)
philox_impl = PRNGImpl("philox", "philox", philox)
# JAX's names for what its backend has at hand, with keys of the same layout: the same generator.
for _name, _tag in (("rbg", "rbg"), ("unsafe_rbg", "urbg")):
    PRNGImpl(_name, _tag, philox)


def default_impl() -> PRNGImpl:
    """The implementation that the configuration names."""
    return find_impl(default_prng_impl.value)


def resolve_impl(spec: Any) -> PRNGImpl:
    """The implementation that a name, a key dtype or None (the configured one) stands for."""
    if spec is None:
        return default_impl()
    if isinstance(spec, PRNGImpl):
        return spec
    if isinstance(spec, str):
        return find_impl(spec)
    if hasattr(spec, "impl_name"):
        return impl_of(spec)
    raise TypeError(f"unrecognized type {type(spec)} for specifying PRNG implementation.")
