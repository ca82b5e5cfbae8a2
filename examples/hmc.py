"""Hamiltonian Monte Carlo on a regression with real data: how a disease goes on in a year.

scikit-learn's diabetes data: ten measurements of each of 442 people, and how their disease has
progressed a year later. The model is linear with normal noise of unknown size. Each draw follows
the Hamiltonian flow of the log posterior for some leapfrog steps (Neal 2011): a `fori_loop` whose every
step asks `grad` for the slope. `vmap` runs the chains side by side, `scan` draws one sample after the
other, and all of it is one compiled program.

    python examples/hmc.py
    python examples/hmc.py --fast     # fewer draws, as the tests run it

Printed are, for each coefficient, the mean and deviation of the posterior, R-hat and the effective number
of draws, beside the exact answer that this model happens to have for a known size of the noise; and
the gradient from backpropagation beside the one written by hand.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from tqdm import tqdm

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad import lax, random

CHAINS = 4
LEAPS = 15
CHUNK = 50  # draws between two looks at the progress
TARGET = 0.8  # the share of proposals to accept


def load() -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Measurements and outcomes, each with mean 0 and deviation 1."""
    data = load_diabetes(scaled=False)
    x = (data.data - data.data.mean(0)) / data.data.std(0)
    y = (data.target - data.target.mean()) / data.target.std()
    return x, y, list(data.feature_names)


X, Y, NAMES = load()
DIMENSION = X.shape[1] + 1


def log_posterior(position: Any) -> fg.Array:
    """Coefficients ~ N(0, 1), the logarithm of the noise ~ N(0, 1), outcomes ~ N(X w, noise)."""
    w, log_noise = position[:-1], position[-1]
    residuals = (Y - X @ w) * jnp.exp(-log_noise)
    likelihood = -0.5 * jnp.sum(residuals**2) - len(Y) * log_noise
    return likelihood - 0.5 * jnp.sum(position**2)


def gradient_by_hand(position: np.ndarray) -> np.ndarray:
    """The same slope by pencil: what backpropagation has to find."""
    w, log_noise = position[:-1], position[-1]
    precision = np.exp(-2 * log_noise)
    residuals = Y - X @ w
    of_w = precision * X.T @ residuals - w
    of_noise = precision * residuals @ residuals - len(Y) - log_noise
    return np.append(of_w, of_noise)


slope = fg.grad(log_posterior)


def leapfrog(position: Any, momentum: Any, step: Any) -> tuple[Any, Any]:
    """LEAPS steps along the flow dx/dt = p, dp/dt = slope(x); volume and (almost) energy stay."""

    def leap(_: Any, state: Any) -> Any:
        position, momentum = state
        position = position + step * momentum
        return position, momentum + step * slope(position)

    momentum = momentum + 0.5 * step * slope(position)
    position, momentum = lax.fori_loop(0, LEAPS, leap, (position, momentum))
    return position, momentum - 0.5 * step * slope(position)


def draw(position: Any, key: Any, step: Any) -> tuple[Any, Any]:
    """One draw: a random momentum, its flow, and the test of Metropolis."""
    momentum_key, test_key = random.split(key)
    momentum = random.normal(momentum_key, position.shape)
    there, last_momentum = leapfrog(position, momentum, step)
    before = log_posterior(position) - 0.5 * jnp.sum(momentum**2)
    after = log_posterior(there) - 0.5 * jnp.sum(last_momentum**2)
    chance = jnp.exp(jnp.minimum(after - before, 0.0))
    accepted = random.uniform(test_key) < chance
    return jnp.where(accepted, there, position), chance


@fg.jit
def draws(positions: Any, key: Any, step: Any) -> tuple[Any, Any, Any]:
    """CHUNK draws of all chains: the last positions, all draws, the mean chance of acceptance."""

    def chain(position: Any, key: Any) -> tuple[Any, Any]:
        def one(position: Any, key: Any) -> Any:
            position, chance = draw(position, key, step)
            return position, (position, chance)

        return lax.scan(one, position, random.split(key, CHUNK))

    positions, (samples, chances) = fg.vmap(chain)(positions, random.split(key, CHAINS))
    return positions, samples, jnp.mean(chances)


def sample(chunks: int, warm_up: int) -> tuple[np.ndarray, np.ndarray, float, float]:
    """Draws before and after the warm-up, (chains, draws, dimension); the step; the acceptance."""
    key, start_key = random.split(random.key(0))
    # Far apart, ten deviations of the posterior, so that R-hat means something.
    positions = 0.5 * random.normal(start_key, (CHAINS, DIMENSION))
    step = 0.02
    kept: list[np.ndarray] = []
    shares: list[float] = []
    progress = tqdm(range(warm_up + chunks), unit="chunk")
    for i in progress:
        key, chunk_key = random.split(key)
        positions, samples, share = draws(positions, chunk_key, step)
        kept.append(np.asarray(samples))
        shares.append(float(share))
        if i < warm_up:  # longer steps where too many proposals are accepted
            step *= float(np.exp(0.5 * (shares[-1] - TARGET)))
        progress.set_postfix(accepted=f"{shares[-1]:.2f}", step=f"{step:.3f}")
    first, rest = np.concatenate(kept[:warm_up], 1), np.concatenate(kept[warm_up:], 1)
    return first, rest, step, float(np.mean(shares[warm_up:]))


