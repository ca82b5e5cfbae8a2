"""Train a small network on real scans of handwritten digits.

The data are scikit-learn's 1,797 digits (8 x 8 pixels, from the NIST forms of 43 people). The
network is a pure function of a pytree of parameters: a list of layers, each a dict of a weight
matrix and a bias. `jit(value_and_grad(loss))` gives the loss of a minibatch and its gradient with
respect to every weight and bias in one call; gradient descent with momentum does the rest.

    python examples/train_digits.py
    python examples/train_digits.py --fast     # fewer epochs, as the tests run it

A fixed third of the scans is held out and never trained on. The last line printed is the accuracy
on it; the loss curve and the misread digits are saved as pictures in the folder `--out`.
"""

import argparse
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from tqdm import tqdm

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad import nn, random

SIZES = [64, 128, 64, 10]
BATCH = 64
RATE = 0.1
MOMENTUM = 0.9
WEIGHT_DECAY = 1e-4
NOISE = 0.25  # fresh noise on the pixels in every epoch, so that no scan is learned by heart

Params = list[dict[str, fg.Array]]
Split = tuple[np.ndarray, np.ndarray]


def load_split() -> tuple[Split, Split]:
    """The training scans and the held-out third, always the same: (images in [0, 1], labels)."""
    digits = load_digits()
    train_images, test_images, train_labels, test_labels = train_test_split(
        digits.data / 16.0, digits.target, test_size=1 / 3, stratify=digits.target, random_state=0
    )
    return (train_images, train_labels), (test_images, test_labels)


def init_params(key: fg.Array) -> Params:
    """Weights of variance 2 / fan-in (He et al. 2015), which keeps ReLU layers at one scale."""
    keys = random.split(key, len(SIZES) - 1)
    return [
        {"w": random.normal(k, (n, m)) * jnp.sqrt(2 / n), "b": jnp.zeros(m)}
        for k, (n, m) in zip(keys, pairwise(SIZES), strict=True)
    ]


def logits(params: Params, images: Any) -> fg.Array:
    """The network: scores of shape (batch, 10) for images of shape (batch, 64)."""
    *hidden, last = params
    activations = images
    for layer in hidden:
        activations = nn.relu(activations @ layer["w"] + layer["b"])
    return activations @ last["w"] + last["b"]


def loss(params: Params, images: Any, labels: Any) -> fg.Array:
    """The mean cross-entropy of the true labels, plus a small penalty on large weights."""
    log_probabilities = nn.log_softmax(logits(params, images))
    cross_entropy = -jnp.mean(jnp.sum(nn.one_hot(labels, 10) * log_probabilities, axis=1))
    return cross_entropy + WEIGHT_DECAY * sum(jnp.sum(layer["w"] ** 2) for layer in params)


loss_and_gradient = fg.jit(fg.value_and_grad(loss))


@fg.jit
def descend(params: Params, velocity: Params, gradient: Params, rate: Any) -> tuple[Params, Params]:
    """One step of gradient descent with momentum, on every leaf of the parameters."""
    velocity = fg.tree.map(lambda v, g: MOMENTUM * v - rate * g, velocity, gradient)
    return fg.tree.map(jnp.add, params, velocity), velocity


@fg.jit
def probabilities(params: Params, images: Any) -> fg.Array:
    return nn.softmax(logits(params, images))


def accuracy(params: Params, images: Any, labels: Any) -> float:
    return float(jnp.mean(jnp.argmax(probabilities(params, images), axis=1) == labels))


