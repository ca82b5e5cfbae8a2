"""The protocols of `optim`: states, chains, masks, hyperparameters, line searches, tree utilities."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad import optim
from funcgrad.optim import tree_utils

PARAMS = {"w": jnp.array([[0.5, -1.0], [2.0, 0.25]]), "b": jnp.array([1.0, -0.5])}
GRADS = {"w": jnp.array([[1.0, -0.5], [0.25, 2.0]]), "b": jnp.array([0.1, -3.0])}


def run(tx: Any, steps: int = 3, grads: Any = GRADS) -> tuple[Any, Any]:
    params, state = PARAMS, tx.init(PARAMS)
    for _ in range(steps):
        updates, state = tx.update(grads, state, params)
        params = optim.apply_updates(params, updates)
    return params, state


def assert_trees_equal(a: Any, b: Any, rtol: float = 1e-12) -> None:
    assert fg.tree.structure(a) == fg.tree.structure(b)
    for x, y in zip(fg.tree.leaves(a), fg.tree.leaves(b), strict=True):
        np.testing.assert_allclose(x, y, rtol=rtol, atol=1e-14)


def test_a_step_of_adam_is_compact() -> None:
    """Eleven equations a leaf and a few for the counter; nothing recomputed for each leaf."""
    tx = optim.adam(1e-3)

    def step(params: Any, grads: Any, state: Any) -> Any:
        updates, state = tx.update(grads, state)
        return optim.apply_updates(params, updates), state

    jaxpr = fg.make_jaxpr(step)(PARAMS, GRADS, tx.init(PARAMS))
    names = [eqn.primitive.name for eqn in jaxpr.jaxpr.eqns]
    assert names.count("pow") == 2
    assert len(names) <= 8 + 15 * len(PARAMS)


def test_states_keep_their_types_under_scan() -> None:
    for tx in (
        optim.adam(optim.linear_schedule(0.1, 0.0, 9)),
        optim.lamb(0.1),
        optim.adafactor(0.1),
        optim.MultiSteps(optim.adamw(0.1), 2).gradient_transformation(),
        optim.apply_if_finite(optim.rmsprop(0.1), 2),
        optim.inject_hyperparams(optim.sgd)(0.1, momentum=0.9),
    ):

        def body(carry: Any, _: Any, tx: Any = tx) -> Any:
            params, state = carry
            updates, state = tx.update(GRADS, state, params)
            return (optim.apply_updates(params, updates), state), None

        (params, _), _ = fg.lax.scan(body, (PARAMS, tx.init(PARAMS)), length=3)
        assert_trees_equal(params, run(tx)[0], rtol=1e-6)


def test_chain_passes_extra_arguments_and_checks_its_state() -> None:
    seen = []

    def update(updates: Any, state: Any, params: Any = None, **extra: Any) -> Any:
        seen.append(extra)
        return updates, state

    spy = optim.GradientTransformationExtraArgs(optim.init_empty_state, update)
    tx = optim.chain(optim.scale(2.0), spy)
    updates, _ = tx.update(GRADS, tx.init(PARAMS), PARAMS, value=3.0)
    assert seen == [{"value": 3.0}]
    np.testing.assert_allclose(updates["b"], 2 * GRADS["b"])
    with pytest.raises(ValueError, match="called init first"):
        tx.update(GRADS, ())
    with pytest.raises(ValueError, match="unique names"):
        optim.named_chain(("a", optim.scale(1.0)), ("a", optim.scale(1.0)))


@pytest.mark.parametrize(
    "tx",
    [
        optim.add_decayed_weights(0.1),
        optim.scale_by_trust_ratio(),
        optim.adaptive_grad_clip(0.1),
        optim.keep_params_nonnegative(),
        optim.scale_by_lbfgs(),
    ],
)
def test_missing_params_are_an_error(tx: Any) -> None:
    with pytest.raises(ValueError, match="not passing `params`"):
        tx.update(GRADS, tx.init(PARAMS))


def test_none_is_a_parameter_that_is_not_touched() -> None:
    params = {"w": PARAMS["w"], "frozen": None}
    tx = optim.adamw(0.1)
    updates, state = tx.update({"w": GRADS["w"], "frozen": None}, tx.init(params), params)
    assert updates["frozen"] is None
    assert optim.apply_updates(params, updates)["frozen"] is None
    assert state[0].mu["frozen"] is None


def test_partition_is_each_optimiser_on_its_part() -> None:
    tx = optim.multi_transform(
        {"adam": optim.adam(0.1), "sgd": optim.sgd(0.1)},
        lambda params: fg.tree.map(lambda p: "adam" if p.ndim == 2 else "sgd", params),
    )
    params, _ = run(tx)
    assert_trees_equal(params["w"], run(optim.adam(0.1))[0]["w"])
    assert_trees_equal(params["b"], run(optim.sgd(0.1))[0]["b"])
    with pytest.raises(ValueError, match="no corresponding transformation"):
        optim.partition({"a": optim.sgd(0.1)}, {"w": "a", "b": "c"}).init(PARAMS)


def test_masks_may_be_prefixes() -> None:
    params = {"encoder": PARAMS, "head": PARAMS["b"]}
    tx = optim.masked(optim.scale(0.0), {"encoder": True, "head": False})
    updates, state = tx.update(params, tx.init(params), params)
    assert float(optim.global_norm(updates["encoder"])) == 0.0
    assert_trees_equal(updates["head"], params["head"])
    assert isinstance(state, optim.MaskedState)


def test_hyperparameters_can_be_changed_between_steps() -> None:
    tx = optim.inject_hyperparams(optim.sgd)(learning_rate=0.1, momentum=0.9)
    state = tx.init(PARAMS)
    assert sorted(state.hyperparams) == ["learning_rate", "momentum"]
    state.hyperparams["learning_rate"] = jnp.array(1.0)
    updates, _ = tx.update(GRADS, state, PARAMS)
    assert_trees_equal(updates, fg.tree.map(lambda g: -g, GRADS))
    with pytest.raises(ValueError, match="static_args"):
        optim.inject_hyperparams(optim.sgd, static_args="rate")


def test_multi_steps_is_the_optimiser_on_means() -> None:
    tx = optim.MultiSteps(optim.adam(0.1), 2)
    halves = [fg.tree.map(lambda g, f=f: f * g, GRADS) for f in (0.5, 1.5)]
    params, state = PARAMS, tx.init(PARAMS)
    for i in range(6):
        updates, state = tx.update(halves[i % 2], state, params)
        params = optim.apply_updates(params, updates)
        assert bool(tx.has_updated(state)) == (i % 2 == 1)
    assert_trees_equal(params, run(optim.adam(0.1))[0], rtol=1e-6)


def test_multi_steps_leaves_bad_minibatches_out() -> None:
    tx = optim.MultiSteps(optim.sgd(1.0), 2, should_skip_update_fn=optim.skip_not_finite)
    state = tx.init(0.0)
    found = []
    for g in (1.0, float("nan"), 3.0):
        updates, state = tx.update(g, state)
        found.append(float(updates))
    assert found == [0.0, 0.0, -2.0]
    large = partial(optim.skip_large_updates, max_squared_norm=4.0)
    assert bool(large({"w": 3.0}, 0, None)[0])
    assert not bool(large({"w": 1.0}, 0, None)[0])


def test_apply_if_finite_gives_up_after_too_many() -> None:
    tx = optim.apply_if_finite(optim.sgd(1.0), max_consecutive_errors=1)
    state = tx.init(0.0)
    first, state = tx.update(float("inf"), state)
    second, state = tx.update(float("inf"), state)
    assert float(first) == 0.0
    assert float(second) == -np.inf
    assert int(state.total_notfinite) == 2


def test_lookahead_is_halfway_after_each_period() -> None:
    tx = optim.lookahead(optim.sgd(0.1), sync_period=2, slow_step_size=0.5)
    params = optim.LookaheadParams.init_synced(PARAMS)
    state = tx.init(params)
    for _ in range(2):
        updates, state = tx.update(GRADS, state, params)
        params = optim.apply_updates(params, updates)
    halfway = fg.tree.map(lambda p, g: p - 0.1 * g, PARAMS, GRADS)
    assert_trees_equal(params.slow, halfway)
    assert_trees_equal(params.fast, halfway)
    with pytest.raises(ValueError, match=">= 1"):
        optim.lookahead(optim.sgd(0.1), 0, 0.5)


def rosenbrock(x: Any) -> Any:
    return jnp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def test_lbfgs_finds_the_minimum() -> None:
    tx = optim.lbfgs()
    x = jnp.full(6, -1.0)
    state = tx.init(x)
    value_and_grad = optim.value_and_grad_from_state(rosenbrock)

    @fg.jit
    def step(x: Any, state: Any) -> Any:
        value, grad = value_and_grad(x, state=state)
        updates, state = tx.update(grad, state, x, value=value, grad=grad, value_fn=rosenbrock)
        return optim.apply_updates(x, updates), state, value

    values = []
    for _ in range(80):
        x, state, value = step(x, state)
        values.append(float(value))
    np.testing.assert_allclose(x, 1.0, rtol=1e-6)
    assert np.all(np.diff(values) <= 1e-12)
    assert float(tree_utils.tree_get(state, "value")) == pytest.approx(0, abs=1e-12)


# x after steps 1 to 4 on the function of Rosenbrock from (-1.2, 1), written by optax 0.2.8.
SEARCHES: dict[str, Any] = {
    "zoom": lambda: optim.lbfgs(),
    "no scale": lambda: optim.lbfgs(memory_size=3, scale_init_precond=False),
    "backtracking": lambda: optim.lbfgs(
        linesearch=optim.scale_by_backtracking_linesearch(30, store_grad=True)
    ),
    "descent": lambda: optim.chain(optim.sgd(1.0), optim.scale_by_zoom_linesearch(15)),
}
KNOWN: dict[str, list[list[float]]] = {
    "zoom": [
        [-0.9163185120186554, 1.1157883624413651],
        [-1.0043138926137758, 1.070548139723944],
        [-1.028282019090441, 1.0574458580359067],
        [-1.0244445503736697, 1.0575043118777874],
    ],
    "no scale": [
        [-0.997700304521294, 1.0825713042770229],
        [-0.7942746290019334, 0.5974042504670469],
        [-0.7852131993846885, 0.5951903396730175],
        [-0.5327190464349518, 0.21871258147460187],
    ],
    "backtracking": [
        [-0.8966182441139572, 1.1238292881167522],
        [-0.9470995555223223, 1.0978183696236556],
        [-1.0165846576660575, 1.0657414350771366],
        [-1.0265469525010578, 1.0594800879083146],
    ],
    "descent": [
        [-0.997700304521294, 1.0825713042770229],
        [-1.0265914225937223, 1.0662136649277034],
        [-1.027536662858252, 1.0639009710586207],
        [-0.9388471770914474, 0.8700685264787718],
    ],
}


@pytest.mark.parametrize("name", KNOWN)
def test_line_searches_go_where_optax_goes(name: str) -> None:
    tx = SEARCHES[name]()
    x = jnp.array([-1.2, 1.0])
    state = tx.init(x)
    for expected in KNOWN[name]:
        value, grad = fg.value_and_grad(rosenbrock)(x)
        updates, state = tx.update(grad, state, x, value=value, grad=grad, value_fn=rosenbrock)
        x = optim.apply_updates(x, updates)
        np.testing.assert_allclose(x, expected, rtol=1e-7)


def test_value_and_grad_from_state_needs_them() -> None:
    with pytest.raises(ValueError, match="not found in the state"):
        optim.value_and_grad_from_state(rosenbrock)(jnp.ones(2), state=optim.adam(0.1).init(1.0))


def test_tree_get_and_set() -> None:
    state = optim.chain(optim.clip(1.0), optim.adam(0.1)).init(PARAMS)
    assert int(tree_utils.tree_get(state, "count")) == 0
    assert tree_utils.tree_get(state, "missing", default=7) == 7
    with pytest.raises(KeyError, match="multiple values"):
        tree_utils.tree_get(state, "w")
    chosen = tree_utils.tree_get(state, "w", filtering=lambda path, _: path[-2].name == "mu")
    assert chosen.shape == (2, 2)
    changed = tree_utils.tree_set(state, count=jnp.int32(5))
    assert int(tree_utils.tree_get(changed, "count")) == 5
    with pytest.raises(KeyError, match="no values"):
        tree_utils.tree_set(state, missing=1)


def test_tree_map_params_reaches_copies_of_the_parameters_only() -> None:
    tx = optim.chain(optim.adam(0.1), optim.trace(0.9))
    state = tx.init(PARAMS)
    marked = optim.tree_map_params(tx, lambda x: x + 1, state, transform_non_params=lambda _: -1)
    assert marked[0][0].count == -1
    assert float(marked[0][0].mu["b"][0]) == 1.0
    assert float(marked[1].trace["w"][0, 0]) == 1.0


def test_norms_and_projections() -> None:
    flat = np.concatenate([np.ravel(leaf) for leaf in fg.tree.leaves(PARAMS)])
    for ord in (1, 2, np.inf):
        np.testing.assert_allclose(tree_utils.tree_norm(PARAMS, ord), np.linalg.norm(flat, ord))
    with pytest.raises(ValueError, match="Unsupported ord"):
        tree_utils.tree_norm(PARAMS, 3)
    simplex = fg.tree.leaves(optim.projections.projection_simplex(PARAMS))
    assert sum(float(leaf.sum()) for leaf in simplex) == pytest.approx(1.0)
    assert min(float(leaf.min()) for leaf in simplex) >= 0.0
    ball = optim.projections.projection_l1_ball(PARAMS, 2.0)
    assert float(tree_utils.tree_norm(ball, 1)) == pytest.approx(2.0)


def test_losses_refuse_what_is_rarely_meant() -> None:
    with pytest.raises(AssertionError, match="one shape"):
        optim.l2_loss(jnp.ones((3, 1)), jnp.ones(3))
    with pytest.raises(AssertionError, match="floating"):
        optim.l2_loss(jnp.ones(3, int))
    with pytest.raises(AssertionError, match="integer labels"):
        optim.softmax_cross_entropy_with_integer_labels(jnp.ones((2, 3)), jnp.ones(2))


def test_slopes_are_numbers_where_formulas_would_divide_by_zero() -> None:
    zeros = jnp.zeros(3)
    for f in (
        lambda x: optim.safe_norm(x, 1e-3),
        lambda x: optim.safe_root_mean_squares(x, 1e-3),
        lambda x: optim.cosine_similarity(x, jnp.ones(3), epsilon=1e-3),
        lambda x: optim.kl_divergence(jnp.ones(3), x),
        lambda x: optim.sigmoid_focal_loss(x * 1e3, jnp.ones(3)).sum(),
        lambda x: optim.projections.projection_l2_ball(x).sum(),
    ):
        assert np.all(np.isfinite(fg.grad(f)(zeros)))
