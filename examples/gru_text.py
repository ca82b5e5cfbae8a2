"""A recurrent network learns to write like the Python manual, letter by letter.

The text is the language reference that comes with Python (`pydoc_data.topics`, what `help("class")`
shows). A gated recurrent unit (Cho et al. 2014) reads a letter, changes its state, and guesses the next
one; `lax.scan` carries the state along the text. Its gradient is backpropagation through time: the
cotangent dC/dh of the state is carried backwards from turn to turn, and every turn adds its share to
dC/dweights.

    python examples/gru_text.py
    python examples/gru_text.py --fast     # fewer steps, as the tests run it

Printed are the bits that each letter costs on text held out (a code that knows only how frequent letters
are needs about 4.4), and a sample. The picture shows the loss and how far back in time the gradient
reaches: |dC/dh_t| for the loss at one letter and the states before it, before and after training.
"""

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from pydoc_data.topics import topics
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from tqdm import tqdm

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad import lax, nn, random

SIZE = 96  # of the state
LENGTH = 50  # letters that the gradient goes back
BATCH = 32
RATE = 0.004

Params = dict[str, fg.Array]


def load() -> tuple[np.ndarray, np.ndarray, str]:
    """The letters as numbers: text to learn, text held out, and the alphabet."""
    text = "\n".join(topics[name] for name in sorted(topics))
    text = re.sub(r"[ \t]+", " ", text.encode("ascii", "ignore").decode())
    alphabet = "".join(sorted(set(text)))
    number = {letter: i for i, letter in enumerate(alphabet)}
    letters = np.array([number[letter] for letter in text])
    cut = len(letters) * 9 // 10
    return letters[:cut], letters[cut:], alphabet


def init_params(key: fg.Array, letters: int) -> Params:
    keys = random.split(key, 4)
    return {
        "embed": random.normal(keys[0], (letters, 3 * SIZE)) * 0.1,  # a letter's part of the gates
        "gates": random.normal(keys[1], (SIZE, 2 * SIZE)) / np.sqrt(SIZE),
        "candidate": random.normal(keys[2], (SIZE, SIZE)) / np.sqrt(SIZE),
        "bias": jnp.zeros(3 * SIZE).at[:SIZE].set(-1.0),  # at first the state stays mostly as it is
        "read": random.normal(keys[3], (SIZE, letters)) * 0.1,
        "read_bias": jnp.zeros(letters),
    }


def turn(params: Params, h: Any, seen: Any) -> fg.Array:
    """The state after a letter: part by part the old one, or the candidate c for a new one.

    update = sigmoid(..), reset = sigmoid(..), c = tanh(seen + (reset h) U), h' = h + update (c - h)
    """
    gates = nn.sigmoid(seen[..., : 2 * SIZE] + h @ params["gates"])
    update, reset = gates[..., :SIZE], gates[..., SIZE:]
    candidate = jnp.tanh(seen[..., 2 * SIZE :] + (reset * h) @ params["candidate"])
    return h + update * (candidate - h)


def bits(params: Params, h: Any, letters: Any) -> tuple[fg.Array, Any]:
    """The mean bits a letter costs, for letters of shape (length + 1, batch); and the last state."""
    seen = params["embed"][letters[:-1]] + params["bias"]

    def body(h: Any, seen: Any) -> tuple[Any, Any]:
        h = turn(params, h, seen)
        return h, h

    last, states = lax.scan(body, h, seen)
    scores = states @ params["read"] + params["read_bias"]
    log_probabilities = nn.log_softmax(scores)
    chosen = jnp.take_along_axis(log_probabilities, letters[1:, :, None], axis=-1)
    return -jnp.mean(chosen) / np.log(2), last


loss_and_gradient = fg.jit(fg.value_and_grad(bits, has_aux=True))
cost = fg.jit(bits)


@fg.jit
def adam(
    params: Params, gradient: Params, mean: Params, square: Params, step: Any, rate: Any
) -> Any:
    """One step of Adam (Kingma and Ba 2015), for a gradient of length at most one."""
    length = jnp.sqrt(sum(jnp.sum(g**2) for g in fg.tree.leaves(gradient)))
    gradient = fg.tree.map(lambda g: g / jnp.maximum(length, 1.0), gradient)
    mean = fg.tree.map(lambda m, g: 0.9 * m + 0.1 * g, mean, gradient)
    square = fg.tree.map(lambda s, g: 0.99 * s + 0.01 * g**2, square, gradient)

    def moved(p: Any, m: Any, s: Any) -> Any:
        return p - rate * (m / (1 - 0.9**step)) / (jnp.sqrt(s / (1 - 0.99**step)) + 1e-8)

    return fg.tree.map(moved, params, mean, square), mean, square


def columns(letters: np.ndarray, batch: int) -> np.ndarray:
    """The text cut into `batch` long columns, which are read side by side."""
    rows = (len(letters) - 1) // batch
    return letters[: rows * batch].reshape(batch, rows).T


