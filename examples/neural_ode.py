"""Learn the law of motion of a spiral from a part of its path: a neural ordinary differential equation.

The path solves y' = A y^3 (Chen et al. 2018, Neural Ordinary Differential Equations); the program sees
noisy points on it and knows nothing of A. A small network gives y' for every y, `odeint` follows it
from point to point, and the gradient of the distance to the points comes from the adjoint equation:
the cotangent dC/dy is carried backwards in time by da/dt = -(df/dy)^T a, and dC/dparameters is the
integral of (df/dparameters)^T a along the way. Nothing of the way forward is kept but the points.

    python examples/neural_ode.py
    python examples/neural_ode.py --fast     # fewer steps, as the tests run it

The adjoint gradient is compared with plain backpropagation through the steps of a Runge-Kutta method
and with central differences; the learned path is drawn beside the true one.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from tqdm import tqdm

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad import lax, random
from funcgrad.experimental.ode import odeint

A = np.array([[-0.1, 2.0], [-2.0, -0.1]])
START = np.array([2.0, 0.0])
TIMES = np.linspace(0.0, 15.0, 601)
NOISE = 0.01
HIDDEN = 50
SEGMENT = 15  # points that a piece of the path has
BATCH = 32
RATE = 0.02

Params = dict[str, fg.Array]


def true_path() -> np.ndarray:
    return np.asarray(odeint(lambda y, t: (y**3) @ A.T, START, TIMES))


def init_params(key: fg.Array) -> Params:
    first, second = random.split(key)
    return {
        "w1": random.normal(first, (2, HIDDEN)) / jnp.sqrt(2.0),
        "b1": jnp.zeros(HIDDEN),
        "w2": random.normal(second, (HIDDEN, 2)) * 0.1,
        "b2": jnp.zeros(2),
    }


def law(y: Any, t: Any, params: Params) -> fg.Array:
    """The network's y' at points y of shape (..., 2); the cubes make the right law easy to say."""
    return jnp.tanh(y**3 @ params["w1"] + params["b1"]) @ params["w2"] + params["b2"]


def loss(params: Params, starts: Any, segments: Any) -> fg.Array:
    """The mean distance from pieces of the path, each followed from its first point.

    `segments` has the shape (SEGMENT, batch, 2): `odeint` follows all pieces at once.
    """
    followed = odeint(law, starts, TIMES[:SEGMENT], params, rtol=1e-4, atol=1e-4)
    return jnp.mean(jnp.abs(followed - segments))


def loss_by_steps(params: Params, starts: Any, segments: Any) -> fg.Array:
    """The same through a Runge-Kutta method of fixed steps, for ordinary backpropagation."""
    h = (TIMES[1] - TIMES[0]) / 4

    def step(y: Any, _: Any) -> tuple[Any, None]:
        k1 = law(y, 0.0, params)
        k2 = law(y + h / 2 * k1, 0.0, params)
        k3 = law(y + h / 2 * k2, 0.0, params)
        k4 = law(y + h * k3, 0.0, params)
        return y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4), None

    def between_points(y: Any, _: Any) -> tuple[Any, Any]:
        y, _ = lax.scan(step, y, None, length=4)
        return y, y

    _, followed = lax.scan(between_points, starts, None, length=SEGMENT - 1)
    return jnp.mean(jnp.abs(jnp.concatenate([starts[None], followed]) - segments))


loss_and_gradient = fg.jit(fg.value_and_grad(loss))


@fg.jit
def adam(
    params: Params, gradient: Params, mean: Params, square: Params, step: Any, rate: Any
) -> Any:
    """One step of Adam (Kingma and Ba 2015) on every leaf."""
    mean = fg.tree.map(lambda m, g: 0.9 * m + 0.1 * g, mean, gradient)
    square = fg.tree.map(lambda s, g: 0.999 * s + 0.001 * g**2, square, gradient)

    def moved(p: Any, m: Any, s: Any) -> Any:
        return p - rate * (m / (1 - 0.9**step)) / (jnp.sqrt(s / (1 - 0.999**step)) + 1e-8)

    return fg.tree.map(moved, params, mean, square), mean, square


def pieces(path: np.ndarray, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Pieces of the path that start anywhere: their first points, and all points."""
    first = generator.integers(0, len(path) - SEGMENT, BATCH)
    segments = np.stack([path[first + i] for i in range(SEGMENT)])
    return segments[0], segments


