"""Policies of `checkpoint`: which intermediate values may be kept for the backward pass.

A policy is asked of each operation, `policy(primitive, *avals, **params)`, and answers whether its
result may be kept. What the derivative needs and may not keep is computed again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from funcgrad.lax.conv import conv_general_dilated_p
from funcgrad.lax.dot import dot_general_p
from funcgrad.lax.remat_policies import (
    OffloadDotWithNoBatchDims,
    SaveAndOffloadOnlyTheseNames,
    SaveAnyNamesButThese,
    SaveAnythingExceptTheseNames,
    SaveFromBothPolicies,
    SaveOnlyTheseNames,
    without_batch,
)

__all__ = [
    "checkpoint_dots",
    "checkpoint_dots_with_no_batch_dims",
    "dots_saveable",
    "dots_with_no_batch_dims_saveable",
    "everything_saveable",
    "nothing_saveable",
    "offload_dot_with_no_batch_dims",
    "save_and_offload_only_these_names",
    "save_any_names_but_these",
    "save_anything_except_these_names",
    "save_from_both_policies",
    "save_only_these_names",
]


def everything_saveable(*_: Any, **__: Any) -> bool:
    """Keep all that the derivative needs, as if there were no `checkpoint`.

    >>> from funcgrad import checkpoint_policies
    >>> checkpoint_policies.everything_saveable()
    True
    """
    return True


def nothing_saveable(*_: Any, **__: Any) -> bool:
    """Keep nothing but the arguments; the default.

    >>> from funcgrad import checkpoint_policies
    >>> checkpoint_policies.nothing_saveable()
    False
    """
    return False


def dots_saveable(prim: Any, *_: Any, **params: Any) -> bool:
    """Keep the results of contractions and convolutions: they cost most to compute again.

    >>> from funcgrad import checkpoint_policies, lax
    >>> checkpoint_policies.dots_saveable(lax.dot_general_p)
    True
    """
    return prim is dot_general_p or prim is conv_general_dilated_p


def dots_with_no_batch_dims_saveable(prim: Any, *_: Any, **params: Any) -> bool:
    """Keep the results of contractions without batch dimensions, as of activations and weights.

    >>> from funcgrad import checkpoint_policies, lax
    >>> batched = (((2,), (1,)), ((0,), (0,)))
    >>> checkpoint_policies.dots_with_no_batch_dims_saveable(
    ...     lax.dot_general_p, dimension_numbers=batched
    ... )
    False
    """
    return without_batch(prim, **params)


checkpoint_dots = dots_saveable
checkpoint_dots_with_no_batch_dims = dots_with_no_batch_dims_saveable


def save_anything_except_these_names(*names_not_to_save: str) -> Callable[..., Any]:
    """Keep all that the derivative needs, but for values with these names (see `checkpoint_name`).

    >>> from funcgrad import checkpoint_policies, lax
    >>> checkpoint_policies.save_anything_except_these_names("hidden")(lax.sin_p)
    True
    """
    return SaveAnythingExceptTheseNames(names_not_to_save)


def save_any_names_but_these(*names_not_to_save: str) -> Callable[..., Any]:
    """Keep values that have a name, but for these.

    >>> from funcgrad import checkpoint_policies, lax
    >>> checkpoint_policies.save_any_names_but_these("hidden")(lax.sin_p)
    False
    """
    return SaveAnyNamesButThese(names_not_to_save)


def save_only_these_names(*names_which_can_be_saved: str) -> Callable[..., Any]:
    """Keep the values with these names only.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.ad_checkpoint import checkpoint_name, print_saved_residuals
    >>> f = lambda x: jnp.sin(checkpoint_name(jnp.exp(x), "grown"))
    >>> policy = fg.checkpoint_policies.save_only_these_names("grown")
    >>> print_saved_residuals(fg.checkpoint(f, policy=policy), 1.0)  # doctest: +ELLIPSIS
    f64[] from the argument x
    f64[] named 'grown' from ...
    """
    return SaveOnlyTheseNames(names_which_can_be_saved)


def save_from_both_policies(
    policy_1: Callable[..., Any], policy_2: Callable[..., Any]
) -> Callable[..., Any]:
    """Keep what either of two policies lets be kept.

    Raises:
      ValueError: when asked, if a policy's answer is no bool.

    >>> from funcgrad import checkpoint_policies as policies
    >>> from funcgrad import lax
    >>> both = policies.save_from_both_policies(
    ...     policies.dots_saveable, policies.save_only_these_names("hidden")
    ... )
    >>> both(lax.dot_general_p), both(lax.sin_p)
    (True, False)
    """
    return SaveFromBothPolicies(policy_1, policy_2)


def save_and_offload_only_these_names(
    *,
    names_which_can_be_saved: Sequence[str],
    names_which_can_be_offloaded: Sequence[str],
    offload_src: str,
    offload_dst: str,
) -> Callable[..., Any]:
    """Keep the values with these names; what is to be offloaded is kept, too: there is one memory.

    Raises:
      ValueError: for a name in both lists.

    >>> from funcgrad import checkpoint_policies, lax
    >>> policy = checkpoint_policies.save_and_offload_only_these_names(
    ...     names_which_can_be_saved=["a"],
    ...     names_which_can_be_offloaded=["b"],
    ...     offload_src="device",
    ...     offload_dst="pinned_host",
    ... )
    >>> policy(lax.sin_p)
    Recompute
    """
    both = {*names_which_can_be_saved} & {*names_which_can_be_offloaded}
    if both:
        raise ValueError(
            "The names should be exclusive and should not intersect in `names_which_can_be_saved` and "
            f"`names_which_can_be_offloaded`. Got the intersection {both}"
        )
    return SaveAndOffloadOnlyTheseNames(
        names_which_can_be_saved, names_which_can_be_offloaded, offload_src, offload_dst
    )


def offload_dot_with_no_batch_dims(offload_src: str, offload_dst: str) -> Callable[..., Any]:
    """`dots_with_no_batch_dims_saveable`; what it would move to another memory is kept in this one.

    >>> from funcgrad import checkpoint_policies, lax
    >>> policy = checkpoint_policies.offload_dot_with_no_batch_dims("device", "pinned_host")
    >>> policy(lax.sin_p)
    Recompute
    """
    return OffloadDotWithNoBatchDims(offload_src, offload_dst)
