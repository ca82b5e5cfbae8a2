"""The exceptions: their bases, and messages that say what happened, where, and the remedy."""

from types import SimpleNamespace
from typing import Any

import pytest

from funcgrad import errors
from funcgrad.core.optional import require

ORIGIN = "The error occurred while tracing the function f at file.py:3 for jit."


def tracer(shape: str = "float64[3]", **attributes: Any) -> Any:
    aval = SimpleNamespace(str_short=lambda short_dtypes=False: shape)
    return SimpleNamespace(aval=aval, _origin=lambda: ORIGIN, **attributes)


@pytest.mark.parametrize(
    ("name", "bases"),
    [
        ("ConcretizationTypeError", "JAXTypeError TypeError"),
        ("TracerBoolConversionError", "ConcretizationTypeError JAXTypeError TypeError"),
        ("TracerArrayConversionError", "JAXTypeError TypeError"),
        ("TracerIntegerConversionError", "JAXTypeError TypeError"),
        ("NonConcreteBooleanIndexError", "JAXIndexError IndexError LookupError"),
        ("UnexpectedTracerError", "JAXTypeError TypeError"),
        ("KeyReuseError", "JAXTypeError TypeError"),
        ("JaxprTypeError", "TypeError"),
        ("JaxRuntimeError", "RuntimeError"),
        ("InconclusiveDimensionOperation", ""),
        ("TypePromotionError", "ValueError"),
        ("MissingRuleError", "NotImplementedError RuntimeError"),
        ("MissingExtraError", "ImportError"),
    ],
)
def test_bases(name: str, bases: str) -> None:
    found = [cls.__name__ for cls in getattr(errors, name).__mro__[1:]]
    assert found == [*bases.split(), "Exception", "BaseException", "object"]


@pytest.mark.parametrize(
    ("cls", "start", "remedy"),
    [
        (
            errors.ConcretizationTypeError,
            "Abstract tracer value encountered where concrete value is expected: "
            "traced array with shape float64[3]\n",
            "static",
        ),
        (
            errors.TracerBoolConversionError,
            "Attempted boolean conversion of traced array with shape float64[3].\n",
            "lax.cond",
        ),
        (
            errors.TracerArrayConversionError,
            "The numpy.ndarray conversion method __array__() was called on "
            "traced array with shape float64[3]\n",
            "funcgrad.numpy",
        ),
        (
            errors.TracerIntegerConversionError,
            "The __index__() method was called on traced array with shape float64[3]\n",
            "fori_loop",
        ),
        (
            errors.NonConcreteBooleanIndexError,
            "Array boolean indices must be concrete; got float64[3]\n",
            "jnp.where",
        ),
        (errors.UnexpectedTracerError, "Encountered an unexpected tracer", "return"),
    ],
)
def test_messages_of_tracer_errors(cls: type[Exception], start: str, remedy: str) -> None:
    message = str(cls(tracer()))
    assert message.startswith(start)
    assert ORIGIN in message
    assert remedy in message
    assert str(cls("in other words")) == "in other words"


def test_context_of_a_concretization() -> None:
    lines = str(errors.ConcretizationTypeError(tracer(), "It arose in arange.")).splitlines()
    assert lines[1:3] == ["It arose in arange.", ORIGIN]
    assert str(errors.ConcretizationTypeError("a", "b")) == "a\nb"


def test_a_tracer_need_not_know_its_origin() -> None:
    anonymous = tracer()
    del anonymous._origin
    assert len(str(errors.TracerBoolConversionError(anonymous)).splitlines()) == 2


@pytest.mark.parametrize(
    ("rule", "start"),
    [
        ("impl", "Evaluation rule for 'p' not implemented: MyPrimitive has no method `impl`."),
        ("abstract_eval", "Abstract evaluation for 'p' not implemented"),
        ("jvp", "Differentiation rule for 'p' not implemented"),
        ("transpose", "Transpose rule (for reverse-mode differentiation) for 'p' not implemented"),
        ("batch", "Batching rule for 'p' not implemented"),
        ("emit", "Translation rule to NumPy source for 'p' not implemented"),
        ("shard", "shard rule for 'p' not implemented"),
    ],
)
def test_missing_rules(rule: str, start: str) -> None:
    error = errors.MissingRuleError("p", rule, "MyPrimitive", "Use another one.")
    first, last = str(error).splitlines()
    assert first.startswith(start)
    assert first.endswith(f"MyPrimitive has no method `{rule}`.")
    assert last == "Use another one."
    assert (error.primitive, error.rule) == ("p", rule)
    assert "the class of the primitive 'p'" in str(errors.MissingRuleError("p", rule))


def test_optional_packages() -> None:
    assert require("json.decoder").__name__ == "json.decoder"
    with pytest.raises(
        errors.MissingExtraError, match=r'pip install "funcgrad\[plots\]"'
    ) as caught:
        require("no_such_package.part", "plots")
    assert (caught.value.name, caught.value.extra) == ("no_such_package", "plots")
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)
    with pytest.raises(errors.MissingExtraError, match=r"funcgrad\[no_such_package\]"):
        require("no_such_package")


def test_a_missing_part_of_an_installed_package_is_another_error() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"json\.no_such_part") as caught:
        require("json.no_such_part", "json")
    assert not isinstance(caught.value, errors.MissingExtraError)


def test_all_names_are_exported() -> None:
    classes = {name for name, value in vars(errors).items() if isinstance(value, type)}
    assert set(errors.__all__) == {n for n in classes if issubclass(getattr(errors, n), Exception)}
