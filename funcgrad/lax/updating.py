"""Operations that write to a part of an operand: in its own memory where nobody else sees that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from funcgrad.core.jaxpr import JaxprEqn
from funcgrad.core.primitive import Primitive

__all__ = ["Updating", "only_first"]


def only_first(eqn: JaxprEqn) -> bool:
    """Whether the first operand is the only one of the result's type."""
    out = eqn.outvars[0].aval
    return all(v.aval.shape != out.shape or v.aval.dtype != out.dtype for v in eqn.invars[1:])


class Updating(Primitive):
    """The first operand with something written to it; `update` is that, as source."""

    memory = "new"

    def update(self, emitter: Any, args: Sequence[str], out: str, eqn: JaxprEqn) -> None:
        """Write the statements that change the array named `out`, which holds the operand."""
        raise NotImplementedError

    def emit(self, emitter: Any, args: Sequence[str], eqn: JaxprEqn) -> str:
        out: str = emitter.fresh("w")
        emitter.statement(f"{out} = {emitter.numpy('array')}({args[0]}, order='C')")
        self.update(emitter, args, out, eqn)
        return out

    def emit_into(self, emitter: Any, args: Sequence[str], out: str, eqn: JaxprEqn) -> str:
        if out != args[0]:
            # The memory may be the operand's, if that was donated.
            test = f"if {out} is not {args[0]}: " if eqn.outvars[0] in emitter.given else ""
            emitter.statement(f"{test}{emitter.numpy('copyto')}({out}, {args[0]})")
        self.update(emitter, args, out, eqn)
        return out

    def in_place(self, eqn: JaxprEqn) -> bool:
        return only_first(eqn)
