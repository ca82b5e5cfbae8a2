"""The exceptions, with the names and base classes of `jax.errors`.

The docstring of each has a program that raises it and the program that does not.
"""

from __future__ import annotations

from typing import Protocol

__all__ = [
    "ConcretizationTypeError",
    "InconclusiveDimensionOperation",
    "JAXIndexError",
    "JAXTypeError",
    "JaxRuntimeError",
    "JaxprTypeError",
    "KeyReuseError",
    "MissingExtraError",
    "MissingRuleError",
    "NonConcreteBooleanIndexError",
    "TracerArrayConversionError",
    "TracerBoolConversionError",
    "TracerIntegerConversionError",
    "TypePromotionError",
    "UnexpectedTracerError",
]


class _Aval(Protocol):
    def str_short(self, short_dtypes: bool = ...) -> str: ...


class _Tracer(Protocol):
    """What these classes ask of a tracer; `_origin()`, if there is one, tells where it is from."""

    @property
    def aval(self) -> _Aval: ...


def _describe(tracer: _Tracer) -> str:
    return f"traced array with shape {tracer.aval.str_short()}"


def _origin(tracer: _Tracer) -> str:
    """Which function was traced, and the argument that the value depends on, if it is known."""
    origin = getattr(tracer, "_origin", None)
    return "" if origin is None else str(origin())


def _lines(*parts: str) -> str:
    return "\n".join(part for part in parts if part)


class JAXTypeError(TypeError):
    """The base of the errors about values that are not known while a function is traced.

    >>> import funcgrad as fg
    >>> issubclass(fg.errors.TracerBoolConversionError, fg.errors.JAXTypeError)
    True
    """


class JAXIndexError(IndexError):
    """The base of the errors about indices that are not known while a function is traced.

    >>> import funcgrad as fg
    >>> issubclass(fg.errors.NonConcreteBooleanIndexError, fg.errors.JAXIndexError)
    True
    """


class ConcretizationTypeError(JAXTypeError):
    """A value was needed while the function was traced, where only shape and dtype are known.

    The size of an array cannot depend on a traced value:

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> def ramp(n):
    ...     return jnp.arange(n)
    >>> fg.jit(ramp)(3)
    Traceback (most recent call last):
    ...
    funcgrad.errors.ConcretizationTypeError: Abstract tracer value encountered where concrete...

    A static argument is an ordinary Python value; there is one program for each value:

    >>> fg.jit(ramp, static_argnums=0)(3)
    Array([0, 1, 2], dtype=int64)

    Where a Python number is asked for only to change the dtype, ask for the dtype:

    >>> fg.jit(lambda x: x.astype(int))(2.5)
    Array(2, dtype=int64)
    """

    def __init__(self, tracer: _Tracer | str, context: str = "") -> None:
        if isinstance(tracer, str):
            super().__init__(_lines(tracer, context))
            return
        super().__init__(
            _lines(
                "Abstract tracer value encountered where concrete value is expected: "
                + _describe(tracer),
                context,
                _origin(tracer),
                "Pass the argument that decides this as a static one (static_argnums or "
                "static_argnames of jit), or compute it outside the function.",
            )
        )


class TracerBoolConversionError(ConcretizationTypeError):
    """Python's `if`, `while`, `and`, `or`, `not` or `bool()` met a traced value.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> def relu(x):
    ...     return x if x > 0 else 0.0
    >>> fg.jit(relu)(2.0)
    Traceback (most recent call last):
    ...
    funcgrad.errors.TracerBoolConversionError: Attempted boolean conversion of traced array...

    One program serves all values of `x`, so it has to compute the choice:

    >>> fg.jit(lambda x: jnp.where(x > 0, x, 0.0))(2.0)
    Array(2., dtype=float64, weak_type=True)

    `lax.cond` runs only one of two branches, `lax.while_loop` repeats while a condition holds, and
    `&`, `|` and `~` replace `and`, `or` and `not`. Without `jit` the first version works under
    `grad` too, because it then sees the value:

    >>> fg.grad(relu)(2.0)
    Array(1., dtype=float64, weak_type=True)
    """

    def __init__(self, tracer: _Tracer | str) -> None:
        if isinstance(tracer, str):
            super().__init__(tracer)
            return
        super().__init__(
            _lines(
                f"Attempted boolean conversion of {_describe(tracer)}.",
                _origin(tracer),
                "Use jnp.where, lax.cond or lax.while_loop for a choice that depends on values "
                "(and &, |, ~ for `and`, `or`, `not`), or make the argument static.",
            )
        )


