"""The generators by name, as `key(seed, impl=name)` finds them."""

from __future__ import annotations

from funcgrad.lax.prng import PRNGImpl
from funcgrad.random import philox, threefry

__all__ = ["philox_impl", "threefry_impl"]

threefry_impl = PRNGImpl("threefry2x32", "fry", threefry)
philox_impl = PRNGImpl("philox", "philox", philox)
