"""Blocks of large operations, shared among threads: NumPy lets go of Python's lock in its loops.

Which blocks there are is the program's matter, so that results do not depend on how many threads
take them. The calling thread works, too, and never waits for a helper that has not started.

Whether threads help depends on the machine: processors that share a core, and the time to hand
over Python's lock, can cost more than is won. So unless the number of threads is set, the first
calls of a piece of work are timed both ways, and the quicker way is taken from then on.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterable, Sequence
from queue import SimpleQueue
from time import perf_counter
from types import CodeType
from typing import Any

from funcgrad.config import num_threads
from funcgrad.core.quiet import quiet_begin

__all__ = ["dealt", "parallel", "thread_count"]

Body = Callable[[Iterable[int]], Any]


class _Task:
    """A helper's share of a call: whoever takes `claim` decides whether it runs."""

    __slots__ = ("blocks", "body", "claim", "done", "error")

    def __init__(self, body: Body, blocks: Iterable[int]) -> None:
        self.body: Any = body
        self.blocks: Any = blocks
        self.claim = threading.Lock()
        self.done = threading.Lock()
        self.done.acquire()
        self.error: BaseException | None = None

    def run(self) -> None:
        if not self.claim.acquire(blocking=False):
            return
        try:
            self.body(self.blocks)
        except BaseException as error:  # handed to the thread that called
            self.error = error
        finally:
            self.forget()
            self.done.release()

    def forget(self) -> None:
        """Let go of the arrays, whose memory may be wanted while this waits in the queue."""
        self.body = self.blocks = None


class _Helpers:
    """The threads that wait for work; they are started when first wanted."""

    def __init__(self) -> None:
        self.tasks: SimpleQueue[_Task] = SimpleQueue()
        self.count = 0
        self.lock = threading.Lock()

    def want(self, count: int) -> None:
        with self.lock:
            while self.count < count:
                thread = threading.Thread(target=self.work, name="funcgrad", daemon=True)
                try:
                    thread.start()
                except RuntimeError:  # a platform without threads, or no more of them
                    self.count = 1 << 30
                    return
                self.count += 1

    def work(self) -> None:
        quiet_begin()
        while True:
            self.tasks.get().run()


_helpers = _Helpers()


def _after_fork() -> None:
    """Threads do not live on in a forked process."""
    global _helpers
    _helpers = _Helpers()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)

if hasattr(os, "sched_getaffinity"):
    _available = len(os.sched_getaffinity(0))
else:
    _available = os.cpu_count() or 1


def thread_count() -> int:
    """How many threads may work at once.

    >>> from funcgrad.executor.threads import thread_count
    >>> thread_count() >= 1
    True
    """
    return num_threads.value or _available


class _Trial:
    """What a piece of work took so far, alone and together; its first call, which warms up, aside."""

    __slots__ = ("alone", "calls", "together")

    # Calls that are timed, in turns, and by how much threads have to be better.
    CALLS, BETTER = 7, 0.9

    def __init__(self) -> None:
        self.calls = 0
        self.alone = self.together = float("inf")

    def decided(self) -> bool:
        return self.calls >= self.CALLS

    def choice(self) -> bool:
        """Whether the next call is dealt out among threads."""
        return self.together < self.BETTER * self.alone if self.decided() else self.calls % 2 == 1

    def record(self, together: bool, seconds: float) -> None:
        if together:
            self.together = min(self.together, seconds)
        elif self.calls:
            self.alone = min(self.alone, seconds)
        self.calls += 1


# By the code that runs and how many blocks it is given.
_trials: weakref.WeakKeyDictionary[CodeType, dict[int, _Trial]] = weakref.WeakKeyDictionary()
_MOST_SIZES = 64


def parallel(body: Body, blocks: Sequence[int]) -> None:
    """`body(blocks)`, with the blocks dealt out among the threads where that is quicker."""
    code = getattr(body, "__code__", None)
    count = min(thread_count(), len(blocks))
    if count <= 1 or num_threads.value or code is None:
        _run(body, blocks, count)
        return
    trials = _trials.setdefault(code, {})
    if len(trials) > _MOST_SIZES:
        trials.clear()
    trial = trials.setdefault(len(blocks), _Trial())
    together = trial.choice()
    if trial.decided():
        _run(body, blocks, count if together else 1)
        return
    start = perf_counter()
    _run(body, blocks, count if together else 1)
    trial.record(together, perf_counter() - start)


def dealt(body: Body, blocks: Sequence[int]) -> None:
    """`body(blocks)` by all threads: for blocks of one long operation each, such as copies."""
    _run(body, blocks, min(thread_count(), len(blocks)))


def _run(body: Body, blocks: Sequence[int], count: int) -> None:
    """`body(blocks)` by so many threads, each of which comes for the next block."""
    if count <= 1:
        body(blocks)
        return
    helpers = _helpers
    helpers.want(count - 1)
    # An iterator over a range gives each number once, whichever thread asks.
    shared = iter(blocks)
    tasks = [_Task(body, shared) for _ in range(count - 1)]
    for task in tasks:
        helpers.tasks.put(task)
    try:
        body(shared)
    finally:
        for task in tasks:
            if task.claim.acquire(blocking=False):
                task.forget()
            else:
                task.done.acquire()
    for task in tasks:
        if task.error is not None:
            raise task.error
