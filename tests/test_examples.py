"""Every example runs in its reduced form, does what it says, and saves its pictures."""

import re
import runpy
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import funcgrad as fg

FOLDER = Path(__file__).resolve().parent.parent / "examples"


def load(name: str) -> dict[str, Any]:
    return runpy.run_path(str(FOLDER / f"{name}.py"), run_name=name)


class Run:
    """What one reduced run of an example printed and saved."""

    def __init__(self, name: str, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
        load(name)["main"](["--fast", "--out", str(out)])
        self.text, self.progress = capsys.readouterr()
        self.pictures = {path.name for path in out.iterdir()}
        assert all(path.read_bytes().startswith(b"\x89PNG") for path in out.iterdir())
        assert all(picture in self.text for picture in self.pictures)

    def number(self, pattern: str) -> float:
        """The one number that the text has where the pattern has its group."""
        [found] = re.findall(pattern, self.text)
        return float(found)

    def numbers(self, pattern: str) -> list[float]:
        return [float(found) for found in re.findall(pattern, self.text)]


def test_every_example_is_tested() -> None:
    tested = {name.removeprefix("test_example_") for name in globals() if "test_example_" in name}
    assert {path.stem for path in FOLDER.glob("*.py")} == tested


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.py")))
def test_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        load(name)["main"](["--help"])
    assert stop.value.code == 0
    assert "--fast" in capsys.readouterr().out


def test_example_train_digits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = Run("train_digits", tmp_path, capsys)
    assert run.pictures == {"digits_loss.png", "digits_misread.png"}
    assert run.number(r"test accuracy: ([\d.]+)%") >= 97.0
    assert "599 held out" in run.text
    assert "loss=" in run.progress
    assert "accuracy=" in run.progress


def test_example_backprop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = Run("backprop", tmp_path, capsys)
    assert run.pictures == {"backprop.png"}
    by_hand, mean_of_samples = run.numbers(r"largest difference: ([\d.e+-]+)")
    assert by_hand < 1e-15
    assert mean_of_samples < 1e-15
    forward, backward = re.findall(r"\{ lambda .*?\) \}", run.text, re.DOTALL)
    assert forward.count("logistic") == 2
    assert "logistic" not in backward  # its slope was saved by the forward pass
    assert run.number(r"held-out accuracy: ([\d.]+)%") >= 90.0


@pytest.mark.parametrize("sizes", [[1, 1], [4, 3, 2], [3, 5, 4, 6, 2]])
def test_backprop_by_hand_is_the_gradient_in_any_depth(sizes: list[int]) -> None:
    example = load("backprop")
    generator = np.random.default_rng(0)
    params = [(generator.normal(size=(n, m)), generator.normal(size=n)) for m, n in pairwise(sizes)]
    x, y = generator.normal(size=sizes[0]), generator.normal(size=sizes[-1])
    by_hand = example["gradient_by_hand"](params, x, y)
    by_grad = fg.grad(example["cost"])(params, x, y)
    assert fg.tree.structure(by_hand) == fg.tree.structure(by_grad)
    assert example["largest_difference"](by_hand, by_grad) < 1e-14


def test_example_newton(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = Run("newton", tmp_path, capsys)
    assert run.pictures == {"newton_paths.png", "newton_basins.png"}
    differences = run.numbers(r"against \S+ +([\d.e+-]+)")
    assert len(differences) == 4
    assert max(differences) < 1e-14
    assert run.number(r"Gauss-Newton +2 steps, then (\S+) away") < 1e-12
    assert run.number(r" Newton +6 steps, then (\S+) away") < 1e-9
    kinds = re.findall(r"minimum|saddle|maximum", run.text.split("starts\n")[1])
    assert kinds == ["minimum"] * 4 + ["saddle"] * 4 + ["maximum"]
    for point in [
        "3.000000,  2.000000",
        "-2.805118,  3.131313",
        "-3.779310, -3.283186",
        "3.584428, -1.848127",
    ]:
        assert point in run.text


def test_example_neural_ode(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = Run("neural_ode", tmp_path, capsys)
    assert run.pictures == {"neural_ode.png"}
    assert run.number(r"against backpropagation: +([\d.e+-]+)") < 1e-3
    assert run.number(r"against differences: +([\d.e+-]+)") < 1e-3
    [(before, after)] = re.findall(r"pieces: ([\d.]+) at first, ([\d.]+) now", run.text)
    assert float(after) < float(before) / 3
    assert "loss=" in run.progress


def test_example_hmc(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = Run("hmc", tmp_path, capsys)
    assert run.pictures == {"hmc.png"}
    assert run.number(r"by hand: ([\d.e+-]+) apart") < 1e-12
    assert 60 < run.number(r"([\d.]+)% of proposals") < 95
    assert run.number(r"largest R-hat: ([\d.]+)") < 1.05
    assert run.number(r"largest error of a mean: ([\d.]+)") < 0.25
    assert run.number(r"noise ([\d.]+)") == pytest.approx(0.704, abs=0.01)


def test_example_fixed_point(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = Run("fixed_point", tmp_path, capsys)
    assert run.pictures == {"fixed_point.png"}
    assert run.number(r"against custom_root: ([\d.e+-]+) apart") < 1e-10
    assert run.number(r"against differences: ([\d.e+-]+) apart") < 1e-6
    assert run.number(r"slope at the solution: ([\d.e+-]+)") < 1e-11
    [(before, after)] = re.findall(r"held out: ([\d.]+) at first, ([\d.]+) now", run.text)
    assert float(after) < 0.7 * float(before)
    assert run.number(r"accuracy on people never used: ([\d.]+)%") > 95


def test_example_gru_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = Run("gru_text", tmp_path, capsys)
    assert run.pictures == {"gru_text.png"}
    assert run.number(r"bits held out: ([\d.]+)") < run.number(r"frequency alone: ([\d.]+)") - 0.4
    assert "held_out=" in run.progress


def test_example_digits_cnn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = Run("digits_cnn", tmp_path, capsys)
    assert run.pictures == {"digits_cnn.png"}
    assert run.number(r"test accuracy: ([\d.]+)%") >= 90.0
    assert "599 held out" in run.text
    assert "38,282" in run.text
    assert "loss=" in run.progress


def test_example_transformer_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = Run("transformer_text", tmp_path, capsys)
    assert run.pictures == {"transformer_text.png"}
    bits = run.numbers(r"steps, ([\d.]+) bits per character")
    assert len(bits) == 4
    assert bits[-1] < 4.5
    assert 3.0 < run.number(r"letter pairs: ([\d.]+)") < 4.0


def test_example_vae_digits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = Run("vae_digits", tmp_path, capsys)
    assert run.pictures == {"vae_digits.png"}
    own, alone = run.number(r"held out: ([\d.]+)"), run.number(r"on its own: ([\d.]+)")
    assert own < alone
    assert "training=" in run.progress


def test_example_gp_diabetes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = Run("gp_diabetes", tmp_path, capsys)
    assert run.pictures == {"gp_diabetes.png"}
    start, end = run.number(r"([\d.]+) at the start"), run.number(r"([\d.]+) at the end")
    assert end < start - 0.05
    assert 85 < run.number(r"deviations: ([\d.]+)%") <= 100
    assert run.number(r"square error: ([\d.]+)") < 0.75