def train(training: Split, held_out: Split, epochs: int) -> tuple[Params, list[float], list[float]]:
    """The trained parameters, the loss of each minibatch and the accuracy after each epoch."""
    images, labels = training
    key, init_key = random.split(random.key(0))
    params = init_params(init_key)
    velocity = fg.tree.map(jnp.zeros_like, params)
    steps = len(labels) // BATCH
    losses: list[float] = []
    accuracies: list[float] = []
    progress = tqdm(range(epochs), unit="epoch")
    for epoch in progress:
        key, noise_key, order_key = random.split(key, 3)
        noisy = np.asarray(images + NOISE * random.normal(noise_key, images.shape))
        order = np.asarray(random.permutation(order_key, len(labels)))
        rate = RATE * 0.5 * (1 + np.cos(np.pi * epoch / epochs))  # falls to zero along a cosine
        for batch in order[: steps * BATCH].reshape(steps, BATCH):
            value, gradient = loss_and_gradient(params, noisy[batch], labels[batch])
            params, velocity = descend(params, velocity, gradient, rate)
            losses.append(float(value))
        accuracies.append(accuracy(params, *held_out))
        progress.set_postfix(loss=f"{losses[-1]:.4f}", accuracy=f"{accuracies[-1]:.2%}")
    return params, losses, accuracies


def draw_curves(losses: list[float], accuracies: list[float], path: Path) -> None:
    """The loss of every minibatch with its mean over each epoch, and the held-out accuracy."""
    epochs = np.arange(1, len(accuracies) + 1)
    steps = len(losses) // len(accuracies)
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    left.semilogy(np.arange(len(losses)) / steps, losses, lw=0.6, color="0.7", label="minibatch")
    epoch_means = np.reshape(losses, (-1, steps)).mean(axis=1)
    left.semilogy(epochs, epoch_means, color="tab:blue", label="mean of the epoch")
    left.set(title="Training loss", xlabel="epoch", ylabel="cross-entropy + penalty")
    left.legend()
    right.plot(epochs, 100 * np.array(accuracies), color="tab:green")
    right.set(
        title=f"Held-out accuracy: {accuracies[-1]:.2%} at the end",
        xlabel="epoch",
        ylabel="% read correctly",
        ylim=(85, 100),
    )
    for axes in (left, right):
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def draw_misread(params: Params, held_out: Split, path: Path) -> int:
    """Every held-out digit that the network misreads, surest mistakes first; returns how many."""
    images, labels = held_out
    guesses = np.asarray(probabilities(params, images))
    wrong = np.flatnonzero(guesses.argmax(axis=1) != labels)
    wrong = wrong[np.argsort(-guesses[wrong].max(axis=1))]
    shown = wrong[:32]
    columns = min(8, max(4, len(shown)))
    rows = max(1, -(-len(shown) // columns))
    figure, grid = plt.subplots(
        rows, columns, figsize=(1.5 * columns, 2 * rows + 0.4), layout="constrained", squeeze=False
    )
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, i in zip(grid.flat, shown, strict=False):
        axes.imshow(images[i].reshape(8, 8), cmap="gray_r", vmin=0, vmax=1)
        guess = guesses[i].argmax()
        axes.set_title(f"{labels[i]} read as {guess}\n({guesses[i, guess]:.0%} sure)", fontsize=9)
    figure.suptitle(f"{len(wrong)} of {len(labels)} held-out digits misread")
    figure.savefig(path, dpi=120)
    plt.close(figure)
    return len(wrong)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Train a small network on handwritten digits.")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the pictures")
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--fast", action="store_true", help="train for 15 epochs only")
    options = parser.parse_args(argv)
    options.out.mkdir(parents=True, exist_ok=True)

    training, held_out = load_split()
    print(f"{len(training[1])} digits to train on, {len(held_out[1])} held out")
    params, losses, accuracies = train(training, held_out, 15 if options.fast else options.epochs)

    draw_curves(losses, accuracies, options.out / "digits_loss.png")
    misread = draw_misread(params, held_out, options.out / "digits_misread.png")
    print(f"pictures: {options.out / 'digits_loss.png'}, {options.out / 'digits_misread.png'}")
    print(f"test accuracy: {accuracies[-1]:.2%} ({misread} of {len(held_out[1])} misread)")


if __name__ == "__main__":
    main()
