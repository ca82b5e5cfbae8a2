"""Gaussian-process regression on medical data, with hyperparameters learned by gradients.

The data are scikit-learn's 442 diabetes patients: ten measurements (age, body mass, blood values)
and how far the disease had gone a year later (Efron et al. 2004). A Gaussian process says how alike
two patients' outcomes are by how alike their measurements are (Rasmussen & Williams 2006, chapters
2 and 5): with a length scale for each measurement, a linear part, and noise. All of these are
learned: they are the parameters of the loss, minus the logarithm of the probability of the training
outcomes, averaged over the n patients; so backpropagation gives the gradient of the loss averaged
over the n samples, through the Cholesky factor of their covariances. L-BFGS with a line search
follows it.

    python examples/gp_diabetes.py
    python examples/gp_diabetes.py --fast     # fewer steps, as the tests run it

A fixed third of the patients is held out. The last line printed is the root mean square error on
them beside that of least squares; the picture shows the predictions with their error bars, and how
much each measurement matters.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split
from tqdm import tqdm

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad import lax, optim

Params = dict[str, Any]
Split = tuple[np.ndarray, np.ndarray]

START = {
    "log_lengths": jnp.full(10, 1.0),
    "log_curved": jnp.array(0.0),
    "log_linear": jnp.array(-1.0),
    "log_noise": jnp.array(-0.5),
}


def load_split() -> tuple[Split, Split, list[str]]:
    """Standardised measurements and outcomes of the training patients and the held-out third."""
    data = load_diabetes(scaled=False)
    train_x, test_x, train_y, test_y = train_test_split(
        data.data, data.target, test_size=1 / 3, random_state=0
    )
    centre, spread = train_x.mean(axis=0), train_x.std(axis=0)
    middle, width = train_y.mean(), train_y.std()
    training = (train_x - centre) / spread, (train_y - middle) / width
    held_out = (test_x - centre) / spread, (test_y - middle) / width
    return training, held_out, list(data.feature_names)


def kernel(params: Params, x: Any, z: Any) -> fg.Array:
    """The covariance of the outcomes of patients x (n, 10) and z (m, 10), without noise."""
    a, b = x / jnp.exp(params["log_lengths"]), z / jnp.exp(params["log_lengths"])
    squares = jnp.sum(a**2, 1)[:, None] + jnp.sum(b**2, 1)[None] - 2 * a @ b.T
    curved = jnp.exp(2 * params["log_curved"] - 0.5 * squares)
    return curved + jnp.exp(2 * params["log_linear"]) * (x @ z.T)


def factor(params: Params, x: Any) -> fg.Array:
    """The Cholesky factor of the covariance with noise."""
    noise = jnp.exp(2 * params["log_noise"]) + 1e-6
    return jnp.linalg.cholesky(kernel(params, x, x) + noise * jnp.eye(len(x)))


def solve(lower: Any, y: Any) -> fg.Array:
    return lax.linalg.triangular_solve(lower, y, left_side=True, lower=True)


def loss(params: Params, x: Any, y: Any) -> fg.Array:
    """-log p(y | x) / n: how badly the process expects the outcomes."""
    lower = factor(params, x)
    whitened = solve(lower, y[:, None])
    log_determinant = 2 * jnp.sum(jnp.log(jnp.diag(lower)))
    return 0.5 * (jnp.sum(whitened**2) + log_determinant + len(y) * jnp.log(2 * jnp.pi)) / len(y)


@fg.jit
def predict(params: Params, x: Any, y: Any, new: Any) -> tuple[fg.Array, fg.Array]:
    """Mean and standard deviation of the outcomes of new patients."""
    lower = factor(params, x)
    across = solve(lower, kernel(params, x, new))
    mean = across.T @ solve(lower, y[:, None])[:, 0]
    own = jnp.diag(kernel(params, new, new)) + jnp.exp(2 * params["log_noise"])
    return mean, jnp.sqrt(own - jnp.sum(across**2, axis=0))


def train(x: np.ndarray, y: np.ndarray, steps: int) -> tuple[Params, list[float]]:
    """The learned parameters, and the loss before each step."""
    optimizer = optim.lbfgs()
    params, state = START, optimizer.init(START)

    def objective(params: Params) -> fg.Array:
        return loss(params, x, y)

    value_and_grad = optim.value_and_grad_from_state(objective)

    @fg.jit
    def step(params: Params, state: Any) -> tuple[Params, Any, fg.Array]:
        value, gradient = value_and_grad(params, state=state)
        updates, state = optimizer.update(
            gradient, state, params, value=value, grad=gradient, value_fn=objective
        )
        return optim.apply_updates(params, updates), state, value

    losses: list[float] = []
    progress = tqdm(range(steps), unit="step")
    for _ in progress:
        params, state, value = step(params, state)
        losses.append(float(value))
        progress.set_postfix(loss=f"{losses[-1]:.5f}")
    return params, losses


def draw(
    params: Params,
    losses: list[float],
    outcomes: np.ndarray,
    mean: np.ndarray,
    spread: np.ndarray,
    names: list[str],
    path: Path,
) -> None:
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(14, 4.5), layout="constrained")
    left.plot(losses)
    left.set(xlabel="step of L-BFGS", ylabel="-log p(y | x) / n", title="Training loss")
    middle.errorbar(mean, outcomes, xerr=2 * spread, fmt=".", lw=0.4, color="tab:blue")
    ends = [outcomes.min(), outcomes.max()]
    middle.plot(ends, ends, "k--", lw=1)
    middle.set(
        xlabel="predicted, with two standard deviations",
        ylabel="observed",
        title="Held-out patients (standardised)",
    )
    right.barh(names, np.exp(-np.asarray(params["log_lengths"])))
    right.set(title="How much a measurement matters: 1 / length")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Gaussian-process regression on diabetes data.")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the picture")
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--fast", action="store_true", help="15 steps only")
    options = parser.parse_args(argv)
    options.out.mkdir(parents=True, exist_ok=True)

    (x, y), (new, outcomes), names = load_split()
    print(f"{len(y)} patients to train on, {len(outcomes)} held out")
    params, losses = train(x, y, 15 if options.fast else options.steps)
    mean, spread = (np.asarray(a) for a in predict(params, x, y, new))

    path = options.out / "gp_diabetes.png"
    draw(params, losses, outcomes, mean, spread, names, path)
    inside = np.mean(np.abs(outcomes - mean) < 2 * spread)
    weights = np.linalg.lstsq(x, y, rcond=None)[0]
    error, plain = (np.sqrt(np.mean((outcomes - guess) ** 2)) for guess in (mean, new @ weights))
    print(f"picture: {path}")
    print(f"loss: {losses[0]:.4f} at the start, {losses[-1]:.4f} at the end")
    print(f"within two standard deviations: {inside:.1%} of the held-out patients")
    print(f"root mean square error: {error:.4f} (least squares: {plain:.4f})")


if __name__ == "__main__":
    main()
