"""Train a variational autoencoder on real scans of handwritten digits, and map what it learned.

The data are scikit-learn's 1,797 digits (8 x 8 pixels, from the NIST forms of 43 people). An encoder
gives each scan a cloud of points in a plane, a mean and a spread; a decoder makes a scan of a point
(Kingma & Welling 2014, arXiv:1312.6114). What is made as small as possible is the cost of sending a
scan through the plane: how badly it is drawn again, and how much its cloud differs from a standard
normal one, together the negative evidence bound, averaged over the n scans of a minibatch. So
backpropagation gives the gradient of the loss averaged over the n samples, through the random
points, too: each is its cloud's mean plus its spread times a standard normal number.

    python examples/vae_digits.py
    python examples/vae_digits.py --fast     # fewer epochs, as the tests run it

A fixed third of the scans is held out. The last line printed is their cost in nats, beside that of
a model without a plane (each pixel on its own); the picture shows where the held-out digits lie in
the plane, and what the decoder draws at its points.
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
from funcgrad.scipy.special import ndtri

BATCH = 100
RATE = 4e-3
PIXELS = 64

init_encoder, encoder = stax.serial(
    stax.Dense(128),
    stax.Gelu,
    stax.FanOut(2),
    stax.parallel(stax.Dense(2), stax.Dense(2)),  # the mean, and the logarithm of the variance
)
init_decoder, decoder = stax.serial(
    stax.Dense(128), stax.Gelu, stax.Dense(128), stax.Gelu, stax.Dense(PIXELS)
)

Params = tuple[Any, Any]
Split = tuple[np.ndarray, np.ndarray]


def load_split() -> tuple[Split, Split]:
    """The training scans and the held-out third, always the same: (ink in [0, 1], labels)."""
    digits = load_digits()
    train_images, test_images, train_labels, test_labels = train_test_split(
        digits.data / 16.0, digits.target, test_size=1 / 3, stratify=digits.target, random_state=0
    )
    return (train_images, train_labels), (test_images, test_labels)


def costs(params: Params, key: Any, images: Any) -> fg.Array:
    """The negative evidence bound of each image, in nats."""
    mean, log_variance = encoder(params[0], images)
    points = mean + jnp.exp(log_variance / 2) * random.normal(key, mean.shape)
    ink = decoder(params[1], points)
    drawing = jnp.sum(optim.sigmoid_binary_cross_entropy(ink, images), axis=-1)
    # Kullback and Leibler's divergence of the cloud from the standard normal one.
    divergence = 0.5 * jnp.sum(jnp.exp(log_variance) + mean**2 - 1 - log_variance, axis=-1)
    return drawing + divergence


def loss(params: Params, key: Any, images: Any) -> fg.Array:
    return jnp.mean(costs(params, key, images))


def cost_without_plane(training: np.ndarray, held_out: np.ndarray) -> float:
    """The cost where each pixel has the same chance of ink in all scans."""
    chance = np.clip(training.mean(axis=0), 1e-3, 1 - 1e-3)
    nats = -(held_out * np.log(chance) + (1 - held_out) * np.log(1 - chance))
    return float(nats.sum(axis=1).mean())


def train(
    images: np.ndarray, held_out: np.ndarray, epochs: int
) -> tuple[Params, list[float], list[float]]:
    """The parameters, and the mean cost after each epoch, of the training and held-out scans."""
    steps = len(images) // BATCH
    key, encoder_key, decoder_key, check_key = random.split(random.key(0), 4)
    params = (
        init_encoder(encoder_key, (-1, PIXELS))[1],
        init_decoder(decoder_key, (-1, 2))[1],
    )
    optimizer = optim.adam(optim.cosine_decay_schedule(RATE, epochs * steps))
    state = optimizer.init(params)

    @fg.jit
    def step(params: Params, state: Any, key: Any, images: Any) -> tuple[Params, Any, fg.Array]:
        value, gradient = fg.value_and_grad(loss)(params, key, images)
        updates, state = optimizer.update(gradient, state)
        return optim.apply_updates(params, updates), state, value

    check = fg.jit(loss)
    training_costs, held_out_costs = [], []
    progress = tqdm(range(epochs), unit="epoch")
    for _ in progress:
        key, order_key, *keys = random.split(key, steps + 2)
        order = np.asarray(random.permutation(order_key, len(images)))
        values = []
        for step_key, batch in zip(keys, order[: steps * BATCH].reshape(steps, BATCH), strict=True):
            params, state, value = step(params, state, step_key, images[batch])
            values.append(float(value))
        training_costs.append(float(np.mean(values)))
        held_out_costs.append(float(check(params, check_key, held_out)))
        progress.set_postfix(
            training=f"{training_costs[-1]:.2f}", held_out=f"{held_out_costs[-1]:.2f}"
        )
    return params, training_costs, held_out_costs


def draw(
    params: Params, held_out: Split, training_costs: list[float], costs: list[float], path: Path
) -> None:
    """The curves, the held-out digits in the plane, and the decoder's drawings at its points."""
    images, labels = held_out
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(15, 5), layout="constrained")
    epochs = np.arange(1, len(costs) + 1)
    left.plot(epochs, training_costs, label="training")
    left.plot(epochs, costs, label="held out")
    left.set(xlabel="epoch", ylabel="nats per scan", title="Negative evidence bound")
    left.legend()
    means = np.asarray(encoder(params[0], images)[0])
    for digit in range(10):
        middle.scatter(*means[labels == digit].T, s=12, color=f"C{digit}", label=str(digit))
    middle.set(title="Held-out digits in the plane", aspect="equal", xlim=(-4, 4), ylim=(-4, 4))
    middle.legend(ncols=2, fontsize=8)
    # Points that divide a standard normal cloud evenly.
    quantiles = np.asarray(ndtri(jnp.linspace(0.03, 0.97, 15)))
    x, y = np.meshgrid(quantiles, quantiles[::-1])
    ink = fg.nn.sigmoid(decoder(params[1], np.stack([x, y], axis=-1)))
    tiles = np.asarray(ink).reshape(15, 15, 8, 8).transpose(0, 2, 1, 3).reshape(120, 120)
    right.imshow(tiles, cmap="gray_r", vmin=0, vmax=1)
    right.set(title="What the decoder draws over the plane", xticks=[], yticks=[])
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Train a variational autoencoder on digits.")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the picture")
    parser.add_argument("--epochs", type=int, default=150)
    parser.add_argument("--fast", action="store_true", help="train for 12 epochs only")
    options = parser.parse_args(argv)
    options.out.mkdir(parents=True, exist_ok=True)

    training, held_out = load_split()
    print(f"{len(training[1])} digits to train on, {len(held_out[1])} held out")
    epochs = 12 if options.fast else options.epochs
    params, training_costs, held_out_costs = train(training[0], held_out[0], epochs)

    path = options.out / "vae_digits.png"
    draw(params, held_out, training_costs, held_out_costs, path)
    alone = cost_without_plane(training[0], held_out[0])
    print(f"picture: {path}")
    print(f"held out: {held_out_costs[-1]:.2f} nats per scan (each pixel on its own: {alone:.2f})")


if __name__ == "__main__":
    main()
