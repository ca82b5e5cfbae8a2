"""Train a small transformer, character by character, on English text that ships with Python.

The text is the reference documentation that Python's own `help()` shows (`pydoc_data.topics`, more
than 400,000 characters). The network reads 64 characters and gives, at each of them, the probabilities of
the next one; attention is causal, so all 64 guesses are made at once. The loss is the surprise
averaged over the n characters of a minibatch, so backpropagation gives the gradient of the loss
averaged over the n samples. While it trains, the network writes a few lines of its own.

    python examples/transformer_text.py
    python examples/transformer_text.py --fast     # fewer steps, as the tests run it

The last tenth of the text is held out. The last line printed is the surprise there, in bits per
character, beside that of a table of letter pairs; the picture shows how it fell, and which characters
of a held-out passage surprise the network.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from pydoc_data.topics import topics
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from tqdm import tqdm

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad import optim, random, stax

CONTEXT = 64
BATCH = 16
WIDTH = 64
HEADS = 4
BLOCKS = 2
RATE = 4e-3


def load_text() -> tuple[list[str], np.ndarray, np.ndarray]:
    """The alphabet, and the text as numbers in it: the first nine tenths, and the held-out rest."""
    text = "\n\n".join(topics[name] for name in sorted(topics))
    counts = np.unique_counts(np.array(list(text)))
    alphabet = [str(c) for c, n in zip(counts.values, counts.counts, strict=True) if n >= 20]
    number = {c: i for i, c in enumerate(alphabet)}
    codes = np.array([number[c] for c in text if c in number])
    cut = len(codes) * 9 // 10
    return alphabet, codes[:cut], codes[cut:]


def make_network(letters: int) -> stax.Layer:
    """A pre-norm transformer: tokens, then blocks of attention and a two-layer network."""
    block = [
        stax.residual(stax.RMSNorm(), stax.MultiHeadAttention(HEADS, causal=True, use_rotary=True)),
        stax.residual(stax.RMSNorm(), stax.Dense(4 * WIDTH), stax.Gelu, stax.Dense(WIDTH)),
    ]
    return stax.serial(
        stax.Embedding(letters, WIDTH), *block * BLOCKS, stax.RMSNorm(), stax.Dense(letters)
    )


def pair_bits(training: np.ndarray, held_out: np.ndarray, letters: int) -> float:
    """Bits per character of the table of letter pairs, counted in the training text."""
    counts = np.ones((letters, letters))
    np.add.at(counts, (training[:-1], training[1:]), 1)
    chances = counts / counts.sum(axis=1, keepdims=True)
    return float(-np.log2(chances[held_out[:-1], held_out[1:]]).mean())


def windows(codes: np.ndarray, starts: np.ndarray) -> np.ndarray:
    return codes[starts[:, None] + np.arange(CONTEXT + 1)]


class Writer:
    """A network with its loss and what is done with it, compiled."""

    def __init__(self, alphabet: list[str]) -> None:
        self.alphabet = alphabet
        self.network = make_network(len(alphabet))
        self.surprises = fg.jit(self.surprises_of)
        self.next_letter = fg.jit(self.draw_letter)

    def surprises_of(self, params: Any, passages: Any) -> fg.Array:
        """-log of the probability of each character after the first, for each passage."""
        scores = self.network[1](params, passages[:, :-1])
        return optim.softmax_cross_entropy_with_integer_labels(scores, passages[:, 1:])

    def loss(self, params: Any, passages: Any) -> fg.Array:
        return jnp.mean(self.surprises_of(params, passages))

    def bits(self, params: Any, held_out: np.ndarray) -> float:
        """Bits per character on 64 passages spread over the held-out text."""
        starts = np.linspace(0, len(held_out) - CONTEXT - 1, 64).astype(int)
        return float(jnp.mean(self.surprises(params, windows(held_out, starts)))) / np.log(2)

    def draw_letter(self, params: Any, key: Any, passage: Any) -> fg.Array:
        """A character after the passage, a bit less random than the network would have it."""
        scores = self.network[1](params, passage[None])[0, -1]
        return random.categorical(key, scores / 0.8)

    def write(self, params: Any, key: Any, start: np.ndarray, length: int) -> str:
        codes = list(start)
        for letter_key in random.split(key, length):
            passage = jnp.array(codes[-CONTEXT:], dtype=int)
            codes.append(int(self.next_letter(params, letter_key, passage)))
        return "".join(self.alphabet[c] for c in codes[len(start) :])


def train(
    writer: Writer, training: np.ndarray, held_out: np.ndarray, steps: int, sample_length: int
) -> tuple[Any, list[float], list[tuple[int, float]]]:
    """The parameters, the loss of each step, and (step, bits per character on the held-out text)."""
    init_key, write_key = random.split(random.key(0))
    _, params = writer.network[0](init_key, (-1, CONTEXT))
    params = fg.tree.map(lambda p: p.astype(jnp.float32), params)
    schedule = optim.warmup_cosine_decay_schedule(0.0, RATE, steps // 10, steps, end_value=1e-4)
    optimizer = optim.chain(optim.clip_by_global_norm(1.0), optim.adamw(schedule, b2=0.98))
    state = optimizer.init(params)

    @fg.jit
    def step(params: Any, state: Any, passages: Any) -> tuple[Any, Any, fg.Array]:
        value, gradient = fg.value_and_grad(writer.loss)(params, passages)
        updates, state = optimizer.update(gradient, state, params)
        return optim.apply_updates(params, updates), state, value

    generator = np.random.default_rng(0)
    losses: list[float] = []
    bits = [(0, writer.bits(params, held_out))]
    progress = tqdm(range(1, steps + 1), unit="step")
    for i in progress:
        starts = generator.integers(0, len(training) - CONTEXT - 1, BATCH)
        params, state, value = step(params, state, windows(training, starts))
        losses.append(float(value))
        if i % max(1, steps // 4) == 0:
            bits.append((i, writer.bits(params, held_out)))
            sample = writer.write(params, write_key, held_out[:CONTEXT], sample_length)
            tqdm.write(f"--- after {i} steps, {bits[-1][1]:.2f} bits per character:\n{sample}\n")
            progress.set_postfix(loss=f"{losses[-1]:.3f}", bits=f"{bits[-1][1]:.2f}")
    return params, losses, bits


def draw(
    writer: Writer,
    params: Any,
    held_out: np.ndarray,
    losses: list[float],
    bits: list[tuple[int, float]],
    pairs: float,
    path: Path,
) -> None:
    """The curves, and a held-out passage whose characters are the redder the more they surprise."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.5), layout="constrained")
    smooth = max(1, len(losses) // 50)
    means = np.convolve(losses, np.ones(smooth) / smooth, mode="valid") / np.log(2)
    left.plot(np.arange(len(means)) + smooth, means, color="0.7", label="training")
    left.plot(*zip(*bits, strict=True), "o-", label="held out")
    left.axhline(pairs, ls="--", color="tab:red", label="table of letter pairs")
    left.set(xlabel="step", ylabel="bits per character", title="Surprise")
    left.legend()
    start = len(held_out) // 5
    passages = np.stack([held_out[start + 48 * i :][: CONTEXT + 1] for i in range(10)])
    surprise = np.asarray(writer.surprises(params, passages)) / np.log(2)
    cells = surprise[:, -48:]
    right.imshow(cells, cmap="Reds", vmin=0, vmax=8, aspect="auto")
    for row, passage in enumerate(passages):
        for column, code in enumerate(passage[-48:]):
            letter = writer.alphabet[code]
            if not letter.isspace():
                text = letter.replace("$", r"\$")
                right.text(column, row, text, ha="center", va="center", family="monospace")
    right.set(title="A held-out passage: red is surprising", xticks=[], yticks=[])
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Train a transformer on Python's documentation.")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the picture")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--fast", action="store_true", help="train for 16 steps only")
    options = parser.parse_args(argv)
    options.out.mkdir(parents=True, exist_ok=True)

    alphabet, training, held_out = load_text()
    writer = Writer(alphabet)
    print(stax.summary(writer.network, (-1, CONTEXT)))
    print(f"{len(training):,} characters to train on, {len(held_out):,} held out")
    steps, sample_length = (16, 30) if options.fast else (options.steps, 200)
    params, losses, bits = train(writer, training, held_out, steps, sample_length)

    pairs = pair_bits(training, held_out, len(alphabet))
    path = options.out / "transformer_text.png"
    draw(writer, params, held_out, losses, bits, pairs, path)
    print(f"picture: {path}")
    print(f"held out: {bits[-1][1]:.2f} bits per character (letter pairs: {pairs:.2f})")


if __name__ == "__main__":
    main()