def train(letters: np.ndarray, held_out: np.ndarray, count: int, steps: int) -> Any:
    """The parameters, those at the beginning, the bits of each step, and now and then those held out."""
    params = first = init_params(random.key(0), count)
    mean = fg.tree.map(jnp.zeros_like, params)
    square = mean
    text = columns(letters, BATCH)
    h = jnp.zeros((BATCH, SIZE))
    losses: list[float] = []
    judged: list[tuple[int, float]] = []
    at = 0
    progress = tqdm(range(1, steps + 1), unit="step")
    for step in progress:
        if at + LENGTH + 1 > len(text):
            at, h = 0, jnp.zeros((BATCH, SIZE))
        rate = RATE * 0.5 * (1 + np.cos(np.pi * step / steps))  # falls to zero along a cosine
        # The state goes on from piece to piece; the gradient ends where the piece begins.
        (value, h), gradient = loss_and_gradient(params, h, text[at : at + LENGTH + 1])
        params, mean, square = adam(params, gradient, mean, square, float(step), rate)
        at += LENGTH
        losses.append(float(value))
        if step % max(1, steps // 10) == 0:
            judged.append((step, held_out_bits(params, held_out)))
            progress.set_postfix(bits=f"{losses[-1]:.2f}", held_out=f"{judged[-1][1]:.2f}")
    return params, first, losses, judged


def held_out_bits(params: Params, letters: np.ndarray) -> float:
    text = columns(letters, BATCH)[:257]
    return float(cost(params, jnp.zeros((BATCH, SIZE)), text)[0])


def reach(params: Params, letters: np.ndarray) -> np.ndarray:
    """|dC/dh_t| for the loss at the last of LENGTH letters: what backpropagation carries back to turn t.

    A zero added to the state of each turn has the cotangent of that state.
    """
    text = columns(letters, BATCH)[: LENGTH + 1]
    seen = params["embed"][text[:-1]] + params["bias"]

    def last_cost(nudges: Any) -> fg.Array:
        def body(h: Any, inputs: Any) -> tuple[Any, None]:
            x, nudge = inputs
            return turn(params, h, x) + nudge, None

        h, _ = lax.scan(body, jnp.zeros((BATCH, SIZE)), (seen, nudges))
        scores = nn.log_softmax(h @ params["read"] + params["read_bias"])
        return -jnp.sum(jnp.take_along_axis(scores, text[-1][:, None], axis=1))

    cotangents = fg.jit(fg.grad(last_cost))(jnp.zeros((LENGTH, BATCH, SIZE)))
    return np.asarray(jnp.linalg.norm(cotangents, axis=-1).mean(axis=-1))


@fg.jit
def write(params: Params, key: Any, letter: Any) -> fg.Array:
    """Three hundred letters, each drawn from the network's guess."""

    def body(state: Any, key: Any) -> tuple[Any, Any]:
        h, letter = state
        h = turn(params, h, params["embed"][letter] + params["bias"])
        letter = random.categorical(key, 1.4 * (h @ params["read"] + params["read_bias"]))
        return (h, letter), letter

    return lax.scan(body, (jnp.zeros(SIZE), letter), random.split(key, 300))[1]


def draw(losses: list[float], judged: Any, reaches: list[np.ndarray], file: Path) -> None:
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    left.plot(losses, lw=0.6, color="0.6", label="text being learned")
    left.plot(*zip(*judged, strict=True), "o-", ms=3, label="text held out")
    left.set(title="Bits a letter", xlabel="step", ylim=(1, 6))
    left.legend()
    back = np.arange(LENGTH, 0, -1)
    for values, name in zip(reaches, ("before training", "after training"), strict=True):
        right.semilogy(back, values / values[-1], label=name)
    right.set(title="How far back the gradient reaches", xlabel="letters before the loss")
    right.set_ylabel("$|dC/dh_t|$ / $|dC/dh_T|$")
    right.legend()
    for axes in (left, right):
        axes.grid(alpha=0.3)
    figure.savefig(file, dpi=120)
    plt.close(figure)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="A GRU that learns to write.")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the picture")
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--fast", action="store_true", help="60 steps only")
    options = parser.parse_args(argv)
    options.out.mkdir(parents=True, exist_ok=True)

    letters, held_out, alphabet = load()
    share = np.bincount(letters, minlength=len(alphabet)) / len(letters)
    share = np.maximum(share, 1 / len(letters))
    print(
        f"{len(letters)} letters to learn, {len(held_out)} held out, {len(alphabet)} different ones"
    )
    params, first, losses, judged = train(
        letters, held_out, len(alphabet), 60 if options.fast else options.steps
    )
    reaches = [reach(p, held_out) for p in (first, params)]
    draw(losses, judged, reaches, options.out / "gru_text.png")
    print(f"picture: {options.out / 'gru_text.png'}")
    sample = write(params, random.key(3), alphabet.index("\n"))
    print("".join(alphabet[int(i)] for i in np.asarray(sample)))
    print(f"bits by frequency alone: {-np.mean(np.log2(share[held_out])):.3f}")
    print(f"bits held out: {judged[-1][1]:.3f}")
    halves = [int(np.argmax(values[::-1] < values[-1] / 2)) for values in reaches]
    print(f"the gradient halves in {halves[0]} letters at first, in {halves[1]} now")


if __name__ == "__main__":
    main()
