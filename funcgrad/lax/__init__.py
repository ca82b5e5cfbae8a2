"""The functional layer: every primitive and the functions that apply them, with JAX's names."""

from __future__ import annotations

from typing import Any

from funcgrad.core.primitive import primitives as _primitives
from funcgrad.lax import (
    arithmetic as _arithmetic,
)
from funcgrad.lax import (
    bits as _bits,
)
from funcgrad.lax import (
    bitwise as _bitwise,
)
from funcgrad.lax import (
    call as _call,
)
from funcgrad.lax import (
    collective_forms as _collective_forms,
)
from funcgrad.lax import (
    collectives as _collectives,
)
from funcgrad.lax import control as _control
from funcgrad.lax import (
    conv as _conv,
)
from funcgrad.lax import (
    conv_forms as _conv_forms,
)
from funcgrad.lax import (
    conv_numbers as _conv_numbers,
)
from funcgrad.lax import (
    convert as _convert,
)
from funcgrad.lax import (
    cumulative as _cumulative,
)
from funcgrad.lax import (
    custom as _custom,
)
from funcgrad.lax import (
    dot as _dot,
)
from funcgrad.lax import (
    dynamic_slicing as _dynamic_slicing,
)
from funcgrad.lax import (
    elementwise as _elementwise,
)
from funcgrad.lax import (
    fft as _fft,
)
from funcgrad.lax import (
    gather as _gather,
)
from funcgrad.lax import (
    gather_numbers as _gather_numbers,
)
from funcgrad.lax import (
    gradient_stop as _gradient_stop,
)
from funcgrad.lax import (
    joining as _joining,
)
from funcgrad.lax import linalg as linalg
from funcgrad.lax import (
    misc as _misc,
)
from funcgrad.lax import (
    power as _power,
)
from funcgrad.lax import (
    prng as _prng,
)
from funcgrad.lax import (
    reductions as _reductions,
)
from funcgrad.lax import (
    remat as _remat,
)
from funcgrad.lax import (
    rounding as _rounding,
)
from funcgrad.lax import (
    scatter as _scatter,
)
from funcgrad.lax import (
    searching as _searching,
)
from funcgrad.lax import (
    select as _select,
)
from funcgrad.lax import (
    shape as _shape,
)
from funcgrad.lax import (
    slicing as _slicing,
)
from funcgrad.lax import (
    sort as _sort,
)
from funcgrad.lax import (
    special as _special,
)
from funcgrad.lax import (
    window_folds as _window_folds,
)
from funcgrad.lax import (
    windows as _windows,
)
from funcgrad.lax.arithmetic import *
from funcgrad.lax.bits import *
from funcgrad.lax.bitwise import *
from funcgrad.lax.collective_forms import *
from funcgrad.lax.collectives import *
from funcgrad.lax.control import *
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
from funcgrad.lax.searching import *
from funcgrad.lax.select import *
from funcgrad.lax.shape import *
from funcgrad.lax.slicing import *
from funcgrad.lax.sort import *
from funcgrad.lax.special import *
from funcgrad.lax.window_folds import *
from funcgrad.lax.windows import *


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
    *_collective_forms.__all__,
    *_collectives.__all__,
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
    *_searching.__all__,
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
