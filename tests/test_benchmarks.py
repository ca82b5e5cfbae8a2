"""The benchmarks run and print their table; what the figures are is not tested."""

import pytest

from tests.benchmarks.__main__ import main
from tests.benchmarks.cases import CASES
from tests.benchmarks.compare import Summary
from tests.benchmarks.table import HEADER, figure, table

SLOW = {"first-call", "chain-1000", "chain-10000", "chain-100000"}
QUICK = [case for case in CASES if case.name not in SLOW]
TINY = ["--rounds", "1", "--repeats", "1", "--batch", "0.0001"]


def rows(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_program_prints_its_table(capsys: pytest.CaptureFixture[str]) -> None:
    """A line for each case, NumPy beside `add`, and word of the peer that is not there."""
    chosen, missing = ",".join(case.name for case in QUICK), "no-such-interpreter"
    peers = ["--against", "numpy,jax", "--python", missing]
    assert main([*TINY, *peers, "--cases", chosen]) == 0
    text = capsys.readouterr().out
    [skipped] = [line for line in text.splitlines() if line.startswith("jax")]
    assert skipped.startswith("jax: skipped")
    assert missing in skipped

    header, rule, *found = rows(text)
    assert header == HEADER
    assert set(rule) == {"---"}
    assert [row[0] for row in found] == [case.title for case in QUICK]
    assert all(case.unit in row[1] and "CPU" in row[1] for case, row in zip(QUICK, found))
    assert [row[2] for row in found] == ["numpy" if case.name == "add" else "" for case in QUICK]
    assert found[0][6].startswith("difference ≤ 2.00 µs: m")


def test_unknown_names_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--cases", "nothing"])
    assert "nothing: choose from add, " in capsys.readouterr().err


def test_ratios_are_of_the_same_round() -> None:
    """Rounds of a machine that slows down fourfold: the ratio stays what it is."""
    [case] = [case for case in CASES if case.name == "rosenbrock-jit"]
    ours = [Summary(5.0 * slow, 4.0 * slow, 5.0 * slow) for slow in (1, 4, 2)]
    theirs = [Summary(10.0 * slow, 9.0 * slow, 10.0 * slow) for slow in (1, 4, 2)]
    text = table([case], {(case.name, "funcgrad"): ours, (case.name, "jax"): theirs})
    assert rows(text)[2] == [
        case.title,
        "10.0 µs (min 4.00, CPU 10.0)",
        "jax",
        "20.0 µs (min 9.00, CPU 20.0)",
        "-10.0 µs",
        "0.50",
        "ratio ≤ 1.00: met",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.004, "0.00"), (9.99, "9.99"), (9.996, "10.0"), (99.96, "100"), (6091.4, "6,091")],
)
def test_figures_have_three_digits(value: float, text: str) -> None:
    assert figure(value) == text
