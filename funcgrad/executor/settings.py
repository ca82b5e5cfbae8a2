"""From which sizes on programs treat arrays as large; tests lower them to send small arrays that way."""

from __future__ import annotations

__all__ = ["Limits", "limits"]


class Limits:
    """Bytes, unless the name says otherwise. Measured; on which machine matters little."""

    __slots__ = (
        "block",
        "donated",
        "fused",
        "least_block",
        "parallel",
        "pooled",
        "released",
        "scratch",
    )

    def __init__(self) -> None:
        # A value of this size is let go when it has been read for the last time.
        self.released = 1 << 13
        # An argument of this size that is donated gives its memory to a result.
        self.donated = 1 << 13
        # A result of this size takes memory that is kept between calls: the allocator keeps the pages
        # of smaller ones.
        self.pooled = 1 << 17
        # Elementwise operations on arrays of this size go block by block.
        self.fused = 1 << 19
        # What a block's arrays may take together. More than the level-2 cache: only what is in use from
        # one operation to the next has to fit, and a ufunc's call costs as much as 2,000 additions.
        self.scratch = 1 << 22
        # The largest array of a block: at most this, but for many arrays not below the second.
        self.block = 1 << 18
        self.least_block = 1 << 13
        # Nanoseconds of work from which on blocks are dealt out among threads.
        self.parallel = 400_000


limits = Limits()
