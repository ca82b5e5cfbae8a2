"""Backpropagation as textbooks write it, beside `grad` of the same cost.

A network of sigmoid layers, l = 1 ... L, takes a sample x_i = a^(0) to its prediction a^(L):

    z^(l) = w^(l) a^(l-1) + b^(l),    a^(l) = sigmoid(z^(l)),    C_i = (a^(L) - y_i)^2

C_i is a function of a^(L), which is a function of z^(L), which is a function of w^(L), b^(L) and
a^(L-1), and so on inwards. The chain rule multiplies the derivatives of that composition;
backpropagation evaluates the product from the outside inwards, so that the part
delta^(l) = dC_i/dz^(l), which all inner layers share, is computed once:

    delta^(L) = 2 (a^(L) - y_i) sigmoid'(z^(L))
    delta^(l) = (w^(l+1)^T delta^(l+1)) sigmoid'(z^(l))
    dC_i/dw^(l) = delta^(l) a^(l-1)^T,    dC_i/db^(l) = delta^(l)

`gradient_by_hand` is just that, in NumPy. `grad(cost)` is the same from the formula of the cost
alone. The program shows that the two agree to rounding, that the gradient of the mean cost over n
samples is the mean of the n per-sample gradients, prints the jaxprs of the forward and of the
backward pass, and then trains the network by gradient descent to tell two species of iris apart.

    python examples/backprop.py
    python examples/backprop.py --fast     # fewer steps, as the tests run it
"""

import argparse
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_iris
from sklearn.model_selection import train_test_split
from tqdm import tqdm

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad import lax

SIZES = [2, 3, 1]
RATE = 4.0

Params = list[tuple[Any, Any]]  # (w^(l), b^(l)) for l = 1 ... L
Samples = tuple[np.ndarray, np.ndarray]


# The chain rule by hand, in NumPy


def sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


def sigmoid_slope(z: np.ndarray) -> np.ndarray:
    return sigmoid(z) * (1 - sigmoid(z))


def gradient_by_hand(params: Params, x: np.ndarray, y: np.ndarray) -> Params:
    """The derivative of C_i with respect to every weight and bias, layer by layer."""
    activations, zs = [x], []
    for w, b in params:
        zs.append(w @ activations[-1] + b)
        activations.append(sigmoid(zs[-1]))

    gradient: Params = []
    delta = 2 * (activations[-1] - y) * sigmoid_slope(zs[-1])
    for l in range(len(params), 0, -1):
        gradient.insert(0, (np.outer(delta, activations[l - 1]), delta))
        if l > 1:
            w, _ = params[l - 1]
            delta = (w.T @ delta) * sigmoid_slope(zs[l - 2])
    return gradient


# The same cost for funcgrad, which needs no more than its formula


def predict(params: Params, x: Any) -> Any:
    a = x
    for w, b in params:
        a = lax.logistic(w @ a + b)  # the sigmoid
    return a


def cost(params: Params, x: Any, y: Any) -> fg.Array:
    """C_i of one sample."""
    return jnp.sum((predict(params, x) - y) ** 2)


def mean_cost(params: Params, xs: Any, ys: Any) -> fg.Array:
    """The mean of C_i over the n samples in the rows of `xs` and `ys`."""
    return jnp.mean(fg.vmap(cost, in_axes=(None, 0, 0))(params, xs, ys))


# What the program shows


def load_samples() -> tuple[Samples, Samples]:
    """Petal length and width of two species (y = 0, 1), standardised: training, held-out third."""
    iris = load_iris()
    chosen = iris.target > 0  # the first species is too easy to tell from the others
    xs, ys = iris.data[chosen, 2:], iris.target[chosen, None] - 1.0
    train_xs, test_xs, train_ys, test_ys = train_test_split(
        xs, ys, test_size=1 / 3, stratify=ys, random_state=0
    )
    mean, spread = train_xs.mean(axis=0), train_xs.std(axis=0)
    return ((train_xs - mean) / spread, train_ys), ((test_xs - mean) / spread, test_ys)


def init_params(seed: int = 0) -> Params:
    generator = np.random.default_rng(seed)
    return [(generator.normal(size=(n, m)), generator.normal(size=n)) for m, n in pairwise(SIZES)]


def largest_difference(one: Params, other: Params) -> float:
    """Over every weight and bias of the two pytrees."""
    differences = fg.tree.map(lambda p, q: np.max(np.abs(np.asarray(p) - q)), one, other)
    return float(max(fg.tree.leaves(differences)))


def compare_gradients(params: Params, x: np.ndarray, y: np.ndarray) -> None:
    by_hand = gradient_by_hand(params, x, y)
    by_grad = fg.grad(cost)(params, x, y)
    print("One sample: the derivative of C_i with respect to every weight and bias:\n")
    print(f"{'':12}{'chain rule by hand':>22}{'grad(cost)':>22}")
    for l, (hand, automatic) in enumerate(zip(by_hand, by_grad, strict=True), 1):
        for name, p, q in zip("wb", hand, automatic, strict=True):
            for index in np.ndindex(p.shape):
                label = f"{name}^({l})_" + "".join(str(i + 1) for i in index)
                print(f"{label:12}{p[index]:22.17f}{float(q[index]):22.17f}")
    print(f"\nlargest difference: {largest_difference(by_hand, by_grad):.1e}\n")