def train(path: np.ndarray, steps: int) -> tuple[Params, list[float]]:
    params = init_params(random.key(0))
    mean = fg.tree.map(jnp.zeros_like, params)
    square = mean
    generator = np.random.default_rng(0)
    losses: list[float] = []
    progress = tqdm(range(1, steps + 1), unit="step")
    for step in progress:
        value, gradient = loss_and_gradient(params, *pieces(path, generator))
        rate = RATE * 0.5 * (1 + np.cos(np.pi * step / steps))  # falls to zero along a cosine
        params, mean, square = adam(params, gradient, mean, square, float(step), rate)
        losses.append(float(value))
        if step % 10 == 0:
            progress.set_postfix(loss=f"{np.mean(losses[-10:]):.4f}")
    return params, losses


def compare_gradients(path: np.ndarray) -> None:
    """The adjoint equation, backpropagation through steps and central differences: one gradient."""
    params = init_params(random.key(1))
    starts, segments = pieces(path, np.random.default_rng(1))
    adjoint = fg.grad(loss)(params, starts, segments)
    by_steps = fg.grad(loss_by_steps)(params, starts, segments)
    size = max(float(jnp.abs(g).max()) for g in fg.tree.leaves(adjoint))
    apart = fg.tree.map(lambda a, b: float(jnp.abs(a - b).max()), adjoint, by_steps)
    print(
        f"adjoint against backpropagation: {max(fg.tree.leaves(apart)) / size:.1e} of the largest"
    )

    def along(h: float) -> float:
        moved = fg.tree.map(lambda p, g: p + h * g, params, adjoint)
        return float(loss_by_steps(moved, starts, segments))

    slope = sum(float(jnp.sum(g * g)) for g in fg.tree.leaves(adjoint))
    difference = (along(1e-5) - along(-1e-5)) / 2e-5
    print(f"adjoint against differences:     {abs(difference / slope - 1):.1e} of the slope")


def draw(path: np.ndarray, seen: np.ndarray, learned: Any, losses: list[float], file: Path) -> None:
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(14, 4.4), layout="constrained")
    left.plot(*seen.T, ".", ms=2, color="0.6", label="points seen")
    left.plot(*path.T, color="tab:blue", lw=1, label="true path")
    left.plot(*learned.T, "--", color="tab:red", lw=1, label="learned")
    left.set(title="The path", xlabel="$y_1$", ylabel="$y_2$", aspect="equal")
    left.legend(fontsize=8)
    for i, name in enumerate(("$y_1$", "$y_2$")):
        middle.plot(TIMES, path[:, i], color=f"C{i}", lw=1, label=name)
        middle.plot(TIMES, learned[:, i], "--", color=f"C{i}", lw=1)
    middle.set(title="In time (learned: dashed)", xlabel="t")
    middle.legend(fontsize=8)
    right.semilogy(losses, lw=0.8)
    right.set(title="Mean distance from pieces of the path", xlabel="step")
    for axes in (left, middle, right):
        axes.grid(alpha=0.3)
    figure.savefig(file, dpi=120)
    plt.close(figure)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Learn the law of motion of a spiral.")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the picture")
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--fast", action="store_true", help="train for 300 steps only")
    options = parser.parse_args(argv)
    options.out.mkdir(parents=True, exist_ok=True)

    path = true_path()
    seen = path + NOISE * np.random.default_rng(2).normal(size=path.shape)
    compare_gradients(seen)
    params, losses = train(seen, 300 if options.fast else options.steps)
    learned = np.asarray(odeint(law, START, TIMES, params))
    draw(path, seen, learned, losses, options.out / "neural_ode.png")
    print(f"picture: {options.out / 'neural_ode.png'}")
    print(
        f"mean distance of pieces: {np.mean(losses[:10]):.4f} at first, {np.mean(losses[-10:]):.4f} now"
    )
    error = np.linalg.norm(learned - path, axis=1).mean()
    print(f"whole path, from its start alone: {error:.3f} away on average (it begins at radius 2)")


if __name__ == "__main__":
    main()
