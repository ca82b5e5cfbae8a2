"""The benchmarks run and print their table; what the figures are is not tested."""

import pytest

from tests.benchmarks.__main__ import main
from tests.benchmarks.compare import Summary
from tests.benchmarks.programs import CASES, disagreement
from tests.benchmarks.summary import HEADER as PROGRAM_HEADER
from tests.benchmarks.summary import summary
from tests.benchmarks.table import HEADER, figure, table
from tests.benchmarks.workloads import WORKLOADS
from tests.benchmarks.workloads.common import Workload

SLOW = {"first-call", "chain-1000", "chain-10000", "chain-100000"}
QUICK = [case for case in CASES if case.name not in SLOW and not case.workload]
# Those that take seconds at their full size run when the benchmarks do.
LONG = {"deep", "deep-remat", "unrolled-5000", "transformer"}
SHORT = [workload for workload in WORKLOADS if workload.name not in LONG]
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


@pytest.mark.parametrize("workload", SHORT, ids=lambda workload: workload.name)
def test_workloads_agree_with_numpy_by_hand(workload: Workload) -> None:
    about = disagreement(workload)
    for system in ("funcgrad", "numpy-out"):
        if system in workload.programs:
            call = workload.programs[system]()
            assert about(call()) is None
            assert about(call()) is None  # nor does the first call leave anything behind


def test_a_wrong_result_is_told() -> None:
    [workload] = [workload for workload in WORKLOADS if workload.name == "rosenbrock-grad"]
    right = workload.programs["numpy"]()()
    assert (
        disagreement(workload)(right * 1.001) == "array 0 is off by 1.0e-03 of its largest element"
    )
    assert disagreement(workload)(right[1:]) == "the shapes of the results differ"


def test_the_summary_marks_what_is_missed() -> None:
    """Half the time of JAX at the calls, but a third of it at the first one."""
    found = {("rosenbrock-grad", "funcgrad"): [Summary(1.0, 1.0, 1.0)]}
    found["rosenbrock-grad", "jax"] = [Summary(2.0, 2.0, 2.0)]
    found["rosenbrock-grad.first", "funcgrad"] = [Summary(1.0, 1.0, 1.0)]
    found["rosenbrock-grad.first", "jax"] = [Summary(3.0, 3.0, 3.0)]
    header, _, row, mean = rows(summary(found))
    assert header == PROGRAM_HEADER
    cells = dict(zip(header, row))
    assert cells["/ jax"] == "0.50"
    assert cells["first call / jax's"] == "**0.33**"
    assert mean[0] == "geometric mean"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.004, "0.00"), (9.99, "9.99"), (9.996, "10.0"), (99.96, "100"), (6091.4, "6,091")],
)
def test_figures_have_three_digits(value: float, text: str) -> None:
    assert figure(value) == text