def compare_means(params: Params, xs: np.ndarray, ys: np.ndarray) -> None:
    of_mean = fg.grad(mean_cost)(params, xs, ys)
    per_sample = fg.vmap(fg.grad(cost), in_axes=(None, 0, 0))(params, xs, ys)
    mean_of = fg.tree.map(lambda g: jnp.mean(g, axis=0), per_sample)
    print(f"grad of the mean cost against the mean of {len(xs)} per-sample gradients:")
    print(f"largest difference: {largest_difference(of_mean, mean_of):.1e}\n")


def print_jaxprs(params: Params, x: np.ndarray, y: np.ndarray) -> None:
    print("The forward pass, C_i as a function of the parameters:\n")
    print(fg.make_jaxpr(cost)(params, x, y))
    # The pullback holds what the forward pass saved for it: its jaxpr is the backward pass alone.
    _, pullback = fg.vjp(lambda p: cost(p, x, y), params)
    print("\nThe backward pass, from dC/dC = 1 inwards to every weight and bias:\n")
    print(fg.make_jaxpr(pullback)(1.0), end="\n\n")


def accuracy(params: Params, xs: np.ndarray, ys: np.ndarray) -> float:
    guesses = fg.vmap(predict, in_axes=(None, 0))(params, xs) > 0.5
    return float(np.mean(np.asarray(guesses) == ys))


def train(params: Params, xs: np.ndarray, ys: np.ndarray, steps: int) -> tuple[Params, list[float]]:
    """Gradient descent on the mean cost: the last parameters, and the cost at every step."""
    cost_and_gradient = fg.jit(fg.value_and_grad(mean_cost))
    costs: list[float] = []
    progress = tqdm(range(steps), unit="step")
    for step in progress:
        value, gradient = cost_and_gradient(params, xs, ys)
        params = fg.tree.map(lambda p, g: p - RATE * g, params, gradient)
        costs.append(float(value))
        if step % 100 == 99:
            progress.set_postfix(cost=f"{value:.4f}", accuracy=f"{accuracy(params, xs, ys):.1%}")
    return params, costs


def draw(
    params: Params, costs: list[float], training: Samples, held_out: Samples, path: Path
) -> None:
    """The mean cost as it falls, and what the trained network predicts over the plane."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
    left.plot(costs, color="tab:blue")
    left.set(title="Gradient descent", xlabel="step", ylabel="mean cost", xscale="log")
    left.grid(alpha=0.3)

    grid = np.linspace(-2.8, 2.8, 200)
    plane = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
    surface = np.asarray(fg.vmap(predict, in_axes=(None, 0))(params, plane)).reshape(200, 200)
    shades = right.contourf(grid, grid, surface, np.linspace(0, 1, 21), cmap="RdBu_r", alpha=0.7)
    right.contour(grid, grid, surface, [0.5], colors="k", linewidths=1)
    for (xs, ys), marker, kind in ((training, "o", "trained on"), (held_out, "s", "held out")):
        style = {"marker": marker, "s": 28, "edgecolor": "k", "lw": 0.7}
        right.scatter(*xs.T, c=np.where(ys[:, 0] > 0.5, "tab:red", "tab:blue"), **style)
        right.scatter([], [], c="0.85", label=kind, **style)
    right.set(
        title="Versicolor (blue) or virginica (red)",
        xlabel="petal length, standardised",
        ylabel="petal width, standardised",
    )
    right.legend(loc="upper left")
    figure.colorbar(shades, label="prediction $a^{(L)}$", ticks=[0, 0.25, 0.5, 0.75, 1])
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Backpropagation by hand and by grad.")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the picture")
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--fast", action="store_true", help="300 steps only")
    options = parser.parse_args(argv)
    options.out.mkdir(parents=True, exist_ok=True)

    training, held_out = load_samples()
    xs, ys = training
    params = init_params()
    i = int(jnp.argmax(fg.vmap(cost, in_axes=(None, 0, 0))(params, xs, ys)))  # predicted worst
    compare_gradients(params, xs[i], ys[i])
    compare_means(params, xs, ys)
    print_jaxprs(params, xs[i], ys[i])

    params, costs = train(params, xs, ys, 300 if options.fast else options.steps)
    print(f"mean cost: {costs[0]:.4f} at first, {costs[-1]:.4f} after {len(costs)} steps")
    print(f"training accuracy: {accuracy(params, xs, ys):.1%}")
    print(f"held-out accuracy: {accuracy(params, *held_out):.1%}")
    draw(params, costs, training, held_out, options.out / "backprop.png")
    print(f"picture: {options.out / 'backprop.png'}")


if __name__ == "__main__":
    main()
