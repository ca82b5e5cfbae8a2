"""Source locations: which line of the user's code made an equation."""

from __future__ import annotations

import contextvars
import os
import sys
from itertools import islice
from types import CodeType, FrameType
from typing import Any

import numpy as np

__all__ = ["NOWHERE", "SourceInfo", "current", "override", "user_frame", "user_frames"]

_LIBRARIES = (
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep,
    os.path.dirname(os.path.abspath(np.__file__)) + os.sep,
    "<__array_function__",
    "<frozen",
)
_is_library: dict[str, bool] = {}


class SourceInfo:
    """A place in the user's code, and which transform made the equation from it.

    The line number is worked out only when somebody asks: recording is on the path of every
    traced operation.
    """

    __slots__ = ("_instruction", "code", "transform")

    def __init__(self, code: CodeType | None, instruction: int, transform: str = "") -> None:
        self.code = code
        self._instruction = instruction
        self.transform = transform

    @property
    def file(self) -> str:
        return self.code.co_filename if self.code is not None else "<unknown>"

    @property
    def line(self) -> int:
        return 0 if self.code is None else _line(self.code, self._instruction)

    @property
    def column(self) -> int:
        if self.code is None:
            return 0
        position = next(islice(self.code.co_positions(), self._instruction // 2, None), None)
        return (position and position[2]) or 0

    @property
    def function(self) -> str:
        return self.code.co_qualname if self.code is not None else "<unknown>"

    def with_transform(self, transform: str) -> SourceInfo:
        """The same place, made by one more transform (`backward`, `batched`, ...)."""
        joined = f"{transform}({self.transform})" if self.transform else transform
        return SourceInfo(self.code, self._instruction, joined)

    def __str__(self) -> str:
        place = f"{self.file}:{self.line} ({self.function})"
        return f"{place} [{self.transform}]" if self.transform else place

    __repr__ = __str__

    def __reduce__(self) -> tuple[Any, ...]:
        # Code objects do not pickle; a saved program keeps its equations, not its source lines.
        return SourceInfo, (None, 0, self.transform)


# The place of equations that are run at once and thrown away.
NOWHERE = SourceInfo(None, 0)

_lines: dict[tuple[int, int], tuple[CodeType, int]] = {}


def _line(code: CodeType, instruction: int) -> int:
    """The line of an instruction; remembered, since a loop makes many equations of one line."""
    found = _lines.get((id(code), instruction))
    if found is None or found[0] is not code:
        if len(_lines) > 8192:
            _lines.clear()
        line = code.co_firstlineno
        for start, end, at in code.co_lines():
            if start <= instruction < end and at is not None:
                line = at
                break
        found = _lines[id(code), instruction] = (code, line)
    return found[1]


_override: contextvars.ContextVar[SourceInfo | None] = contextvars.ContextVar(
    "source", default=None
)


def _library(filename: str) -> bool:
    known = _is_library.get(filename)
    if known is None:
        known = _is_library[filename] = filename.startswith(_LIBRARIES)
    return known


def user_frame() -> FrameType | None:
    """The innermost frame outside the library (and outside NumPy's dispatch to it)."""
    frame: FrameType | None = sys._getframe(1)
    known = _is_library
    while frame is not None:
        filename = frame.f_code.co_filename
        if not (known[filename] if filename in known else _library(filename)):
            return frame
        frame = frame.f_back
    return None


def user_frames(only_user: bool = True) -> list[FrameType]:
    """The frames that are running, the innermost first; with `only_user` those outside the library."""
    frames = []
    frame = user_frame()
    while frame is not None:
        if not only_user or not _library(frame.f_code.co_filename):
            frames.append(frame)
        frame = frame.f_back
    return frames


def current() -> SourceInfo:
    """Where the operation being bound comes from: the equation being transformed, or the user."""
    info = _override.get()
    if info is not None:
        return info
    frame = user_frame()
    if frame is None:
        return SourceInfo(None, 0)
    return SourceInfo(frame.f_code, frame.f_lasti)


class override:
    """While active, everything bound is recorded as coming from the place last `set`.

    A transform walking over equations sets the place of each before it processes it. The first may
    be given at once.
    """

    __slots__ = ("_place", "_token")

    def __init__(self, place: SourceInfo | None = None) -> None:
        self._place = place

    def __enter__(self) -> override:
        self._token = _override.set(self._place or _override.get())
        return self

    @staticmethod
    def set(info: SourceInfo | None) -> None:
        _override.set(info)

    def __exit__(self, *exc: object) -> None:
        _override.reset(self._token)