class TracerArrayConversionError(JAXTypeError):
    """NumPy asked a traced value for its numbers.

    >>> import numpy as np
    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> fg.jit(lambda x: np.asarray(x) + 1)(2.0)
    Traceback (most recent call last):
    ...
    funcgrad.errors.TracerArrayConversionError: The numpy.ndarray conversion method __array__()...

    `funcgrad.numpy` computes on traced values:

    >>> fg.jit(lambda x: jnp.asarray(x) + 1)(2.0)
    Array(3., dtype=float64, weak_type=True)

    For code that really needs NumPy arrays, such as another library, there is `fg.pure_callback`.
    """

    def __init__(self, tracer: _Tracer | str) -> None:
        if isinstance(tracer, str):
            super().__init__(tracer)
            return
        super().__init__(
            _lines(
                "The numpy.ndarray conversion method __array__() was called on "
                + _describe(tracer),
                _origin(tracer),
                "Use the function of the same name in funcgrad.numpy, or pure_callback for code "
                "that needs NumPy arrays.",
            )
        )


class TracerIntegerConversionError(JAXTypeError):
    """Python needed a traced value as an index or a count.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> names = [10, 20, 30]
    >>> fg.jit(lambda i: names[i])(1)
    Traceback (most recent call last):
    ...
    funcgrad.errors.TracerIntegerConversionError: The __index__() method was called on traced...

    An array can be indexed with a traced value, a list cannot:

    >>> fg.jit(lambda i: jnp.array(names)[i])(1)
    Array(20, dtype=int64)

    For a loop, `lax.fori_loop` takes a traced count where `range` does not.
    """

    def __init__(self, tracer: _Tracer | str) -> None:
        if isinstance(tracer, str):
            super().__init__(tracer)
            return
        super().__init__(
            _lines(
                f"The __index__() method was called on {_describe(tracer)}",
                _origin(tracer),
                "Index an array instead of a list or tuple, use lax.fori_loop instead of range, "
                "or make the argument static.",
            )
        )


class NonConcreteBooleanIndexError(JAXIndexError):
    """A mask that is not known while tracing was used as an index: the result has no known size.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> x = jnp.array([1.0, -2.0, 3.0])
    >>> fg.jit(lambda x: x[x > 0].sum())(x)
    Traceback (most recent call last):
    ...
    funcgrad.errors.NonConcreteBooleanIndexError: Array boolean indices must be concrete; got...

    `where` keeps the shape and chooses a value that does not count:

    >>> fg.jit(lambda x: jnp.where(x > 0, x, 0.0).sum())(x)
    Array(4., dtype=float64)
    """

    def __init__(self, tracer: _Tracer | str) -> None:
        if isinstance(tracer, str):
            super().__init__(tracer)
            return
        super().__init__(
            _lines(
                f"Array boolean indices must be concrete; got {tracer.aval.str_short()}",
                _origin(tracer),
                "Use jnp.where(mask, x, value), or jnp.nonzero(mask, size=...) for a number of "
                "elements that you know.",
            )
        )


class UnexpectedTracerError(JAXTypeError):
    """A traced value was kept and used after the transformation that made it had ended.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> kept = []
    >>> def f(x):
    ...     kept.append(x + 1)
    ...     return x
    >>> y = fg.jit(f)(1.0)
    >>> kept[0] * 2
    Traceback (most recent call last):
    ...
    funcgrad.errors.UnexpectedTracerError: Encountered an unexpected tracer...

    Return what is needed outside:

    >>> y, kept = fg.jit(lambda x: (x, x + 1))(1.0)
    >>> kept * 2
    Array(4., dtype=float64, weak_type=True)
    """

    def __init__(self, tracer: _Tracer | str) -> None:
        if isinstance(tracer, str):
            super().__init__(tracer)
            return
        super().__init__(
            _lines(
                f"Encountered an unexpected tracer: a {_describe(tracer)} was used after the "
                "transformation that made it had ended.",
                _origin(tracer),
                "A function that is transformed has to return its results: do not keep "
                "intermediate values in a global variable, an attribute or a list from outside. "
                "`with funcgrad.checking_leaks():` finds the leak where it happens.",
            )
        )


