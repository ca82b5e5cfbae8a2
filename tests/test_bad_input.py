"""Bad input: each kind raises JAX's exception, says where and what to do, and leaves nothing behind."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad import lax
from funcgrad.core.trace import eval_trace, get_trace
from funcgrad.errors import (
    ConcretizationTypeError,
    NonConcreteBooleanIndexError,
    TracerArrayConversionError,
    TracerBoolConversionError,
    TracerIntegerConversionError,
    UnexpectedTracerError,
)

HERE = re.escape(__file__)


@pytest.fixture(autouse=True)
def the_next_call_works() -> Iterator[None]:
    yield
    assert get_trace() is eval_trace
    assert float(fg.jit(lambda x: x + 1)(1.0)) == 2.0
    assert float(fg.grad(lambda x: x**2)(3.0)) == 6.0
    assert fg.vmap(jnp.sin)(jnp.zeros(2)).tolist() == [0.0, 0.0]


def raises(kind: type[Exception], call: Callable[[], Any], *parts: str) -> None:
    """`call` raises exactly `kind`, with all of `parts` (regular expressions) in its message."""
    with pytest.raises(kind) as caught:
        call()
    assert type(caught.value) is kind, caught.value
    for part in parts:
        assert re.search(part, str(caught.value)), f"no {part!r} in: {caught.value}"


# grad


def vector(x: Any) -> Any:
    return x * 2


def turned(x: Any) -> Any:
    return x * 1j


def counted(x: Any) -> Any:
    return 3


def nothing(x: Any) -> Any:
    return None


def text(x: Any) -> Any:
    return "text"


def loss(params: Any) -> Any:
    return params["w"] ** 2


@pytest.mark.parametrize("derivative", [fg.grad, fg.value_and_grad])
@pytest.mark.parametrize(
    ("fun", "x", "parts"),
    [
        (vector, jnp.ones(3), ["scalar-output", r"shape: \(3,\)", "mean", "jacrev", "vector at"]),
        (turned, 1.0, ["real-valued outputs", "complex128", "holomorphic=True", "turned at"]),
        (counted, 1.0, ["real-valued outputs", "int64", "vjp", "counted at"]),
        (nothing, 1.0, ["scalar-output", "None", "has_aux", "nothing at"]),
        (text, 1.0, ["text at", "returned", "<class 'str'>"]),
        (loss, {"w": 1}, ["int64", r"\['w'\] of an argument of loss at", "allow_int"]),
        (loss, {"w": True}, ["bool", r"\['w'\] of an argument of loss at", "allow_int"]),
        (loss, {"w": "a"}, ["not a valid JAX type", r"\['w'\] of an argument of loss at"]),
    ],
)
def test_grad(derivative: Any, fun: Any, x: Any, parts: list[str]) -> None:
    raises(TypeError, lambda: derivative(fun)(x), *parts, HERE)
    raises(
        TypeError,
        lambda: fg.jit(derivative(fun))(x),
        *([] if type(x) is dict and x == {"w": "a"} else parts),
    )


def test_grad_in_arguments_that_are_not_there() -> None:
    raises(TypeError, lambda: fg.grad(vector, argnums=2)(1.0), "argnums=2", "at least 3", HERE)
    raises(TypeError, lambda: fg.grad(vector, argnums=-2)(1.0), "argnums=-2", "vector at")
    raises(TypeError, lambda: fg.grad(vector, argnums="x")(1.0), "argnums", "'x'")  # type: ignore[arg-type]  # the point
    raises(TypeError, lambda: fg.grad(vector, has_aux=True)(1.0), "has_aux=True", "vector at")
    raises(TypeError, lambda: fg.grad(3), "callable")  # type: ignore[arg-type]  # the point
    raises(TypeError, lambda: fg.grad(vector, holomorphic=True)(1.0), "holomorphic=True", HERE)


# Tracers that escape

kept: list[Any] = []


def leaks(x: Any) -> Any:
    kept.append(x * 2)
    return x


MAKERS = {
    "jit": lambda: fg.jit(lambda x: leaks(x))(1.0),
    "grad": lambda: fg.grad(leaks)(1.0),
    "jvp": lambda: fg.jvp(leaks, (1.0,), (1.0,)),
    "vmap": lambda: fg.vmap(leaks)(jnp.ones(2)),
    "jit of grad": lambda: fg.jit(fg.grad(lambda x: leaks(x)))(1.0),
    "vmap of grad": lambda: fg.vmap(fg.grad(leaks))(jnp.ones(2)),
    "checkpoint": lambda: fg.grad(fg.checkpoint(lambda x: leaks(x)))(1.0),
    "scan": lambda: lax.scan(lambda c, x: (leaks(c), x), 1.0, jnp.ones(2)),
}
USES = {
    "eagerly": lambda t: t + 1,
    "under jit": lambda t: fg.jit(lambda y: y + t)(1.0),
    "as an argument of jit": lambda t: fg.jit(lambda y: y + 1)(t),
    "as a result of jit": lambda t: fg.jit(lambda y: t)(1.0),
    "under grad": lambda t: fg.grad(lambda y: y * t)(1.0),
    "under jvp": lambda t: fg.jvp(lambda y: y * t, (1.0,), (1.0,)),
    "under vmap": lambda t: fg.vmap(lambda y: y + t)(jnp.ones(2)),
    "in a comparison": lambda t: bool(t > 0),
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("maker", MAKERS)
def test_a_tracer_that_escapes(maker: str, use: str) -> None:
    kept.clear()
    MAKERS[maker]()
    raises(UnexpectedTracerError, lambda: USES[use](kept[0]), "outlived", "return", HERE)


def test_the_line_that_made_the_tracer() -> None:
    kept.clear()
    MAKERS["jit"]()
    line = leaks.__code__.co_firstlineno + 1
    raises(
        UnexpectedTracerError, lambda: kept[0] + 1, f"mul at {HERE}:{line} .leaks.", "argument x"
    )


# Values that are not known


def branch(x: Any, params: Any) -> Any:
    return x if params["w"].sum() > x else -x


def chosen(x: Any) -> Any:
    return x if bool((x > 0).all()) else -x


W = {"w": np.ones(3)}
NAMES = [r"the arguments x and params\['w'\]", "branch at", HERE, "lax.cond", "made by gt at"]


@pytest.mark.parametrize(
    ("call", "parts"),
    [
        (lambda: fg.jit(branch)(1.0, W), NAMES),
        (lambda: fg.jit(branch)(1.0, params=W), NAMES),
        (lambda: fg.grad(fg.jit(branch))(1.0, W), NAMES),
        (lambda: fg.jit(fg.grad(branch))(1.0, W), NAMES),
        (lambda: fg.jit(fg.vmap(branch, (0, None)))(jnp.ones(2), W), NAMES),
        (lambda: fg.vmap(fg.jit(branch), (0, None))(jnp.ones(2), W), NAMES),
        (lambda: fg.vmap(branch, (0, None))(jnp.ones(2), W), ["vmap", "branch at", HERE]),
        (lambda: fg.vmap(fg.grad(branch), (0, None))(jnp.ones(2), W), ["vmap", "branch at"]),
        (lambda: fg.make_jaxpr(chosen)(1.0), ["argument x", "chosen at"]),
        (lambda: fg.eval_shape(chosen, 1.0), ["argument x", "chosen at"]),
        (lambda: lax.scan(lambda c, x: (chosen(c), x), 1.0, None, 3), [HERE]),
        (lambda: fg.checkpoint(chosen)(1.0), ["chosen at"]),
    ],
)
def test_if(call: Any, parts: list[str]) -> None:
    raises(TracerBoolConversionError, call, *parts)


def test_names_of_arguments_are_in_their_order() -> None:
    def f(n: int, b: Any, a: Any, *rest: Any, **named: Any) -> Any:
        return float(b)

    part = "the argument b[.]"
    for static in ({"static_argnums": 0}, {"static_argnames": "n"}, {}):
        jitted = fg.jit(f, **static)
        raises(ConcretizationTypeError, lambda g=jitted: g(1, 2.0, 3.0), part)
        raises(ConcretizationTypeError, lambda g=jitted: g(1, b=2.0, a=3.0), part)
        raises(ConcretizationTypeError, lambda g=jitted: g(1, 2.0, 3.0, 4.0, c=2.0), part)
    raises(
        ConcretizationTypeError,
        lambda: fg.jit(lambda *args, **kw: float(args[1] + kw["c"][0]))(1.0, 2.0, c=[3.0]),
        r"the arguments args\[1\] and c\[0\]",
    )


CONVERSIONS: dict[str, tuple[Callable[[Any], Any], type[Exception], str]] = {
    "int": (int, ConcretizationTypeError, r"astype\(int\)"),
    "float": (float, ConcretizationTypeError, r"astype\(float\)"),
    "complex": (complex, ConcretizationTypeError, r"astype\(complex\)"),
    "item": (lambda n: n.item(), ConcretizationTypeError, "`item`"),
    "tolist": (lambda n: n.tolist(), ConcretizationTypeError, "`tolist`"),
    "np.asarray": (np.asarray, TracerArrayConversionError, "funcgrad.numpy"),
    "range": (range, TracerIntegerConversionError, "fori_loop"),
    "a list's index": (lambda n: [1, 2][n], TracerIntegerConversionError, "list"),
    "arange": (jnp.arange, ConcretizationTypeError, "jnp.arange argument 'stop'"),
    "nonzero": (lambda n: jnp.nonzero(jnp.stack([n])), ConcretizationTypeError, "size"),
    "unique": (jnp.unique, ConcretizationTypeError, "size"),
}


@pytest.mark.parametrize("name", CONVERSIONS)
def test_conversions(name: str) -> None:
    convert, kind, remedy = CONVERSIONS[name]

    def user(n: Any) -> Any:
        return convert(n)

    raises(kind, lambda: fg.jit(user)(1), "user at", HERE, "argument n", remedy)
    raises(kind, lambda: fg.vmap(user)(jnp.arange(2)), "user at", HERE, remedy)
    raises(kind, lambda: fg.jit(fg.vmap(user))(jnp.arange(2)), "argument n", remedy)
    if name in ("float", "item", "np.asarray"):
        raises(kind, lambda: fg.jit(fg.grad(user))(1.0), "user at", "argument n", remedy)
        raises(kind, lambda: fg.vmap(fg.grad(user))(jnp.ones(2)), "user at", remedy)


def test_numpy_wants_values_under_grad() -> None:
    def user(x: Any) -> Any:
        return np.asarray(x).sum()

    part = ["user at", HERE, "funcgrad.numpy"]
    raises(TracerArrayConversionError, lambda: fg.grad(user)(1.0), *part)
    raises(TracerArrayConversionError, lambda: fg.jvp(user, (1.0,), (1.0,)), *part)


def test_shapes_must_be_known() -> None:
    for user in (jnp.zeros, lambda n: jnp.ones((n, 2)), lambda n: jnp.ones(4).reshape(n, -1)):
        raises(TypeError, lambda f=user: fg.jit(f)(2), "Shapes must be", "static_argnums")


@pytest.mark.parametrize("transform", [fg.jit, lambda f: fg.vmap(f), lambda f: fg.jit(fg.vmap(f))])
def test_boolean_masks(transform: Any) -> None:
    def positive(x: Any) -> Any:
        return x[x > 0]

    part = ["must be concrete; got bool", "positive at", HERE, "jnp.where"]
    raises(NonConcreteBooleanIndexError, lambda: transform(positive)(jnp.ones((2, 3))), *part)
    assert issubclass(NonConcreteBooleanIndexError, IndexError)


# Shapes and dtypes

UNFIT: list[tuple[Callable[[], Any], str]] = [
    (lambda: jnp.ones(3) + jnp.ones(4), r"add got incompatible shapes .*\(3,\), \(4,\)"),
    (lambda: lax.add(jnp.ones(3), jnp.ones(4)), r"add got incompatible shapes .*\(3,\), \(4,\)"),
    (lambda: lax.add(jnp.ones(3), jnp.ones(3, "float32")), "float64, float32.*jnp.add"),
    (lambda: lax.sin(1), "sin does not accept dtype int64"),
    (lambda: jnp.ones((2, 3)) @ jnp.ones((2, 3)), r"\(3,\) and \(2,\)"),
    (lambda: jnp.ones(4).reshape(3), r"cannot reshape array of shape \(4,\)"),
    (lambda: jnp.concatenate([jnp.ones((2, 3)), jnp.ones((2, 4))]), r"\(2, 3\), \(2, 4\)"),
    (lambda: jnp.sin([1.0]), "sin requires ndarray or scalar arguments, got <class 'list'>"),
    (lambda: jnp.sin("a"), "sin requires ndarray or scalar arguments, got <class 'str'>"),
    (lambda: jnp.ones(2) + None, r"unsupported operand type\(s\) for \+"),
    (lambda: jnp.ones(2) ^ 1.0, "xor"),
]


@pytest.mark.parametrize("i", range(len(UNFIT)))
def test_shapes_and_dtypes_that_do_not_fit(i: int) -> None:
    call, part = UNFIT[i]
    raises(TypeError, call, part)
    raises(TypeError, fg.jit(lambda: call()), part)


# Trees


def pair(x: Any, y: Any) -> Any:
    return x["a"] + y


A = {"a": jnp.ones(2)}
Y = jnp.ones(2)


@pytest.mark.parametrize(
    ("in_axes", "args", "kind", "parts"),
    [
        ((0,), (A, Y), ValueError, [r"len\(in_axes\)=1, len\(args\)=2", "pair at"]),
        (({"b": 0}, 0), (A, Y), ValueError, ["tree prefix", r"in_axes\[0\]"]),
        (({"a": (0, 0)}, 0), (A, Y), ValueError, ["tree prefix", r"in_axes\[0\]\['a'\]"]),
        (0, (A, jnp.ones(3)), ValueError, [r"x\['a'\] .*float64\[2\]", r"y .*float64\[3\]"]),
        (None, (A, Y), ValueError, ["non-None"]),
        (0, (A, 1.0), ValueError, ["rank should be at least 1", "argument y of pair at", HERE]),
        (2, (A, Y), ValueError, ["rank should be at least 3", r"x\['a'\] of pair at"]),
        ("a", (A, Y), TypeError, ["in_axes must be an int, None, or a tuple"]),
        ((0, "a"), (A, Y), TypeError, ["in_axes"]),
        (0, (A, "b"), TypeError, ["pair at", "<class 'str'>"]),
    ],
)
def test_in_axes(in_axes: Any, args: Any, kind: Any, parts: list[str]) -> None:
    raises(kind, lambda: fg.vmap(pair, in_axes)(*args), *parts)


def test_out_axes() -> None:
    for axes, parts in (
        (None, ["out_axes is None", "vector at", HERE]),
        (3, ["out_axes=3", "vector at"]),
        ((0, 0), ["tree prefix", "out_axes"]),
    ):
        raises(ValueError, lambda a=axes: fg.vmap(vector, out_axes=a)(Y), *parts)
    raises(ValueError, lambda: fg.vmap(vector, axis_size=3)(Y), "axis_size=3", "argument x")


def test_trees() -> None:
    raises(ValueError, lambda: fg.tree.map(lambda a, b: a, {"a": [1]}, {"a": {"c": 1}}), r"\['a'\]")
    pull = fg.vjp(loss, {"w": 1.0})[1]
    raises(ValueError, lambda: pull((1.0,)), "tree structure", "loss at", HERE)
    raises(ValueError, lambda: pull(Y), r"float64\[2\], but expected float64\[\]", "loss at")
    raises(ValueError, lambda: pull(1j), r"complex128\[\], but expected float64\[\]")


def test_tangents() -> None:
    w = {"w": 1.0}
    raises(TypeError, lambda: fg.jvp(loss, (w,), ({"b": 1.0},)), "'w'", "'b'")
    raises(ValueError, lambda: fg.jvp(loss, (w,), ({"w": Y},)), r"\(2,\)", r"primals\[0\]\['w'\]")
    single = {"w": jnp.float32(1)}
    raises(TypeError, lambda: fg.jvp(loss, (w,), (single,)), "float32", r"primals\[0\]\['w'\]")
    raises(TypeError, lambda: fg.jvp(loss, w, w), "tuples or lists", "dict")
    raises(TypeError, lambda: fg.jvp(vector, (1,), (1,)), "float0", "int64")
    raises(TypeError, lambda: fg.jvp(loss, ({"w": "a"},), (w,)), "loss at", "<class 'str'>")


# jit


def configured(x: Any, cfg: Any = None) -> Any:
    return {"y": x} if cfg is None else cfg


def test_arguments_that_are_not_arrays() -> None:
    call = fg.jit(configured)
    parts = ["configured at", HERE, "static_argnums"]
    raises(TypeError, lambda: call(1.0, {"mode": "s"}), r"path cfg\['mode'\]", *parts)
    raises(TypeError, lambda: call(1.0, cfg=object()), "path cfg", *parts)
    with_static = fg.jit(configured, static_argnums=0)
    raises(TypeError, lambda: with_static(1.0, {"mode": "s"}), r"path cfg\['mode'\]", *parts)
    raises(TypeError, lambda: fg.make_jaxpr(configured)("s"), "path x", *parts)
    raises(TypeError, lambda: fg.eval_shape(configured, 1.0, ["s"]), r"path cfg\[0\]", *parts)
    raises(TypeError, lambda: fg.jit(3), "callable")


def test_results_that_are_not_arrays() -> None:
    for transformed in (fg.jit(text), fg.vmap(text), lambda x: fg.vjp(text, x), fg.jacfwd(text)):
        raises(TypeError, lambda f=transformed: f(Y), "text at", "returned", "<class 'str'>")


def test_unhashable_static_arguments() -> None:
    def f(x: Any, n: Any) -> Any:
        return x

    parts = ["Non-hashable static arguments", "f at", HERE, "tuple"]
    raises(ValueError, lambda: fg.jit(f, static_argnums=1)(1.0, [1]), "argument 1", *parts)
    raises(ValueError, lambda: fg.jit(f, static_argnames="n")(1.0, n=Y), "argument 'n'", *parts)


@pytest.mark.parametrize("transform", [lambda f: f, fg.jit, fg.vmap, lambda f: fg.vjp(f, Y)])
def test_assignment_in_place(transform: Any) -> None:
    def assign(x: Any) -> Any:
        x[0] = 1
        return x

    def delete(x: Any) -> Any:
        del x[0]
        return x

    x = jnp.ones((2, 2))
    with pytest.raises(TypeError, match=r"immutable.*x\.at\[idx\]\.set\(y\)"):
        transform(assign)(x)
    with pytest.raises(TypeError, match="immutable"):
        transform(delete)(x)


# NaN


def logarithm(x: Any) -> Any:
    y = x - 1
    return jnp.log(y).sum()


def root(x: Any) -> Any:
    return 0.0 * jnp.sqrt(x)


@pytest.mark.parametrize("transform", [lambda f: f, fg.jit, fg.grad, fg.vmap])
def test_nan(transform: Any) -> None:
    line = logarithm.__code__.co_firstlineno + 2
    x = jnp.zeros((2,)) if transform is fg.vmap else jnp.zeros(())
    with fg.debug_nans(True):
        parts = [r"invalid value \(nan\) encountered in log", f"{HERE}:{line} .logarithm"]
        raises(FloatingPointError, lambda: transform(logarithm)(x), *parts)
        line = root.__code__.co_firstlineno + 1
        for f in (fg.grad(root), fg.jit(fg.grad(root)), fg.grad(fg.jit(root))):
            raises(FloatingPointError, lambda f=f: f(0.0), "nan", f"{HERE}:{line} .root")
    assert np.isnan(fg.jit(logarithm)(x))
