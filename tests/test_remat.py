"""checkpoint: the same derivatives, and kept is what the policy says and nothing else."""

from __future__ import annotations

import re
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad import checkpoint_policies as policies
from funcgrad import lax
from funcgrad.ad_checkpoint import (
    Offloadable,
    Recompute,
    Saveable,
    checkpoint_name,
    print_saved_residuals,
    saved_residuals,
)
from funcgrad.executor.settings import limits

RNG = np.random.default_rng(0)
X = RNG.normal(size=3)
WS = RNG.normal(size=(4, 3, 3)) / 2


def layer(x: Any, w: Any) -> Any:
    return checkpoint_name(jnp.tanh(checkpoint_name(x @ w, "dot")), "act")


def chain(x: Any, ws: Any) -> Any:
    for w in ws:
        x = layer(x, w)
    return x


def looped(body: Callable[..., Any]) -> Callable[..., Any]:
    def loss(x: Any, ws: Any) -> Any:
        last, rows = lax.scan(body, x, ws)
        return jnp.sum(last**2) + jnp.sum(rows**2)

    return loss


def body(x: Any, w: Any) -> Any:
    return layer(x, w), jnp.sum(x)


POLICIES: dict[str, Any] = {
    "no policy": None,
    "everything": policies.everything_saveable,
    "nothing": policies.nothing_saveable,
    "dots": policies.checkpoint_dots,
    "dots without batch": policies.dots_with_no_batch_dims_saveable,
    "a name": policies.save_only_these_names("act"),
    "names but one": policies.save_any_names_but_these("act"),
    "anything but a name": policies.save_anything_except_these_names("dot"),
    "both": policies.save_from_both_policies(policies.dots_saveable, policies.save_only_these_names("act")),
    "offload": policies.save_and_offload_only_these_names(
        names_which_can_be_saved=["act"], names_which_can_be_offloaded=["dot"],
        offload_src="device", offload_dst="pinned_host",
    ),
    "of one's own": lambda prim, *avals, **params: prim.name == "tanh",
}  # fmt: skip
PLACES: dict[str, Callable[[Any], Callable[..., Any]]] = {
    "body": lambda policy: looped(fg.checkpoint(body, policy=policy)),
    "loop": lambda policy: fg.checkpoint(looped(body), policy=policy),
    "both": lambda policy: fg.checkpoint(looped(fg.checkpoint(body, policy=policy)), policy=policy),
    "around jit": lambda policy: fg.checkpoint(
        lambda x, ws: fg.jit(looped(body))(x, ws), policy=policy
    ),
}
DERIVATIVES: dict[str, Callable[[Any], Any]] = {
    "grad": lambda f: fg.grad(f, (0, 1))(X, WS),
    "jit of grad": lambda f: fg.jit(fg.grad(f, (0, 1)))(X, WS),
    "grad of jit": lambda f: fg.grad(fg.jit(f), (0, 1))(X, WS),
    "vmap of grad": lambda f: fg.vmap(fg.grad(f), (0, None))(np.stack([X, -X]), WS),
    "grad of vmap": lambda f: fg.grad(lambda x: fg.vmap(f, (0, None))(x, WS).sum())(
        np.stack([X, -X])
    ),
    "jvp": lambda f: fg.jvp(f, (X, WS), (X, WS)),
    "linearize": lambda f: fg.linearize(f, X, WS)[1](X, WS),
    "hessian": lambda f: fg.hessian(f)(X, WS),
    "reverse over reverse": lambda f: fg.grad(lambda x: jnp.sum(fg.grad(f)(x, WS) ** 2))(X),
}


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("place", PLACES)
def test_derivatives_do_not_change(place: str, policy: str) -> None:
    f = PLACES[place](POLICIES[policy])
    for name, derivative in DERIVATIVES.items():
        found, wanted = derivative(f), plain(name)
        for a, b in zip(fg.tree.leaves(found), fg.tree.leaves(wanted), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12, err_msg=name)


_plain: dict[str, Any] = {}


def plain(name: str) -> Any:
    if name not in _plain:
        _plain[name] = DERIVATIVES[name](looped(body))
    return _plain[name]


def kept(f: Callable[..., Any], *args: Any) -> list[str]:
    """What is saved, without arguments and the places in this file."""
    return [
        f"{aval.str_short(short_dtypes=True)} {re.sub(' from .*', '', origin)}"
        for aval, origin in saved_residuals(f, *args)
        if "argument" not in origin
    ]


