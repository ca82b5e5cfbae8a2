"""What programs and packages that people wrote for JAX do, and once found different here."""

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad import lax
from funcgrad.extend import core
from funcgrad.extend import linear_util as lu
from funcgrad.optim import losses, tree_utils
from funcgrad.test_util import check_grads


def test_slices_at_mapped_places_over_an_axis_of_no_elements() -> None:
    places = jnp.arange(0)
    rows = jnp.zeros((0, 4))
    part = fg.vmap(lambda x, i: lax.dynamic_slice(x, (i,), (2,)))(rows, places)
    assert part.shape == (0, 2)
    twice = fg.vmap(fg.vmap(lambda x, i: lax.dynamic_slice(x, (i,), (2,))))
    assert twice(jnp.zeros((0, 3, 4)), jnp.zeros((0, 3), int)).shape == (0, 3, 2)
    assert twice(jnp.zeros((3, 0, 4)), jnp.zeros((3, 0), int)).shape == (3, 0, 2)


def test_check_grads_moves_by_the_step_each_way_along_a_fixed_direction() -> None:
    moves = []

    def recorded(x: np.ndarray) -> fg.Array:
        if not isinstance(x, fg.core.Tracer):
            moves.append(np.asarray(x) - 1.0)
        return jnp.sin(x)

    check_grads(recorded, (np.ones(3),), order=1, modes=["rev"])
    direction = np.array([1.76405235, 0.40015721, 0.97873798])
    np.testing.assert_allclose(moves[1], 1e-4 * direction, rtol=1e-7)
    np.testing.assert_allclose(moves[2], -1e-4 * direction, rtol=1e-7)


def test_wrapped_functions_are_keys_of_caches() -> None:
    calls = []

    @lu.transformation2
    def scaled(f, factor, *args):
        return factor * f(*args)

    @lu.cache
    def value(fun):
        calls.append(fun)
        return fun.call_wrapped(-2)

    assert value(scaled(lu.wrap_init(abs), 10)) == 20
    assert value(scaled(lu.wrap_init(abs), 10)) == 20
    assert value(scaled(lu.wrap_init(abs), 3)) == 6
    assert len(calls) == 2


def test_keys_are_compared_as_arrays_are() -> None:
    key = fg.random.key(0)
    assert bool(jnp.array_equal(key, key, equal_nan=True))
    assert not bool(jnp.array_equiv(key, fg.random.key(1)))


def test_a_compiled_function_shows_what_it_is() -> None:
    assert repr(fg.jit(abs)) == "<PjitFunction of <built-in function abs>>"


def test_custom_gradient_and_closure_convert_are_at_the_top() -> None:
    @fg.custom_gradient
    def f(x):
        return x**2, lambda ct: 10.0 * ct

    assert float(fg.grad(f)(3.0)) == 10.0
    converted, consts = fg.closure_convert(lambda x: x + 1.0, 2.0)
    assert float(converted(2.0, *consts)) == 3.0


def test_what_vmap_does_not_map_arrives_as_it_was_given() -> None:
    scaled = fg.vmap(lambda x, sign: x if sign > 0 else -x, in_axes=(0, None))
    np.testing.assert_array_equal(fg.jit(lambda x: scaled(x, -1.0))(jnp.ones(2)), [-1.0, -1.0])


def test_tracers_show_what_they_stand_for() -> None:
    seen = []

    def see(x):
        seen.append(repr(x))
        return x * 1.0

    fg.jit(see)(jnp.ones(3))
    fg.jit(see)(1)
    fg.vmap(see)(jnp.ones(3))
    fg.grad(see)(2.0)
    fg.grad(fg.grad(see))(2.0)
    fg.jvp(see, (1.0,), (1.0,))
    fg.jit(fg.grad(see))(2.0)
    assert seen == [
        "JitTracer(float64[3])",
        "JitTracer(~int64[])",
        "VmapTracer(aval=float64[], batched=float64[3])",
        "GradTracer(primal=2.0, typeof(tangent)=f64[])",
        "GradTracer(primal=GradTracer(primal=2.0, typeof(tangent)=f64[]), typeof(tangent)=f64[])",
        "JVPTracer(primal=1.0, tangent=1.0)",
        "GradTracer(primal=JitTracer(~float64[]), typeof(tangent)=f64[])",
    ]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: lax.add(1, 1.0), r"lax.add requires .* got int64, float64. \(Tip: jnp.add is"),
        (lambda: lax.mul(2, 1.5), r"got int64, float64. \(Tip: jnp.multiply is"),
        (lambda: lax.sub(1, True), "sub does not accept dtype bool at position 1"),
        (lambda: lax.atan2(1.0, 1), "atan2 does not accept dtype int64 at position 1"),
        (lambda: lax.clamp(0, 0.5, 1), "lax.clamp requires .* got int64, float64, int64"),
        (lambda: lax.rem(3, 2.0), "lax.rem requires .* got int64, float64"),
    ],
)
def test_functions_of_lax_do_not_promote_numbers(call, message) -> None:
    with pytest.raises(TypeError, match=message):
        call()


