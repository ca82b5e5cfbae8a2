"""`debug.breakpoint`: a debugger's prompt in the middle of a program, on the values it has there."""

from __future__ import annotations

import cmd
import contextlib
import inspect
import pprint
import sys
from types import FrameType
from typing import Any, TextIO

from funcgrad.core.effects import DebugEffect, OrderedDebugEffect
from funcgrad.core.pytree import flatten
from funcgrad.core.pytree_def import LEAF
from funcgrad.core.source import user_frames
from funcgrad.core.trace import Tracer
from funcgrad.lax.callback_debug import DebugCallable, debug_callback_p, with_statics

__all__ = ["breakpoint"]


class Frame:
    """What the debugger knows of a function that was running when the program was traced."""

    __slots__ = ("file", "globals", "line", "lines", "locals", "start")

    def __init__(self, frame: FrameType) -> None:
        self.file = frame.f_code.co_filename
        self.line = frame.f_lineno
        self.globals = frame.f_globals
        self.locals = dict(frame.f_locals)
        self.lines: list[str] = []
        self.start = 1
        with contextlib.suppress(OSError, TypeError):  # code without a file, as in `exec`
            self.lines, self.start = inspect.getsourcelines(frame)
        self.start = max(self.start, 1)

    def shown(self, around: int) -> str:
        """The lines around the one that was running, with an arrow."""
        text = [f"> {self.file}({self.line})"]
        for n, line in enumerate(self.lines, self.start):
            if abs(n - self.line) <= around:
                text.append(f"{'->' if n == self.line else '  '}  {line.rstrip()}")
        return "\n".join(text)


class Debugger(cmd.Cmd):
    """The prompt. What is no command is an expression."""

    prompt = "(jdb) "

    def __init__(self, frames: list[Frame], stdin: TextIO | None, stdout: TextIO | None) -> None:
        super().__init__(stdin=stdin, stdout=stdout)
        self.use_rawinput = stdin is None
        self.frames = frames
        self.at = 0

    def run(self) -> None:
        self.cmdloop("Entering jdb:")

    def say(self, text: object) -> None:
        print(text, file=self.stdout)

    def emptyline(self) -> bool:
        return False

    def evaluate(self, expression: str) -> tuple[bool, Any]:
        frame = self.frames[self.at]
        try:
            return True, eval(expression, {**frame.globals, **frame.locals})
        except Exception as error:
            self.say(f"*** {type(error).__name__}: {error}")
            return False, None

    def default(self, line: str) -> None:
        self.do_p(line)

    def do_p(self, arg: str) -> None:
        """p expression
        Evaluates and prints the value of an expression"""
        found, value = self.evaluate(arg)
        if found:
            self.say(repr(value))

    def do_pp(self, arg: str) -> None:
        """pp expression
        Evaluates and pretty-prints the value of an expression"""
        found, value = self.evaluate(arg)
        if found:
            self.say(pprint.pformat(value))

    def do_up(self, arg: str) -> None:
        """u(p)
        Goes to the frame that called this one"""
        if self.at == len(self.frames) - 1:
            self.say("At topmost frame.")
        else:
            self.at += 1
        self.say(self.frames[self.at].shown(2))

    def do_down(self, arg: str) -> None:
        """d(own)
        Goes to the frame that this one called"""
        if self.at == 0:
            self.say("At bottommost frame.")
        else:
            self.at -= 1
        self.say(self.frames[self.at].shown(2))

    def do_list(self, arg: str) -> None:
        """l(ist)
        Lists the source of this frame"""
        self.say(self.frames[self.at].shown(5))

    def do_where(self, arg: str) -> None:
        """w(here), bt
        Prints the frames, the innermost last"""
        self.say("Traceback:")
        for frame in reversed(self.frames):
            self.say(f'  File "{frame.file}", line {frame.line}')
            at = frame.line - frame.start
            if 0 <= at < len(frame.lines):
                self.say(f"    {frame.lines[at].strip()}")

    def do_continue(self, arg: str) -> bool:
        """c(ont(inue))
        Continues the program"""
        return True

    def do_quit(self, arg: str) -> bool:
        """q(uit), exit
        Leaves the program"""
        sys.exit(0)

    do_u, do_d, do_l = do_up, do_down, do_list
    do_w = do_bt = do_where
    do_c = do_cont = do_continue
    do_q = do_exit = do_EOF = do_quit


def breakpoint(
    *,
    backend: str | None = None,
    filter_frames: bool = True,
    num_frames: int | None = None,
    ordered: bool = False,
    token: Any = None,
    **kwargs: Any,
) -> None:
    """Stop here when the program runs, at a prompt where its values can be looked at.

    Unlike Python's `breakpoint()` it stops in compiled programs too, with the values of this run, and in
    what `vmap` and `grad` make of them. Commands: `p`, `pp`, `u`, `d`, `l`, `bt`, `c`, `q`, `help`;
    anything else is an expression, which is evaluated with the local variables of the frame.

    Args:
      backend: "cli" or None, the only one.
      filter_frames: leave out the frames of this library.
      num_frames: how many frames to show.
      ordered: keep the order, which is kept anyway.
      token: accepted.
      stdin: where to read commands, a file; the terminal where it is left out.
      stdout: where to write, a file.

    Raises:
      ValueError: another `backend`.
      SystemExit: when the user quits, or there are no more commands to read.

    >>> import io
    >>> import funcgrad as fg
    >>> @fg.jit
    ... def f(x):
    ...     y = x + 1
    ...     fg.debug.breakpoint(stdin=io.StringIO("p y; c".replace("; ", chr(10))))
    ...     return y
    >>> f(1.0)
    Entering jdb:
    (jdb) Array(2., dtype=float64)
    (jdb) Array(2., dtype=float64, weak_type=True)
    """
    if backend not in (None, "cli"):
        raise ValueError(f"No debugger {backend!r}: the only backend is 'cli'.")
    stdin, stdout = kwargs.get("stdin"), kwargs.get("stdout")
    frames = list(map(Frame, user_frames(filter_frames)))[:num_frames]
    found = [_tracers(value) for frame in frames for value in frame.locals.values()]
    tracers = [x for some, _, _ in found for x in some]

    def stop(*values: Any) -> None:
        rest = iter(values)
        known = [
            with_statics(tree, others, [next(rest) for _ in some]) for some, others, tree in found
        ]
        for frame in frames:
            frame.locals = dict(zip(frame.locals, known, strict=False))
            del known[: len(frame.locals)]
        Debugger(frames, stdin, stdout).run()

    debug_callback_p.bind(
        *tracers,
        callback=DebugCallable(stop, flatten((tuple(tracers), {}))[1], ()),
        effect=OrderedDebugEffect() if ordered else DebugEffect(),
        partitioned=False,
    )


def _tracers(value: Any) -> tuple[list[Any], list[tuple[int, Any]], Any]:
    """A local variable's leaves that are traced, the others with their positions, the structure."""
    try:
        leaves, tree = flatten(value)
    except Exception:
        # Not every dict is a pytree: what cannot be flattened is shown as it is.
        return [], [(0, value)], LEAF
    traced = [isinstance(x, Tracer) and x._trace.alive for x in leaves]
    return (
        [x for x, t in zip(leaves, traced, strict=True) if t],
        [(i, x) for i, (x, t) in enumerate(zip(leaves, traced, strict=True)) if not t],
        tree,
    )
