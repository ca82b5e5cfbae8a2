"""What `funcgrad.scipy` has beside linalg, special and stats; and `funcgrad.image`."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.cluster.vq as spv
import scipy.fft as spf
import scipy.integrate as spi
import scipy.interpolate as spo
import scipy.ndimage as spn
import scipy.signal as sps

import funcgrad.numpy as jnp
from funcgrad.scipy import interpolate
from funcgrad.scipy.optimize import minimize
from funcgrad.scipy.sparse import linalg as sparse

from .core import C, F, Row, bad, case, definite, op

LOOSE: Any = {"tol": 100.0}
POSITIVE = F(4, 4, make=definite())


def solution(solver: Any) -> Any:
    """The solution of `solver` for the symmetric part of a matrix, to full accuracy."""

    def solve(a: Any, b: Any, **options: Any) -> Any:
        square = isinstance(a, jnp.ndarray | np.ndarray) and a.shape[0] == a.shape[1]
        return solver((a + a.T) / 2 if square else a, b, **({"tol": 1e-13} | options))[0]

    return solve


SOLVERS: list[Row] = [
    row
    for solver in (sparse.cg, sparse.bicgstab, sparse.gmres)
    for row in op(
        f"scipy.sparse.linalg.{solver.__name__}",
        case(POSITIVE, F(4)),
        bad(ValueError, np.ones((2, 3)), np.ones(3), match="square"),
        bad(ValueError, np.eye(2), np.ones(2), x0=np.ones(3), match="matching shapes"),
        bad(TypeError, "matrix", np.ones(2), match="function or ndarray"),
        fun=solution(solver),
        ref=np.linalg.solve,
        no={"float32": "the tolerance"},
        tol=1000.0,
    )
]

OPTIMIZE: list[Row] = op(
    "scipy.optimize.minimize",
    case(F(3)),
    case(F(3), method="l-bfgs-experimental-do-not-rely-on-this"),
    fun=lambda a, method="BFGS": (
        minimize(
            lambda x: ((x - a) ** 2).sum() + (x[0] * x[1]) ** 2,
            jnp.zeros(3),
            method=method,
            tol=1e-6,
        ).success
    ),
    ref=lambda a, method="BFGS": np.array(True),
    no={"jvp": "see custom_root", "vjp": "see custom_root", "float32": "the tolerance"},
)

SIGNALS: list[Row] = [
    *op(
        "scipy.signal.convolve",
        case(F(6), F(3)),
        case(F(3), F(6), mode="same"),
        case(F(4, 5), F(2, 3), mode="valid"),
        case(F(6), F(3), method="fft"),
        case(C(4), C(3)),
        bad(ValueError, np.ones(2), np.ones(2), "wrap"),
        bad(ValueError, np.ones(2), np.ones(2), method="guess"),
        bad(ValueError, np.ones(2), np.ones((2, 2))),
        bad(ValueError, np.ones((2, 3)), np.ones((3, 2)), "valid"),
        ref=sps.convolve,
    ),
    *op(
        "scipy.signal.correlate",
        case(F(6), F(4)),
        case(F(4), F(6), mode="same"),
        case(C(5), C(3), mode="same"),
        case(F(4, 5), F(2, 2), mode="valid"),
        ref=sps.correlate,
    ),
    *op(
        "scipy.signal.fftconvolve",
        case(F(6), F(3)),
        case(F(4, 5), F(2, 3), mode="same"),
        case(F(2, 5), F(2, 3), axes=1),
        case(C(5), C(3), mode="valid"),
        bad(ValueError, np.ones((2, 3)), np.ones((3, 3)), axes=1),
        bad(ValueError, np.ones(2), np.ones((2, 2))),
        ref=sps.fftconvolve,
    ),
    *op(
        "scipy.signal.convolve2d",
        case(F(4, 5), F(2, 3)),
        case(F(4, 5), F(2, 2), mode="same"),
        bad(ValueError, np.ones(2), np.ones(2)),
        bad(NotImplementedError, np.ones((2, 2)), np.ones((2, 2)), boundary="wrap"),
        ref=sps.convolve2d,
    ),
    *op(
        "scipy.signal.correlate2d",
        case(F(4, 5), F(2, 3)),
        case(F(4, 5), F(2, 2), mode="same"),
        case(F(2, 2), F(4, 5), mode="same"),
        bad(NotImplementedError, np.ones((2, 2)), np.ones((2, 2)), fillvalue=1),
        ref=sps.correlate2d,
    ),
    *op(
        "scipy.signal.detrend",
        case(F(9)),
        case(F(2, 8), type="constant"),
        case(F(8, 2), axis=0, bp=[3]),
        bad(ValueError, np.ones(3), type="cubic"),
        bad(ValueError, np.ones(3), bp=[7]),
        bad(NotImplementedError, np.ones(3), overwrite_data=True),
        ref=sps.detrend,
        **LOOSE,
    ),
    *op(
        "scipy.signal.stft",
        case(F(20), nperseg=8),
        case(
            F(2, 20), fs=2.0, nperseg=6, noverlap=2, nfft=10, window="hamming", detrend="constant"
        ),
        case(F(20), nperseg=8, return_onesided=False, boundary="even", padded=False),
        case(C(16), nperseg=8, boundary=None, return_onesided=False, window=("tukey", 0.3)),
        bad(ValueError, np.ones(20), nperseg=8, noverlap=8),
        bad(ValueError, np.ones(20), nperseg=8, nfft=4),
        bad(ValueError, np.ones(20), nperseg=8, boundary="wrap"),
        ref=sps.stft,
        **LOOSE,
    ),
    *op(
        "scipy.signal.istft",
        case(C(5, 6)),
        case(C(8, 6), input_onesided=False, fs=3.0),
        case(C(5, 6), noverlap=6, boundary=False),
        bad(ValueError, np.ones(3)),
        bad(ValueError, np.ones((5, 6)), nperseg=20),
        ref=sps.istft,
        no={"jvp": "the window vanishes at the ends"},
        **LOOSE,
    ),
    *op(
        "scipy.signal.csd",
        case(F(24), F(24), nperseg=8),
        case(F(2, 24), F(2, 24), nperseg=8, scaling="spectrum", fs=2.0),
        case(F(24), F(24), nperseg=8, average="median"),
        bad(ValueError, np.ones(8), np.ones(8), scaling="power"),
        bad(ValueError, np.ones(8), np.ones(8), average="mode"),
        ref=sps.csd,
        **LOOSE,
    ),
    *op(
        "scipy.signal.welch",
        case(F(24), nperseg=8),
        case(F(24, 2), nperseg=7, noverlap=2, axis=0, detrend="linear"),
        case(F(24), nperseg=8, average="median"),
        ref=sps.welch,
        **LOOSE,
    ),
]

TRANSFORMS: list[Row] = []
for name in ("dct", "idct"):
    TRANSFORMS += op(
        f"scipy.fft.{name}",
        case(F(5)),
        case(F(2, 4), norm="ortho"),
        case(F(4, 2), axis=0, n=6),
        case(F(5), n=3),
        case(C(4)),
        bad(NotImplementedError, np.ones(3), 3),
        bad(ValueError, np.ones(3), norm="forward"),
        bad(ValueError, np.ones(3), axis=1),
        ref=getattr(spf, name),
    )
    TRANSFORMS += op(
        f"scipy.fft.{name}n",
        case(F(3, 4)),
        case(F(3, 4), norm="ortho", axes=(1,)),
        case(F(3, 4), s=(2, 5)),
        bad(NotImplementedError, np.ones((3, 3)), 3),
        ref=getattr(spf, f"{name}n"),
    )

PLACES = F(2, 5, lo=0.1, hi=2.9, away=(0.0, 1.0, 2.0, 3.0, 0.5, 1.5, 2.5))
OUTSIDE = F(2, 5, lo=-4.0, hi=6.0, away=(*range(-4, 7), *(i + 0.5 for i in range(-5, 7))))
GRID = (np.array([0.0, 1.0, 2.5]), np.array([0.0, 2.0, 3.0, 4.0]))


def interpolated(values: Any, x: Any, module: Any = interpolate, **options: Any) -> Any:
    return module.RegularGridInterpolator(GRID, values, bounds_error=False, **options)(x)


INTERPOLATION: list[Row] = [
    *op(
        "scipy.ndimage.map_coordinates",
        case(F(4, 4), PLACES, 1),
        case(F(4, 4), PLACES, 0),
        case(F(3, 4), OUTSIDE, 1, mode="nearest"),
        case(F(3, 4), OUTSIDE, 1, mode="mirror"),
        case(F(3, 4), OUTSIDE, 1, mode="reflect"),
        case(F(3, 4), OUTSIDE, 0, mode="nearest"),
        bad(NotImplementedError, np.ones(3), [np.ones(1)], 2),
        bad(NotImplementedError, np.ones(3), [np.ones(1)], 1, mode="spline"),
        bad(ValueError, np.ones(3), [np.ones(1)] * 2, 1),
        ref=lambda x, at, order, **options: spn.map_coordinates(x, at, order=order, **options),
        no={"second": "piecewise linear"},
        **LOOSE,
    ),
    *op(
        "scipy.interpolate.RegularGridInterpolator",
        case(F(3, 4), F(5, 2, lo=0.1, hi=2.4, away=(1.0, 2.0))),
        case(F(3, 4, 2), F(5, 2, lo=0.1, hi=2.4, away=(1.0, 2.0))),
        case(F(3, 4), F(5, 2, lo=-1.0, hi=5.0, away=(0.0, 1, 2, 2.5, 3, 4)), fill_value=None),
        case(F(3, 4), F(5, 2, lo=-1.0, hi=5.0, away=(0.0, 1, 2, 2.5, 3, 4)), fill_value=7.0),
        case(F(3, 4), F(5, 2, lo=0.1, hi=2.4, away=(0.5, 1, 1.75)), method="nearest"),
        bad(ValueError, np.ones((3, 4)), np.ones(2), method="cubic"),
        bad(ValueError, np.ones((4, 4)), np.ones(2)),
        fun=interpolated,
        ref=lambda *args, **options: interpolated(*args, module=spo, **options),
        no={"second": "piecewise linear", "float32": "SciPy computes in double precision"},
        **LOOSE,
    ),
    *op(
        "scipy.integrate.trapezoid",
        case(F(5)),
        case(F(2, 5), np.array([0.0, 1.0, 1.5, 3.0, 4.0])),
        case(F(5, 2), dx=0.5, axis=0),
        ref=spi.trapezoid,
    ),
    *op(
        "scipy.cluster.vq.vq",
        case(F(5, 2), F(3, 2)),
        case(F(5), F(3)),
        bad(ValueError, np.ones(3), np.ones((3, 2))),
        bad(TypeError, np.ones((3, 2)), np.ones((3, 3))),
        ref=spv.vq,
        no={"jvp": "the indices", "second": "the indices"},
        **LOOSE,
    ),
]

IMAGE = F(5, 6)


def area(x: Any, shape: tuple[int, int], method: str) -> Any:
    """Whole blocks only."""
    m, n = shape
    return x.reshape(m, x.shape[0] // m, n, x.shape[1] // n).mean((1, 3))


IMAGES: list[Row] = [
    *op(
        "image.resize",
        case(F(4, 6), (2, 3), "area"),
        bad(ValueError, np.ones((2, 2)), (2,), "linear", match="length"),
        bad(ValueError, np.ones((2, 2)), (2, 3), "spline", match="Unknown resize method"),
        ref=area,
        **LOOSE,
    ),
    *op(
        "image.resize",
        *(
            case(IMAGE, shape, method, antialias)
            for shape in ((3, 8), (10, 4))
            for method in ("nearest", "linear", "cubic", "lanczos3", "lanczos5", "cubic-pytorch")
            for antialias in (True, False)
        ),
        ref=None,
        no={"float32": "the weights are computed in the precision of the image"},
        **LOOSE,
    ),
    *op(
        "image.scale_and_translate",
        case(IMAGE, (7, 8), (0, 1), F(2, lo=0.6, hi=1.9), F(2, lo=-0.9, hi=0.9), "cubic"),
        case(IMAGE, (7, 6), (0,), F(1, lo=0.6, hi=1.9), F(1, lo=-0.9, hi=0.9), "lanczos3", False),
        bad(ValueError, np.ones(2), (2,), (0,), np.ones(1), np.ones(1), "nearest"),
        bad(ValueError, np.ones(2), (2,), (0,), np.ones(2), np.ones(2), "linear"),
        bad(ValueError, np.ones(2), (2,), (1,), np.ones(1), np.ones(1), "linear"),
        ref=None,
        no={"second": "piecewise", "jvp": "edges of kernels", "float32": "edges of kernels"},
        **LOOSE,
    ),
]

ROWS = [*SOLVERS, *OPTIMIZE, *SIGNALS, *TRANSFORMS, *INTERPOLATION, *IMAGES]