class KeyReuseError(JAXTypeError):
    """A PRNG key was consumed twice while `debug_key_reuse` was on.

    >>> import funcgrad as fg
    >>> with fg.debug_key_reuse(True):  # doctest: +SKIP
    ...     key = fg.random.key(0)
    ...     fg.random.normal(key) - fg.random.normal(key)
    Traceback (most recent call last):
    ...
    funcgrad.errors.KeyReuseError: Previously-consumed key ...

    Split the key, one for each use:

    >>> first, second = fg.random.split(fg.random.key(0))
    >>> fg.random.normal(first) == fg.random.normal(second)
    Array(False, dtype=bool)
    """


class JaxprTypeError(TypeError):
    """A program is not well typed: the checker found an equation that cannot be right.

    It points at a mistake in a primitive's rule, not in the program that was traced.

    >>> import funcgrad as fg
    >>> raise fg.errors.JaxprTypeError("a variable is used before it is defined")
    Traceback (most recent call last):
    ...
    funcgrad.errors.JaxprTypeError: a variable is used before it is defined
    """


class JaxRuntimeError(RuntimeError):
    """A compiled program failed while it ran, for a reason outside of the program.

    A callback returned something else than it promised:

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> two = fg.ShapeDtypeStruct((2,), "float64")
    >>> fg.pure_callback(lambda: 1.0, two)
    Traceback (most recent call last):
    ...
    funcgrad.errors.JaxRuntimeError: Incorrect output shape for return value #0: Expected: (2,), ...

    The promise has to fit:

    >>> fg.pure_callback(lambda: jnp.ones(2), two)
    Array([1., 1.], dtype=float64)
    """


class InconclusiveDimensionOperation(Exception):
    """A question about a symbolic dimension has no answer for all of its values.

    Shapes are numbers here, so nothing raises it; it exists for code that catches it.

    >>> import funcgrad as fg
    >>> issubclass(fg.errors.InconclusiveDimensionOperation, Exception)
    True
    """


class TypePromotionError(ValueError):
    """Two dtypes have no common one to which both are converted implicitly.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> with fg.numpy_dtype_promotion("strict"):
    ...     jnp.ones(2, "int32") + jnp.ones(2, "float32")
    Traceback (most recent call last):
    ...
    funcgrad.errors.TypePromotionError: Input dtypes ('int32', 'float32') have no available...

    Convert explicitly:

    >>> with fg.numpy_dtype_promotion("strict"):
    ...     jnp.ones(2, "int32").astype("float32") + jnp.ones(2, "float32")
    Array([2., 2.], dtype=float32)
    """


# What each rule is called in the message, with the words of JAX's messages.
_RULES = {
    "impl": "Evaluation rule",
    "abstract_eval": "Abstract evaluation",
    "jvp": "Differentiation rule",
    "partials": "Differentiation rule",
    "transpose": "Transpose rule (for reverse-mode differentiation)",
    "batch": "Batching rule",
    "emit": "Translation rule to NumPy source",
}


class MissingRuleError(NotImplementedError):
    """A primitive does not have the rule that a transformation needs.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> fg.linear_transpose(jnp.sin, 1.0)(3.0)
    Traceback (most recent call last):
    ...
    funcgrad.errors.MissingRuleError: Transpose rule (for reverse-mode differentiation) for 'sin'...

    Only a linear function has a transpose; `vjp` linearizes first:

    >>> fg.vjp(jnp.sin, 0.0)[1](3.0)
    (Array(3., dtype=float64, weak_type=True),)

    For a primitive of your own the fix is to write the method that the message names.
    """

    def __init__(self, primitive: str, rule: str, class_name: str = "", hint: str = "") -> None:
        what = f"{_RULES.get(rule, rule + ' rule')} for '{primitive}' not implemented"
        owner = class_name or f"the class of the primitive '{primitive}'"
        super().__init__(_lines(f"{what}: {owner} has no method `{rule}`.", hint))
        self.primitive = primitive
        self.rule = rule


class MissingExtraError(ImportError):
    """An optional package is needed and not installed.

    >>> import funcgrad as fg
    >>> raise fg.errors.MissingExtraError("scipy", "scipy")
    Traceback (most recent call last):
    ...
    funcgrad.errors.MissingExtraError: This needs the package scipy: pip install "funcgrad[scipy]"
    """

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f'This needs the package {package}: pip install "funcgrad[{extra}]"', name=package
        )
        self.extra = extra
