"""The functional layer: every primitive and the functions that apply them, with JAX's names."""

from __future__ import annotations

from typing import Any

from funcgrad.core.primitive import primitives as _primitives
from funcgrad.lax import (
    arithmetic as _arithmetic,
    bits as _bits,
    bitwise as _bitwise,
    call as _call,
    conv as _conv,
    conv_forms as _conv_forms,
    conv_numbers as _conv_numbers,
    convert as _convert,
    cumulative as _cumulative,
    custom as _custom,
    dot as _dot,
    dynamic_slicing as _dynamic_slicing,
    elementwise as _elementwise,
    fft as _fft,
    gather as _gather,
    gather_numbers as _gather_numbers,
    gradient_stop as _gradient_stop,
    joining as _joining,
    misc as _misc,
    power as _power,
    prng as _prng,
    reductions as _reductions,
    remat as _remat,
    rounding as _rounding,
    scatter as _scatter,
    select as _select,
    shape as _shape,
    slicing as _slicing,
    sort as _sort,
    special as _special,
    window_folds as _window_folds,
    windows as _windows,
)
from funcgrad.lax import linalg as linalg
from funcgrad.lax.arithmetic import *
from funcgrad.lax.bits import *
from funcgrad.lax.bitwise import *
from funcgrad.lax.conv import *
from funcgrad.lax.conv_forms import *
from funcgrad.lax.conv_numbers import *
from funcgrad.lax.convert import *
from funcgrad.lax.cumulative import *
from funcgrad.lax.dot import *
from funcgrad.lax.dynamic_slicing import *
from funcgrad.lax.elementwise import *
from funcgrad.lax.fft import *
from funcgrad.lax.gather import *
from funcgrad.lax.gather_numbers import *
from funcgrad.lax.gradient_stop import *
from funcgrad.lax.joining import *
from funcgrad.lax.misc import *
from funcgrad.lax.power import *
from funcgrad.lax.reductions import *
from funcgrad.lax.rounding import *
from funcgrad.lax.scatter import *
from funcgrad.lax.select import *
from funcgrad.lax.shape import *
from funcgrad.lax.slicing import *
from funcgrad.lax.sort import *
from funcgrad.lax.special import *
from funcgrad.lax.window_folds import *
from funcgrad.lax.windows import *
from funcgrad.lax import control as _control
from funcgrad.lax.control import *


def __getattr__(name: str) -> Any:
    """`lax.sin_p` and its like: the primitives themselves."""
    found = _primitives.get(name[:-2]) if name.endswith("_p") else None
    if found is None:
        raise AttributeError(f"module 'funcgrad.lax' has no attribute {name!r}")
    return found


__all__ = [
    *_arithmetic.__all__,
    *_bits.__all__,
    *_bitwise.__all__,
    *_conv.__all__,
    *_conv_forms.__all__,
    *_conv_numbers.__all__,
    *_convert.__all__,
    *_cumulative.__all__,
    *_dot.__all__,
    *_dynamic_slicing.__all__,
    *_elementwise.__all__,
    *_fft.__all__,
    *_gather.__all__,
    *_gather_numbers.__all__,
    *_gradient_stop.__all__,
    *_joining.__all__,
    *_misc.__all__,
    *_power.__all__,
    *_reductions.__all__,
    *_rounding.__all__,
    *_scatter.__all__,
    *_select.__all__,
    *_shape.__all__,
    *_slicing.__all__,
    *_sort.__all__,
    *_special.__all__,
    *_window_folds.__all__,
    *_windows.__all__,
    *_control.__all__,
    "linalg",
]
