"""Train a convolutional network on real scans of handwritten digits, with augmentation.

The data are scikit-learn's 1,797 digits (8 x 8 pixels, from the NIST forms of 43 people). The
network comes from `funcgrad.stax`: a pair of pure functions, one that makes the parameters and one
that applies them. The loss is the cross-entropy averaged over the n digits of a minibatch, so
backpropagation gives the gradient of the loss averaged over the n samples: the mean of the
gradients of the n digits. `funcgrad.optim` turns it into steps (AdamW along a cosine).

In every epoch each scan is shifted, turned and stretched a little, anew: so the network never sees
the same scan twice, and learns what makes a digit rather than the digits themselves.

    python examples/digits_cnn.py
    python examples/digits_cnn.py --fast     # fewer epochs, as the tests run it

A fixed third of the scans is held out and never trained on. The last line printed is the accuracy
on it; the picture shows the loss and accuracy, the learned filters and every misread digit.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from tqdm import tqdm

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad import optim, random, stax

BATCH = 64
RATE = 4e-3

Split = tuple[np.ndarray, np.ndarray]

network = stax.serial(
    stax.Conv(16, (3, 3), padding="SAME"),
    stax.Relu,
    stax.MaxPool((2, 2), strides=(2, 2)),
    stax.Conv(32, (3, 3), padding="SAME"),
    stax.Relu,
    stax.Flatten,
    stax.Dense(64),
    stax.Relu,
    stax.Dense(10),
)
init_params, logits = network


def load_split() -> tuple[Split, Split]:
    """The training scans and the held-out third, always the same: (n, 8, 8, 1) in [0, 1], labels."""
    digits = load_digits()
    images = (digits.images[..., None] / 16.0).astype(np.float32)
    train_images, test_images, train_labels, test_labels = train_test_split(
        images, digits.target, test_size=1 / 3, stratify=digits.target, random_state=0
    )
    return (train_images, train_labels), (test_images, test_labels)


@fg.jit
def augmented(key: fg.Array, images: Any) -> fg.Array:
    """Each image turned, stretched and shifted at random, by interpolation between its pixels."""
    turn, stretch, shift = random.split(key, 3)
    n = images.shape[0]
    angle = random.uniform(turn, (n, 1, 1), minval=-0.2, maxval=0.2)
    size = random.uniform(stretch, (n, 2, 1, 1), minval=0.85, maxval=1.15)
    move = random.uniform(shift, (n, 2, 1, 1), minval=-0.9, maxval=0.9)
    rows, columns = jnp.mgrid[0:8, 0:8] - 3.5
    y = (jnp.cos(angle) * rows - jnp.sin(angle) * columns) * size[:, 0] + move[:, 0] + 3.5
    x = (jnp.sin(angle) * rows + jnp.cos(angle) * columns) * size[:, 1] + move[:, 1] + 3.5
    y0, x0 = jnp.floor(y).astype(int), jnp.floor(x).astype(int)
    fy, fx = y - y0, x - x0
    # A border of zeros, so that what lies outside is paper.
    padded = jnp.pad(images[..., 0], ((0, 0), (4, 4), (4, 4)))
    each = jnp.arange(n)[:, None, None]

    def pixel(dy: int, dx: int) -> fg.Array:
        rows, columns = jnp.clip(y0 + dy + 4, 0, 15), jnp.clip(x0 + dx + 4, 0, 15)
        return padded[each, rows, columns]

    top = (1 - fx) * pixel(0, 0) + fx * pixel(0, 1)
    bottom = (1 - fx) * pixel(1, 0) + fx * pixel(1, 1)
    return ((1 - fy) * top + fy * bottom)[..., None].astype(images.dtype)


def loss(params: Any, images: Any, labels: Any) -> fg.Array:
    """The cross-entropy of the true labels, averaged over the images."""
    entropies = optim.softmax_cross_entropy_with_integer_labels(logits(params, images), labels)
    return jnp.mean(entropies)


predictions = fg.jit(logits)


def accuracy(params: Any, images: Any, labels: Any) -> float:
    return float(jnp.mean(jnp.argmax(predictions(params, images), axis=1) == labels))


def train(training: Split, held_out: Split, epochs: int) -> tuple[Any, list[float], list[float]]:
    """The trained parameters, the loss of each minibatch and the accuracy after each epoch."""
    images, labels = training
    steps = len(labels) // BATCH
    key, init_key = random.split(random.key(0))
    _, params = init_params(init_key, (-1, 8, 8, 1))
    params = fg.tree.map(lambda p: p.astype(images.dtype), params)
    schedule = optim.warmup_cosine_decay_schedule(0.0, RATE, 2 * steps, epochs * steps)
    optimizer = optim.adamw(schedule, weight_decay=1e-2)
    state = optimizer.init(params)

    @fg.jit
    def step(params: Any, state: Any, images: Any, labels: Any) -> tuple[Any, Any, fg.Array]:
        value, gradient = fg.value_and_grad(loss)(params, images, labels)
        updates, state = optimizer.update(gradient, state, params)
        return optim.apply_updates(params, updates), state, value

    losses: list[float] = []
    accuracies: list[float] = []
    progress = tqdm(range(epochs), unit="epoch")
    for _ in progress:
        key, augment_key, order_key = random.split(key, 3)
        fresh = np.asarray(augmented(augment_key, images))
        order = np.asarray(random.permutation(order_key, len(labels)))
        for batch in order[: steps * BATCH].reshape(steps, BATCH):
            params, state, value = step(params, state, fresh[batch], labels[batch])
            losses.append(float(value))
        accuracies.append(accuracy(params, *held_out))
        progress.set_postfix(loss=f"{losses[-1]:.4f}", accuracy=f"{accuracies[-1]:.2%}")
    return params, losses, accuracies


def draw(
    params: Any, held_out: Split, losses: list[float], accuracies: list[float], path: Path
) -> int:
    """The curves, the filters of the first layer and the misread digits; returns how many."""
    images, labels = held_out
    guesses = np.asarray(predictions(params, images)).argmax(axis=1)
    wrong = np.flatnonzero(guesses != labels)
    figure = plt.figure(figsize=(10, 6), layout="constrained")
    top, bottom = figure.subfigures(2, 1, height_ratios=[2, 1])
    curves, filters = top.subfigures(1, 2)
    axes = curves.subplots()
    steps = len(losses) // len(accuracies)
    means = np.reshape(losses, (-1, steps)).mean(axis=1)
    axes.semilogy(np.arange(1, len(means) + 1), means, label="loss on altered training scans")
    axes.semilogy(
        np.arange(1, len(means) + 1), 1 - np.array(accuracies), label="held-out digits misread"
    )
    axes.set(xlabel="epoch", title=f"{accuracies[-1]:.2%} of the held-out digits read correctly")
    axes.grid(alpha=0.3)
    axes.legend()
    kernels = np.asarray(params[0][0])[:, :, 0]
    filters.suptitle("Filters of the first layer")
    for i, cell in enumerate(filters.subplots(4, 4).flat):
        cell.imshow(
            kernels[:, :, i], cmap="RdBu", vmin=-abs(kernels).max(), vmax=abs(kernels).max()
        )
        cell.set_axis_off()
    bottom.suptitle(f"{len(wrong)} of {len(labels)} held-out digits misread")
    shown = wrong[:12]
    for cell in (cells := bottom.subplots(1, 12)).flat:
        cell.set_axis_off()
    for cell, i in zip(cells.flat, shown, strict=False):
        cell.imshow(images[i, ..., 0], cmap="gray_r", vmin=0, vmax=1)
        cell.set_title(f"{labels[i]} as {guesses[i]}", fontsize=9)
    figure.savefig(path, dpi=120)
    plt.close(figure)
    return len(wrong)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Train a convolutional network on digits.")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the picture")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--fast", action="store_true", help="train for 6 epochs only")
    options = parser.parse_args(argv)
    options.out.mkdir(parents=True, exist_ok=True)

    training, held_out = load_split()
    print(stax.summary(network, (-1, 8, 8, 1)))
    print(f"{len(training[1])} digits to train on, {len(held_out[1])} held out")
    params, losses, accuracies = train(training, held_out, 6 if options.fast else options.epochs)

    path = options.out / "digits_cnn.png"
    misread = draw(params, held_out, losses, accuracies, path)
    print(f"picture: {path}")
    print(f"test accuracy: {accuracies[-1]:.2%} ({misread} of {len(held_out[1])} misread)")


if __name__ == "__main__":
    main()