def test_what_a_chain_keeps() -> None:
    def saved(policy: Any) -> list[str]:
        return kept(fg.checkpoint(chain, policy=POLICIES[policy]), X, WS[:2])

    assert saved("no policy") == saved("nothing") == []
    assert saved("dots") == saved("dots without batch") == ["f64[3] output of dot_general"] * 2
    assert saved("a name") == ["f64[3] named 'act'"]
    assert saved("names but one") == ["f64[3] named 'dot'"] * 2
    assert saved("of one's own") == ["f64[3] output of tanh"] * 2
    assert saved("everything") == kept(chain, X, WS[:2])


def test_what_loops_keep() -> None:
    """One array for each turn, whether the checkpoint is about a turn or about the whole loop."""

    def rows(place: str, policy: str) -> int:
        saved = kept(PLACES[place](POLICIES[policy]), X, WS)
        return saved.count("f64[4,3] output of scan")

    # The body keeps its carry, one array a turn; checkpoint of the loop not even that.
    assert [rows("body", p) for p in ("nothing", "a name", "dots")] == [1, 1, 2]
    for place in ("loop", "both", "around jit"):
        assert [rows(place, p) for p in ("nothing", "a name", "dots", "offload")] == [0, 1, 1, 2]


def test_batched_contractions() -> None:
    def f(x: Any, y: Any) -> Any:
        return jnp.sin(jnp.einsum("bij,bjk->bik", x, y))

    x = np.ones((2, 3, 3))
    assert kept(fg.checkpoint(f, policy=policies.dots_saveable), x, x) == [
        "f64[2,3,3] output of dot_general"
    ]
    assert kept(fg.checkpoint(f, policy=policies.dots_with_no_batch_dims_saveable), x, x) == []


def test_residuals_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    def f(params: Any, *, scale: Any) -> Any:
        return checkpoint_name(jnp.sin(params["w"]), "wave") * scale * jnp.arange(2.0) + fg.jit(
            jnp.exp
        )(params["w"])

    print_saved_residuals(f, {"w": jnp.ones(2)}, scale=jnp.ones(2))
    lines = capsys.readouterr().out.splitlines()
    here = rf"{re.escape(__file__)}:{f.__code__.co_firstlineno + 1}:\d+ \(.*f\)"
    patterns = [
        r"f64\[2\] from the argument scale",
        rf"f64\[2\] output of cos from {here}",
        rf"f64\[2\] named 'wave' from {here}",
        rf"f64\[2\] output of iota from {here}",
        rf"f64\[2\] output of jitted function 'exp' from {here}",
    ]
    for pattern in patterns:
        assert any(re.fullmatch(pattern, line) for line in lines), (pattern, lines)
    constant = jnp.arange(3.0) + 1
    print_saved_residuals(lambda x: x * constant, jnp.ones(3))
    assert capsys.readouterr().out == "f64[3] from a constant\n"


def test_what_the_backward_pass_computes_again() -> None:
    def again(policy: Any) -> list[str]:
        closed = fg.make_jaxpr(
            fg.grad(lambda x: fg.checkpoint(chain, policy=policy)(x, WS[:2]).sum())
        )(X)
        (eqn,) = [e for e in closed.jaxpr.eqns if e.primitive.name == "remat2"]
        assert eqn.params["differentiated"]
        return [e.primitive.name for e in eqn.params["jaxpr"].jaxpr.eqns]

    # Two products for the way forwards, two for the cotangents on the way back.
    assert again(None).count("dot_general") == 4
    assert again(None).count("tanh") == 2
    assert again(policies.dots_saveable).count("dot_general") == 2
    assert again(policies.everything_saveable).count("tanh") == 0


def test_answers_of_policies() -> None:
    def mark(answer: Any) -> list[str]:
        policy = lambda prim, *_, **__: answer if prim is lax.tanh_p else Recompute
        return kept(fg.checkpoint(chain, policy=policy), X, WS[:1])

    assert mark(Recompute) == mark(False) == []
    for answer in (True, Saveable, Offloadable("device", "pinned_host")):
        assert mark(answer) == ["f64[3] output of tanh"]
    with pytest.raises(ValueError, match="should be a boolean"):
        policies.save_from_both_policies(POLICIES["offload"], policies.dots_saveable)(lax.sin_p)
    with pytest.raises(ValueError, match="exclusive"):
        policies.save_and_offload_only_these_names(
            names_which_can_be_saved=["a"], names_which_can_be_offloaded=["a"],
            offload_src="device", offload_dst="pinned_host",
        )  # fmt: skip
    assert policies.save_only_these_names("a", "b") == policies.save_only_these_names("b", "a")


