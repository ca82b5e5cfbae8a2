"""How a row of the table is written: arguments drawn from a seed, a reference, what does not apply.

A `Spec` stands where an operation takes an array, anything else is static. Its shape may hold
letters, which a `Draw` turns into sizes: small letters may become 0, capitals are at least 1.
"""

from __future__ import annotations

import importlib
import itertools
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Maker = Callable[[np.random.Generator, tuple[int, ...]], Any]


@dataclass(frozen=True)
class Draw:
    """What varies between two runs of one row: the seed of the values, the sizes, the batch."""

    seed: int = 0
    n: int = 2
    m: int = 3
    k: int = 4
    N: int = 3
    M: int = 2
    K: int = 4
    batch: int = 2


@dataclass(frozen=True)
class Spec:
    """One array argument. `kind` is `float` or `complex` (as precise as asked) or a fixed dtype."""

    shape: tuple[int | str, ...]
    kind: str
    make: Maker
    diff: bool = True

    def __repr__(self) -> str:
        return f"{self.kind}[{','.join(map(str, self.shape))}]"

    def sizes(self, draw: Draw) -> tuple[int, ...]:
        return tuple(getattr(draw, s) if isinstance(s, str) else s for s in self.shape)

    def dtype(self, floating: str) -> np.dtype[Any]:
        if self.kind == "complex":
            return np.result_type(floating, np.complex64)
        return np.dtype(floating if self.kind == "float" else self.kind)

    def build(self, rng: np.random.Generator, draw: Draw, floating: str) -> np.ndarray[Any, Any]:
        shape = self.sizes(draw)
        value = np.asarray(self.make(rng, shape)).astype(self.dtype(floating))
        assert value.shape == shape, (value.shape, shape)
        return value