def r_hat(samples: np.ndarray) -> np.ndarray:
    """The split R-hat of Gelman et al. (2013): 1 where halves of chains agree with each other."""
    halves = np.concatenate(np.array_split(samples[:, : samples.shape[1] // 2 * 2], 2, axis=1))
    n = halves.shape[1]
    within = halves.var(axis=1, ddof=1).mean(axis=0)
    between = halves.mean(axis=1).var(axis=0, ddof=1)
    return np.sqrt((n - 1) / n + between / within)


def effective(samples: np.ndarray) -> np.ndarray:
    """How many independent draws these are worth, by the first autocorrelations that sum above zero."""
    centred = samples - samples.mean(axis=(0, 1))
    variance = (centred**2).mean(axis=(0, 1))
    n = samples.shape[1]
    total = np.ones(samples.shape[2])
    going = np.ones(samples.shape[2], bool)
    for lag in range(1, min(200, n - 1), 2):
        pair = sum(
            (centred[:, : n - k] * centred[:, k:]).mean(axis=(0, 1)) / variance
            for k in (lag, lag + 1)
        )
        going &= pair > 0
        total += 2 * np.where(going, pair, 0.0)
    return samples.shape[0] * n / total


def picture(first: np.ndarray, samples: np.ndarray, file: Path) -> None:
    shown = [*NAMES, "log noise"]
    figure, grid = plt.subplots(4, 4, figsize=(14, 9), layout="constrained")
    for axes, i in zip(grid[:3].flat, range(DIMENSION), strict=False):
        for chain in np.concatenate([first, samples], axis=1)[:, :, i]:
            axes.plot(chain, lw=0.4)
        axes.axvspan(0, first.shape[1], color="0.9")
        middle, spread = samples[..., i].mean(), samples[..., i].std()
        axes.set_ylim(middle - 8 * spread, middle + 8 * spread)
        axes.set_title(shown[i], fontsize=9)
    grid[2, 3].set_axis_off()
    for axes, (i, j) in zip(grid[3], [(2, 3), (4, 5), (4, 8), (0, 1)], strict=True):
        axes.plot(samples[..., i].ravel(), samples[..., j].ravel(), ".", ms=1, alpha=0.4)
        axes.set(xlabel=shown[i], ylabel=shown[j])
    figure.suptitle(f"{CHAINS} chains (grey: warm-up), and pairs of coefficients")
    figure.savefig(file, dpi=110)
    plt.close(figure)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Hamiltonian Monte Carlo on the diabetes data.")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the picture")
    parser.add_argument("--draws", type=int, default=4000, help="draws of each chain")
    parser.add_argument("--fast", action="store_true", help="600 draws of each chain only")
    options = parser.parse_args(argv)
    options.out.mkdir(parents=True, exist_ok=True)

    at = np.random.default_rng(0).normal(size=DIMENSION)
    apart = np.abs(np.asarray(slope(at)) / gradient_by_hand(at) - 1).max()
    print(f"gradient by backpropagation and by hand: {apart:.1e} apart")

    first, samples, step, accepted = sample((600 if options.fast else options.draws) // CHUNK, 20)
    picture(first, samples, options.out / "hmc.png")
    print(f"picture: {options.out / 'hmc.png'}")
    print(f"step {step:.3f}, {LEAPS} leaps a draw, {accepted:.1%} of proposals accepted")

    noise = float(np.exp(samples[..., -1]).mean())
    precision = X.T @ X / noise**2 + np.eye(X.shape[1])
    exact = np.linalg.solve(precision, X.T @ Y / noise**2)
    spread = np.sqrt(np.diag(np.linalg.inv(precision)))
    means, deviations = samples.mean(axis=(0, 1)), samples.std(axis=(0, 1))
    rs, sizes = r_hat(samples), effective(samples)
    print(
        f"{'':10s} {'mean':>8s} {'exact':>8s} {'deviation':>10s} {'exact':>8s} {'R-hat':>7s} {'draws':>7s}"
    )
    for i, name in enumerate(NAMES):
        print(
            f"{name:10s} {means[i]:8.4f} {exact[i]:8.4f} {deviations[i]:10.4f} {spread[i]:8.4f} "
            f"{rs[i]:7.4f} {sizes[i]:7.0f}"
        )
    print(f"noise {noise:.4f}; least squares leaves {_left_over():.4f}")
    print(f"largest R-hat: {rs.max():.4f}")
    print(f"largest error of a mean: {np.abs((means[:-1] - exact) / spread).max():.3f} deviations")


def _left_over() -> float:
    w = np.linalg.lstsq(X, Y, rcond=None)[0]
    return float(np.sqrt(np.sum((Y - X @ w) ** 2) / (len(Y) - X.shape[1])))


if __name__ == "__main__":
    main()
