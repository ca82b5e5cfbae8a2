"""`optim.tree_utils` under short names: `tree.norm`, `tree.get`, ... (`optax.tree`)."""

from funcgrad.optim.tree_utils.arithmetic import tree_add as add
from funcgrad.optim.tree_utils.arithmetic import tree_add_scale as add_scale
from funcgrad.optim.tree_utils.arithmetic import tree_allclose as allclose
from funcgrad.optim.tree_utils.arithmetic import tree_clip as clip
from funcgrad.optim.tree_utils.arithmetic import tree_conj as conj
from funcgrad.optim.tree_utils.arithmetic import tree_div as div
from funcgrad.optim.tree_utils.arithmetic import tree_max as max
from funcgrad.optim.tree_utils.arithmetic import tree_min as min
from funcgrad.optim.tree_utils.arithmetic import tree_mul as mul
from funcgrad.optim.tree_utils.arithmetic import tree_norm as norm
from funcgrad.optim.tree_utils.arithmetic import tree_real as real
from funcgrad.optim.tree_utils.arithmetic import tree_scale as scale
from funcgrad.optim.tree_utils.arithmetic import tree_sub as sub
from funcgrad.optim.tree_utils.arithmetic import tree_sum as sum
from funcgrad.optim.tree_utils.arithmetic import tree_vdot as vdot
from funcgrad.optim.tree_utils.arithmetic import tree_where as where
from funcgrad.optim.tree_utils.like import tree_batch_shape as batch_shape
from funcgrad.optim.tree_utils.like import tree_cast as cast
from funcgrad.optim.tree_utils.like import tree_cast_like as cast_like
from funcgrad.optim.tree_utils.like import tree_dtype as dtype
from funcgrad.optim.tree_utils.like import tree_full_like as full_like
from funcgrad.optim.tree_utils.like import tree_ones_like as ones_like
from funcgrad.optim.tree_utils.like import tree_random_like as random_like
from funcgrad.optim.tree_utils.like import tree_size as size
from funcgrad.optim.tree_utils.like import tree_split_key_like as split_key_like
from funcgrad.optim.tree_utils.like import tree_unwrap_random_key_data as unwrap_random_key_data
from funcgrad.optim.tree_utils.like import tree_zeros_like as zeros_like
from funcgrad.optim.tree_utils.moments import tree_bias_correction as bias_correction
from funcgrad.optim.tree_utils.moments import tree_update_infinity_moment as update_infinity_moment
from funcgrad.optim.tree_utils.moments import tree_update_moment as update_moment
from funcgrad.optim.tree_utils.moments import (
    tree_update_moment_per_elem_norm as update_moment_per_elem_norm,
)
from funcgrad.optim.tree_utils.state import tree_get as get
from funcgrad.optim.tree_utils.state import tree_get_all_with_path as get_all_with_path
from funcgrad.optim.tree_utils.state import tree_map_params as map_params
from funcgrad.optim.tree_utils.state import tree_set as set

__all__ = [
    "add",
    "add_scale",
    "allclose",
    "batch_shape",
    "bias_correction",
    "cast",
    "cast_like",
    "clip",
    "conj",
    "div",
    "dtype",
    "full_like",
    "get",
    "get_all_with_path",
    "map_params",
    "max",
    "min",
    "mul",
    "norm",
    "ones_like",
    "random_like",
    "real",
    "scale",
    "set",
    "size",
    "split_key_like",
    "sub",
    "sum",
    "unwrap_random_key_data",
    "update_infinity_moment",
    "update_moment",
    "update_moment_per_elem_norm",
    "vdot",
    "where",
    "zeros_like",
]