def spread(lo: float, hi: float, away: Sequence[float] = (), grid: float | None = None) -> Maker:
    """Distinct values between `lo` and `hi`, none within 0.05 of a point in `away`.

    `grid` puts them instead at multiples of 0.2 plus that number, so that two arrays differ.
    """

    def make(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        n = int(np.prod(shape))
        x = lo + (hi - lo) * (rng.permutation(n) + rng.uniform(0.25, 0.75, n)) / max(n, 1)
        for point in away:
            x = x + np.where(np.abs(x - point) < 0.05, np.where(x < point, -0.05, 0.05), 0.0)
        x = x if grid is None else np.round(x / 0.2) * 0.2 + grid
        return x.reshape(shape)

    return make


def F(*shape: int | str, lo: float = -2.0, hi: float = 2.0, **options: Any) -> Spec:
    """A real floating-point array of distinct values in (lo, hi)."""
    make = spread(lo, hi, options.pop("away", ()), options.pop("grid", None))
    make = options.pop("make", None) or make
    return Spec(shape, "float", make, **options)


def C(*shape: int | str, lo: float = -2.0, hi: float = 2.0, **options: Any) -> Spec:
    """A complex array whose real and imaginary parts lie in (lo, hi), off both axes."""
    part = spread(lo, hi, (0.0,))
    make = options.pop("make", None) or (lambda rng, s: part(rng, s) + 1j * part(rng, s))
    return Spec(shape, "complex", make, **options)


def Z(*shape: int | str, lo: int = -5, hi: int = 6, dtype: str = "int64") -> Spec:
    """An integer array of values in [lo, hi)."""
    lo = max(lo, 0) if np.dtype(dtype).kind == "u" else lo
    return Spec(shape, dtype, lambda rng, s: rng.integers(lo, hi, s), diff=False)


def B(*shape: int | str) -> Spec:
    """A boolean array."""
    return Spec(shape, "bool", lambda rng, s: rng.integers(0, 2, s) > 0, diff=False)


def permuted(*shape: int | str, size: int) -> Spec:
    """Distinct integers below `size`: indices without duplicates."""

    def make(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        return rng.permutation(size)[: int(np.prod(shape))].reshape(shape)

    return Spec(shape, "int64", make, diff=False)


def key_data() -> Spec:
    """The two 32-bit words of a raw random key."""
    return Spec((2,), "uint32", lambda rng, s: rng.integers(0, 2**32, s), diff=False)


def ascending(lo: float, hi: float) -> Maker:
    return lambda rng, s: np.sort(spread(lo, hi)(rng, s), axis=-1)


def _normal(rng: np.random.Generator, shape: tuple[int, ...], imaginary: bool) -> Any:
    x = rng.normal(size=shape)
    return x + 1j * rng.normal(size=shape) if imaginary else x


def general(imaginary: bool = False) -> Maker:
    """Matrices whose singular values are well apart and away from zero."""

    def make(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        u, _, vh = np.linalg.svd(_normal(rng, shape, imaginary), full_matrices=False)
        return (u * (1.0 + np.arange(u.shape[-1]))[..., ::-1]) @ vh

    return make


def definite(imaginary: bool = False) -> Maker:
    """Hermitian positive definite matrices with eigenvalues 1, 2, 3, ..."""

    def make(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        q, _ = np.linalg.qr(_normal(rng, shape, imaginary))
        return (q * (1.0 + np.arange(shape[-1]))) @ np.conj(np.swapaxes(q, -1, -2))

    return make


def triangular(lower: bool = True, imaginary: bool = False) -> Maker:
    """Triangular matrices with diagonals away from zero."""

    def make(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        x = _normal(rng, shape, imaginary) + 3.0 * np.eye(shape[-1])
        return np.tril(x) if lower else np.triu(x)

    return make


def leaves_of(tree: Any) -> Iterator[Any]:
    if isinstance(tree, dict):
        tree = list(tree.values())
    if isinstance(tree, list | tuple):
        for item in tree:
            yield from leaves_of(item)
    elif isinstance(tree, Spec):
        yield tree


def fill(tree: Any, arrays: Iterator[Any]) -> Any:
    """`tree` with its specs replaced by arrays, in order."""
    if isinstance(tree, dict):
        return {name: fill(item, arrays) for name, item in tree.items()}
    if type(tree) in (list, tuple):
        return type(tree)(fill(item, arrays) for item in tree)
    return next(arrays) if isinstance(tree, Spec) else tree


@dataclass(frozen=True)
class Case:
    """One way to call an operation: positional and keyword arguments, some of them specs."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    @property
    def specs(self) -> list[Spec]:
        return list(leaves_of((self.args, self.kwargs)))

    def build(self, draw: Draw, floating: str = "float64") -> list[np.ndarray[Any, Any]]:
        rng = np.random.default_rng(draw.seed)
        return [spec.build(rng, draw, floating) for spec in self.specs]

    def call(self, fun: Callable[..., Any], arrays: Sequence[Any]) -> Any:
        left = iter(arrays)
        args, kwargs = fill(self.args, left), fill(self.kwargs, left)
        return fun(*args, **kwargs)

    def __str__(self) -> str:
        named = (f"{name}={value}" for name, value in self.kwargs.items())
        return ", ".join([*map(str, self.args), *named])


def case(*args: Any, **kwargs: Any) -> Case:
    return Case(args, kwargs)


@dataclass(frozen=True)
class Bad:
    """Arguments that must be refused, with the exception's type and a part of its message."""

    error: type[Exception]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    match: str


def bad(error: type[Exception], *args: Any, match: str = "", **kwargs: Any) -> Bad:
    return Bad(error, args, kwargs, match)


@dataclass(frozen=True)
class Row:
    """One operation. `no` names the properties that do not apply, each with the reason.

    `exact`: jit must give the very same bits. `analytic`: the complex step applies.
    `tol` multiplies the tolerances of comparisons. `promotes`: how many arguments take every dtype.
    `edges`: infinities, NaN and signed zeros give what the reference gives.
    """

    name: str
    cases: tuple[Case, ...]
    bads: tuple[Bad, ...] = ()
    given: Callable[..., Any] | None = None
    ref: Callable[..., Any] | None = None
    exact: bool = False
    analytic: bool = False
    tol: float = 1.0
    no: dict[str, str] = field(default_factory=dict)
    promotes: int = 0
    edges: bool = False

    @property
    def fun(self) -> Callable[..., Any]:
        return self.given or resolve(self.name)

    def applies(self, *properties: str) -> bool:
        return not any(p in self.no for p in properties)

    def reference(self, case: Case, arrays: Sequence[Any]) -> Any:
        assert self.ref is not None
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return case.call(self.ref, arrays)


def resolve(name: str) -> Any:
    """The funcgrad object of that dotted name."""
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(f"funcgrad.{module}".rstrip(".")), attribute)


def numpys(name: str) -> Callable[..., Any] | None:
    """NumPy's function of the same name, or None where this version of NumPy has none."""
    found: Any = np
    for part in name.removeprefix("numpy.").split("."):
        found = getattr(found, part, None)
    return found if name.startswith("numpy.") else None


DYNAMIC = "the shape of the result depends on values"


def dynamic(**more: str) -> dict[str, str]:
    """For `no=`: what cannot be staged."""
    return {"jit": DYNAMIC, "vmap": DYNAMIC, **more}


def op(
    names: str, *items: Case | Bad, fun: Any = None, ref: Any = numpys, **options: Any
) -> list[Row]:
    """A row for each of the names; the reference is NumPy's function of that name unless given."""
    cases = tuple(item for item in items if isinstance(item, Case))
    bads = tuple(item for item in items if isinstance(item, Bad))
    first = names.split()[0]
    ref = numpys(first) if ref is numpys else ref
    return [Row(name, cases, bads, fun, ref, **options) for name in names.split()]


def same(names: str, item: Case | Bad, *items: Case | Bad, **options: Any) -> list[Row]:
    """Rows of several functions that take the same arguments, each with NumPy's as reference."""
    return list(itertools.chain(*(op(name, item, *items, **options) for name in names.split())))


def unary(names: str, ref: Any = numpys, more: Sequence[Case] = (), **options: Any) -> list[Row]:
    """An elementwise function of one array; `lo`, `hi`, `away` say where it is smooth."""
    where = {k: options.pop(k) for k in ("lo", "hi", "away") if k in options}
    cases = [case(F("n", "m", **where)), case(F(**where))]
    if options.pop("complex", False):
        options["analytic"] = True
        cases.append(case(C("n")))
    options = {"exact": True, "promotes": 1, "edges": True} | options
    return op(names, *cases, *more, ref=ref, **options)


def binary(names: str, ref: Any = numpys, more: Sequence[Case] = (), **options: Any) -> list[Row]:
    """An elementwise function of two arrays, whose shapes broadcast under `numpy` names."""
    where = {k: options.pop(k) for k in ("lo", "hi", "away", "grid") if k in options}
    second = where | options.pop("second", {})
    rows = []
    for name in names.split():
        cases = [case(F("n", "m", **where), F("n", "m", **second)), case(F(**where), F(**second))]
        if name.startswith("numpy"):
            cases.append(case(F("n", 1, **where), F("m", **second)))
        if options.get("analytic"):
            cases.append(case(C("n"), C("n")))
        rows += op(
            name,
            *cases,
            *more,
            ref=numpys(names.split()[0]) if ref is numpys else ref,
            **({"exact": True, "promotes": 2, "edges": True} | options),
        )
    return rows