def test_a_named_call_is_part_of_the_program_it_is_in() -> None:
    kept = []
    layer = fg.named_call(lambda x: kept.append(x) or 2.0 * x, name="layer")
    assert float(layer(1.0)) == 2.0
    assert kept == [1.0]
    assert [str(eqn.primitive) for eqn in fg.make_jaxpr(layer)(1.0).eqns] == ["mul"]


def test_a_weak_type_beside_a_strong_one_is_made_strong_in_the_program() -> None:
    assert str(fg.make_jaxpr(lambda a, x: a + x)(1.0, jnp.ones(2))) == (
        "{ lambda ; a:f64[] b:f64[2]. let\n"
        "    c:f64[] = convert_element_type[new_dtype=float64 weak_type=False] a\n"
        "    d:f64[2] = add c b\n"
        "  in (d,) }"
    )


def test_device_get_leaves_tracers_and_keys_alone() -> None:
    assert float(fg.jit(lambda x: fg.device_get(x) + 1.0)(1.0)) == 2.0
    assert fg.device_get({"key": fg.random.key(0)})["key"].dtype == fg.random.key(0).dtype


def test_a_function_that_is_several_branches_is_traced_once() -> None:
    calls = []

    def double(x):
        calls.append(x)
        return 2.0 * x

    assert float(lax.cond(True, double, double, 1.0)) == 2.0
    assert len(calls) == 1
    offset = jnp.asarray(5.0)
    switch = fg.jit(lambda i: lax.switch(i, [double, jnp.sin, double, lambda x: offset + x], 1.0))
    np.testing.assert_allclose([switch(i) for i in range(4)], [2.0, np.sin(1.0), 2.0, 6.0])
    assert len(calls) == 2


def test_shapes_are_asked_of_anything_that_numpy_knows() -> None:
    assert jnp.shape([[1, 2]]) == (1, 2)
    assert jnp.shape(None) == ()
    assert jnp.ndim(fg.ShapeDtypeStruct((2, 3), "float32")) == 2
    assert jnp.size([[1, 2]], 1) == 2
    with pytest.raises(ValueError, match="axis 5 is out of bounds for array of dimension 1"):
        jnp.size(jnp.ones(2), 5)


def test_an_interpreter_of_jaxprs_binds_each_equation_again() -> None:
    def run(jaxpr, consts, *args):
        env = dict(zip((*jaxpr.constvars, *jaxpr.invars), (*consts, *args), strict=True))
        for eqn in jaxpr.eqns:
            values = [v.val if isinstance(v, core.Literal) else env[v] for v in eqn.invars]
            params = eqn.primitive.get_bind_params(eqn.params)
            outs = eqn.primitive.bind(*values, **params)
            env |= zip(eqn.outvars, outs if eqn.primitive.multiple_results else [outs], strict=True)
        return [env[v] for v in jaxpr.outvars]

    def f(x):
        carry, _ = lax.scan(lambda c, a: (c + fg.jit(jnp.sin)(a), None), x, jnp.arange(3.0))
        return lax.cond(carry > 0, fg.nn.relu, jnp.exp, carry) ** 2.0

    closed = fg.make_jaxpr(f)(1.0)
    assert float(run(closed.jaxpr, closed.consts, 1.0)[0]) == float(f(1.0))


def test_what_is_not_mapped_need_not_be_an_array() -> None:
    converted = fg.vmap(lambda x, dtype: x.astype(dtype), in_axes=(0, None))
    assert converted(jnp.ones(3), int).dtype == np.int64


def test_a_long_array_is_shown_as_jax_shows_it() -> None:
    assert repr(jnp.ones(14)) == f"Array([{', '.join(['1.'] * 14)}], dtype=float64)"
    assert repr(jnp.ones(15)) == f"Array([{', '.join(['1.'] * 15)}],      dtype=float64)"


def test_the_width_of_types_has_two_names() -> None:
    assert fg.config.x64_enabled
    with fg.enable_x64(False):
        assert not fg.config.x64_enabled


def test_losses_and_trees_of_nothing() -> None:
    nothing = jnp.zeros(2, bool)
    scores = jnp.array([0.0, 3.0])
    assert float(losses.ranking_softmax_loss(scores, scores, where=nothing)) == 0.0
    assert tree_utils.tree_max([3, jnp.zeros(0, "int8")]) == 3.0
    assert tree_utils.tree_min([]) == float("inf")


def test_fenchel_young_losses_take_batches_of_vectors() -> None:
    loss = losses.make_fenchel_young_loss(jnp.max)
    scores = jnp.array([[1.0, 2.0], [5.0, 3.0]])
    np.testing.assert_array_equal(loss(scores, jnp.array([[1.0, 0.0], [1.0, 0.0]])), [1.0, 0.0])


def test_dice_loss_of_a_single_class() -> None:
    certain = jnp.array([[[50.0], [-50.0]]])
    targets = jnp.array([[[1.0], [0.0]]])
    for prediction, target in ((certain, targets), (certain[..., 0], targets)):
        np.testing.assert_allclose(losses.dice_loss(prediction, target), [0.0], atol=1e-12)
    wrong = 1 - 1 / (1 + 0.5 + 0.5)
    np.testing.assert_allclose(losses.dice_loss(-certain, targets), [wrong], atol=1e-12)