def test_arguments_of_checkpoint() -> None:
    def power(x: Any, n: int, *, twice: bool = False) -> Any:
        y = x**n if n > 1 else x
        return 2 * y if twice else y

    f = fg.checkpoint(power, static_argnums=1, static_argnames="twice")
    assert float(fg.grad(f)(3.0, 2)) == 6.0
    assert float(fg.grad(f)(3.0, 2, twice=True)) == 12.0
    with pytest.raises(ValueError, match="static_argnums"):
        fg.checkpoint(power, static_argnums=3)(1.0, 2)
    with pytest.raises(fg.errors.TracerBoolConversionError, match="for checkpoint / remat"):
        fg.checkpoint(lambda x: x if x > 0 else -x)(1.0)
    with pytest.raises(NotImplementedError, match="concrete"):
        fg.checkpoint(power, concrete=True)
    assert fg.remat is fg.checkpoint
    assert fg.checkpoint(power).__name__ == "power"
    named = checkpoint_name({"a": 1.0, "n": jnp.arange(2)}, "pair")
    assert fg.tree.map(np.shape, named) == {"a": (), "n": (2,)}


def test_closed_over_values() -> None:
    def f(a: Any, x: Any) -> Any:
        return fg.checkpoint(lambda x: jnp.sin(a * x))(x)

    wanted = [2 * np.cos(3.0 * 2.0), 3 * np.cos(3.0 * 2.0)]
    for g in (fg.grad(f, (0, 1)), fg.jit(fg.grad(f, (0, 1))), fg.grad(fg.jit(f), (0, 1))):
        assert [float(x) for x in g(3.0, 2.0)] == pytest.approx(wanted)


def test_rules_of_ones_own_inside() -> None:
    """What a forward rule computes for the backward pass only is not computed in the forward pass."""

    @fg.custom_vjp
    def f(x: Any) -> Any:
        return jnp.sin(x)

    f.defvjp(lambda x: (f(x), jnp.exp(x)), lambda res, ct: (res * ct,), optimize_remat=True)
    g = fg.checkpoint(lambda x: f(x) * 2)
    assert float(fg.grad(g)(0.5)) == pytest.approx(2 * np.exp(0.5))
    forward = str(fg.make_jaxpr(fg.grad(g))(0.5)).split("remat2")[0]
    assert "sin" in forward
    assert "exp" not in forward


def peak(f: Callable[..., Any], *args: Any) -> int:
    """The greatest number of bytes that a compiled call holds at once beyond its results."""
    f(*args)
    tracemalloc.start()
    try:
        result = f(*args)
        held, most = tracemalloc.get_traced_memory()
        del result
        return most - held
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("style", ["unrolled", "scan"])
def test_peak_memory_falls(style: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forty layers in blocks of five: eight inputs of blocks and one block's residuals are held."""
    # Large arrays come from a pool that tracemalloc does not see.
    monkeypatch.setattr(limits, "pooled", 1 << 40)
    x = RNG.normal(size=(256, 32))
    ws = RNG.normal(size=(8, 5, 32, 32)) / 6

    def block(x: Any, ws: Any) -> Any:
        for i in range(5):
            x = jnp.tanh(x @ ws[i])
        return x

    def loss(ws: Any, checkpointed: bool) -> Any:
        f = fg.checkpoint(block) if checkpointed else block
        if style == "scan":
            last = lax.scan(lambda c, w: (f(c, w), None), jnp.asarray(x), ws)[0]
        else:
            last = jnp.asarray(x)
            for w in ws:
                last = f(last, w)
        return jnp.sum(last**2)

    gradient = fg.jit(fg.grad(loss), static_argnums=1)
    assert peak(gradient, ws, False) > 2.2 * peak(gradient, ws, True)
    np.testing.assert_allclose(gradient(ws, True), gradient(ws, False), rtol=1e-9, atol=1e-12)
