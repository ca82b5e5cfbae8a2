"""`debug.print`, `debug.log` and `debug.breakpoint`: what they write."""

from __future__ import annotations

import io
import logging
from typing import Any

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as jnp

XS = jnp.array([1.0, 2.0])
RUNS = {"eager": lambda f: f, "jit": fg.jit}


def printed(capsys: Any, f: Any, *args: Any) -> str:
    capsys.readouterr()
    f(*args)
    return str(capsys.readouterr().out)


def test_print(capsys: Any) -> None:
    show = fg.debug.print
    assert printed(capsys, show, "a {{}}") == "a {{}}\n"
    f = lambda x: show("{} {n} {:>10.3e} {{}}", x, x, n="nm")
    assert printed(capsys, fg.jit(f), 1.0) == "1.0 nm  1.000e+00 {}\n"
    assert printed(capsys, lambda: show("{0} {1} {0}", 1, 2)) == "1 2 1\n"
    assert printed(capsys, lambda: show("{x[0]} {x.shape}", x=jnp.arange(3))) == "0 (3,)\n"
    assert printed(capsys, fg.jit(lambda x: show("{}", {"a": x})), 1.0) == (
        "{'a': Array(1., dtype=float64)}\n"
    )
    assert printed(capsys, lambda: show("{:.2f} {:d} {!r}", 1.234, 3, "s")) == "1.23 3 's'\n"
    assert printed(capsys, lambda: show("{}", None)) == "None\n"
    assert printed(capsys, lambda: show(ordered=True)("{} b", 3)) == "3 b\n"
    assert printed(capsys, fg.vmap(lambda x, y: show("{} {}", x, y), (0, None)), XS, 3.0) == (
        "1.0 3.0\n2.0 3.0\n"
    )


def test_print_takes_printoptions_along(capsys: Any) -> None:
    with np.printoptions(precision=2):
        f = fg.jit(lambda x: fg.debug.print("{}", x))
        f.trace(jnp.ones(1))
        first = printed(capsys, f, jnp.array([1.23456]))
    assert first == printed(capsys, f, jnp.array([1.23456])) == "[1.23]\n"


def test_formats_are_checked_at_once() -> None:
    show = fg.debug.print
    bad: list[tuple[type[Exception], str, Any]] = [
        (KeyError, "x", lambda: show("{x}")),
        (IndexError, "index out of range", lambda: show("{} {}", 1)),
        (ValueError, r"Unused positional arguments to `debug.print`: \[3\]", lambda: show("o", 3)),
        (ValueError, r"Unused keyword arguments .* \['y'\].*f-string", lambda: show("o", y=3)),
        (ValueError, "cannot switch from manual field", lambda: show("{0} {}", 1, 2)),
        (TypeError, "expected str, got int", lambda: show(3)),
    ]
    for error, message, attempt in bad:
        with pytest.raises(error, match=message):
            attempt()
        with pytest.raises(error, match=message):
            fg.jit(lambda x, attempt=attempt: (attempt(), x)[1])(1.0)
    show("{}", 1, 2, skip_format_check=True)


def test_print_prints_keys(capsys: Any) -> None:
    f = lambda k: fg.debug.print("{}", k)
    expected = "Array((), dtype=key<fry>) overlaying:\n[0 0]\n"
    assert printed(capsys, f, fg.random.key(0)) == expected
    assert printed(capsys, fg.jit(f), fg.random.key(0)) == expected


def test_log(caplog: Any) -> None:
    with caplog.at_level(logging.INFO, logger="funcgrad.debug"):
        fg.jit(lambda x: fg.debug.log("x is {}", x))(2)
    assert [r.getMessage() for r in caplog.records] == ["x is 2"]


# debug.breakpoint


def session(commands: str) -> tuple[Any, Any]:
    """A function that stops at a prompt, and what it wrote."""
    out = io.StringIO()

    def inner(x: Any) -> Any:
        y = x * 2
        fg.debug.breakpoint(stdin=io.StringIO(commands), stdout=out)
        return y + 1

    return inner, out


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
def test_breakpoint(run: Any) -> None:
    f, out = session("p y\nx + y\npp [y]\np nothing\n\nc\n")

    def outer(w: Any) -> Any:
        return f(w + 1.0)

    assert run(outer)(jnp.array(2.0)) == 7.0
    text = out.getvalue()
    assert text.startswith("Entering jdb:\n(jdb) Array(6., dtype=float64")
    assert "(jdb) Array(9., dtype=float64" in text
    assert "(jdb) [Array(6., dtype=float64" in text
    assert "(jdb) *** NameError: name 'nothing' is not defined\n(jdb) (jdb) " in text


def test_breakpoint_frames() -> None:
    f, out = session("u\np w\nu\nd\nd\nd\nl\nbt\nhelp p\nc\n")

    def outer(w: Any) -> Any:
        return f(w + 1.0)

    fg.jit(outer)(5.0)
    text = out.getvalue()
    assert "    def outer(w: Any) -> Any:\n->          return f(w + 1.0)\n" in text
    assert "(jdb) Array(5., dtype=float64)\n" in text
    assert "At bottommost frame." in text
    assert "->          fg.debug.breakpoint(stdin=io.StringIO(commands), stdout=out)\n" in text
    assert "(jdb) Traceback:\n" in text
    assert "Evaluates and prints the value of an expression" in text


def test_breakpoint_leaves_when_there_is_nothing_to_read() -> None:
    for commands in ("q\n", "", "p x\n"):
        f, _ = session(commands)
        with pytest.raises(SystemExit):
            fg.jit(f)(1.0)
    with pytest.raises(ValueError, match="No debugger 'web'"):
        fg.debug.breakpoint(backend="web")


def test_breakpoint_under_transformations() -> None:
    f, out = session("p x\nc\np x\nc\n")
    fg.vmap(f)(jnp.arange(2.0))
    assert "Array(0., dtype=float64)" in out.getvalue()
    f, out = session("p x\nc\n")
    assert fg.grad(f)(1.0) == 2.0
    assert "Array(1., dtype=float64" in out.getvalue()
