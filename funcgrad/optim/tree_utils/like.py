"""Pytrees in the shapes and dtypes of others: filled, cast, random."""

from __future__ import annotations

from typing import Any

import funcgrad.numpy as jnp
from funcgrad import random
from funcgrad.dtypes import prng_key
from funcgrad.tree_util import (
    tree_leaves,
    tree_leaves_with_path,
    tree_map,
    tree_structure,
    tree_unflatten,
)

__all__ = [
    "tree_batch_shape",
    "tree_cast",
    "tree_cast_like",
    "tree_dtype",
    "tree_full_like",
    "tree_ones_like",
    "tree_random_like",
    "tree_size",
    "tree_split_key_like",
    "tree_unwrap_random_key_data",
    "tree_zeros_like",
]

Array = jnp.ndarray


def tree_zeros_like(tree: Any, dtype: Any = None) -> Any:
    """Zeros in the shapes and dtypes (or in one dtype) of a tree.

    >>> from funcgrad.optim import tree_utils
    >>> tree_utils.tree_zeros_like({"a": 3.0})
    {'a': Array(0., dtype=float64, weak_type=True)}
    """
    return tree_map(lambda x: jnp.zeros_like(x, dtype=dtype), tree)


def tree_ones_like(tree: Any, dtype: Any = None) -> Any:
    """Ones in the shapes and dtypes (or in one dtype) of a tree.

    >>> from funcgrad.optim import tree_utils
    >>> tree_utils.tree_ones_like({"a": 3.0})
    {'a': Array(1., dtype=float64, weak_type=True)}
    """
    return tree_map(lambda x: jnp.ones_like(x, dtype=dtype), tree)


def tree_full_like(tree: Any, fill_value: Any, dtype: Any = None) -> Any:
    """One value in the shapes and dtypes (or in one dtype) of a tree.

    >>> from funcgrad.optim import tree_utils
    >>> tree_utils.tree_full_like({"a": 3.0}, 7)
    {'a': Array(7., dtype=float64, weak_type=True)}
    """
    return tree_map(lambda x: jnp.full_like(x, fill_value, dtype=dtype), tree)


def tree_cast(tree: Any, dtype: Any) -> Any:
    """A tree in one dtype; with None as it is.

    >>> from funcgrad.optim import tree_utils
    >>> tree_utils.tree_cast({"a": 3.0}, "float32")
    {'a': Array(3., dtype=float32)}
    """
    if dtype is None:
        return tree
    return tree_map(lambda x: jnp.asarray(x).astype(dtype), tree)


def tree_cast_like(tree: Any, other_tree: Any) -> Any:
    """A tree in the dtypes of another one.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.optim import tree_utils
    >>> tree_utils.tree_cast_like({"a": 3.0}, {"a": jnp.float32(0)})
    {'a': Array(3., dtype=float32)}
    """
    return tree_map(lambda x, y: jnp.asarray(x).astype(jnp.asarray(y).dtype), tree, other_tree)


def tree_batch_shape(tree: Any, shape: Any = ()) -> Any:
    """A tree with axes of this shape in front of each leaf, repeating it.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.optim import tree_utils
    >>> tree_utils.tree_batch_shape({"a": jnp.zeros(2)}, (5,))["a"].shape
    (5, 2)
    """
    return tree_map(lambda x: jnp.broadcast_to(x, (*shape, *jnp.shape(x))), tree)


def tree_size(tree: Any) -> int:
    """How many elements all leaves have.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.optim import tree_utils
    >>> tree_utils.tree_size({"a": jnp.ones((2, 3)), "b": 2.0})
    7
    """
    return sum(int(jnp.size(x)) for x in tree_leaves(tree))


def tree_dtype(tree: Any, mixed_dtype_handler: str | None = None) -> Any:
    """The one dtype of the leaves; of several the `"promote"`d, `"lowest"` or `"highest"`.

    Raises:
      ValueError: for leaves of several dtypes where no `mixed_dtype_handler` is given.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.optim import tree_utils
    >>> tree_utils.tree_dtype({"a": jnp.float32(0)})
    dtype('float32')
    """
    dtypes = [jnp.asarray(x).dtype for x in tree_leaves(tree)]
    if not dtypes:
        return jnp.result_type(float)
    if mixed_dtype_handler is None:
        for path, leaf in tree_leaves_with_path(tree):
            if jnp.asarray(leaf).dtype != dtypes[0]:
                raise ValueError(
                    f"Expected dtype={dtypes[0]!r} for {path} but got {jnp.asarray(leaf).dtype}."
                )
        return dtypes[0]
    if mixed_dtype_handler == "promote":
        return jnp.promote_types(*dtypes) if len(dtypes) == 2 else jnp.result_type(*dtypes)
    if mixed_dtype_handler not in ("lowest", "highest"):
        raise ValueError(
            f"mixed_dtype_handler is 'promote', 'lowest' or 'highest', not {mixed_dtype_handler!r}"
        )
    # A dtype is below another one that it promotes to.
    ordered = sorted(dtypes, key=lambda d: sum(jnp.promote_types(d, e) == d for e in dtypes))
    return ordered[0] if mixed_dtype_handler == "lowest" else ordered[-1]


def tree_split_key_like(rng_key: Any, target_tree: Any) -> Any:
    """A tree of independent random keys in the structure of another tree.

    >>> import funcgrad as fg
    >>> keys = fg.optim.tree_utils.tree_split_key_like(fg.random.key(0), {"a": 1, "b": 2})
    >>> sorted(keys)
    ['a', 'b']
    """
    structure = tree_structure(target_tree)
    return tree_unflatten(structure, list(random.split(rng_key, structure.num_leaves)))


def tree_random_like(
    rng_key: Any, target_tree: Any, sampler: Any = random.normal, dtype: Any = None
) -> Any:
    """Random numbers in the shapes and dtypes of a tree, from `sampler(key, shape, dtype)`.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> fg.optim.tree_utils.tree_random_like(fg.random.key(0), {"a": jnp.ones(2)})
    {'a': Array([...], dtype=float64)}
    """
    keys = tree_split_key_like(rng_key, target_tree)
    return tree_map(
        lambda x, k: sampler(k, jnp.shape(x), dtype or jnp.asarray(x).dtype), target_tree, keys
    )


def tree_unwrap_random_key_data(input_tree: Any) -> Any:
    """A tree with the words of its random keys in their places.

    >>> import funcgrad as fg
    >>> fg.optim.tree_utils.tree_unwrap_random_key_data({"k": fg.random.key(7)})
    {'k': Array([0, 7], dtype=uint32)}
    """

    def leaf(x: Any) -> Any:
        is_key = hasattr(x, "dtype") and jnp.issubdtype(x.dtype, prng_key)
        return random.key_data(x) if is_key else x

    return tree_map(leaf, input_tree)
