"""Two checkouts are measured in turns, each in its own way, and their figures are compared."""

import json
import sys
from pathlib import Path

import pytest

from tests.bench import __main__ as command
from tests.bench import against
from tests.bench.against import Checkout, Figure, matched, measure_in_turns, table, verdict
from tests.bench.tables import BENCHMARKS, Benchmark

BENCHMARK = Benchmark(
    lambda: iter(()), labels=("taken", "clients"), main="per_second", processor="web_ms"
)
# Writes a line into the test's log, and one row whose figure grows with every run.
FAKE_BENCHMARK = """
import json, os, pathlib, sys
with open({log!r}, "a") as log:
    log.write({name!r} + " " + " ".join(sys.argv[1:]) + "\\n")
path = pathlib.Path(os.environ["VAR"]) / "bench.json"
path.parent.mkdir(parents=True, exist_ok=True)
runs = len(json.loads(path.read_text())["render"]) if path.exists() else 0
rows = [{{"firewalls": 10 * number, "per_second": 100 + runs}} for number in range(1, runs + 2)]
path.write_text(json.dumps({{"render": rows, "poll": []}}))
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


def older(tmp_path: Path, log: Path, name: str = "older") -> Checkout:
    """A checkout whose benchmarks are a management command."""
    folder = tmp_path / name
    folder.mkdir()
    (folder / "manage.py").write_text(FAKE_BENCHMARK.format(log=str(log), name=name))
    return Checkout(folder, tmp_path / f"var-{name}")


def newer(tmp_path: Path, log: Path, name: str = "newer") -> Checkout:
    """A checkout whose benchmarks are in tests/bench."""
    bench = tmp_path / name / "tests/bench"
    bench.mkdir(parents=True)
    (tmp_path / name / "manage.py").write_text("raise SystemExit('not this one')")
    (bench / "__main__.py").write_text(FAKE_BENCHMARK.format(log=str(log), name=name))
    return Checkout(tmp_path / name, tmp_path / f"var-{name}")


def ignore(text: str) -> None:
    """Nobody reads it."""


def test_two_checkouts_take_turns_and_each_runs_benchmarks_in_its_own_way(
    tmp_path: Path, log: Path
) -> None:
    measure_in_turns("render", 3, newer(tmp_path, log), older(tmp_path, log), ignore)
    assert log.read_text().splitlines() == ["newer render", "older bench render"] * 3


def test_every_round_of_each_checkout_is_kept_with_its_rows(tmp_path: Path, log: Path) -> None:
    these, others = measure_in_turns(
        "render", 2, newer(tmp_path, log), older(tmp_path, log), ignore
    )
    first = [{"firewalls": 10, "per_second": 100}]
    second = [{"firewalls": 10, "per_second": 101}, {"firewalls": 20, "per_second": 101}]
    assert these == [first, second] and others == [first, second]


def test_a_checkout_is_run_by_its_own_interpreter_if_it_has_one(tmp_path: Path, log: Path) -> None:
    checkout = older(tmp_path, log)
    assert checkout.python == sys.executable
    own = checkout.folder / ".venv/bin/python"
    own.parent.mkdir(parents=True)
    own.write_text(f'#!/bin/sh\necho own >>"{log}"\nexec "{sys.executable}" "$@"\n')
    own.chmod(0o755)
    checkout.measure("render")
    assert log.read_text().splitlines() == ["own", "older bench render"]


def test_a_benchmark_that_fails_ends_the_comparison_and_shows_what_it_printed(
    tmp_path: Path, log: Path
) -> None:
    checkout = older(tmp_path, log)
    (checkout.folder / "manage.py").write_text("raise SystemExit('no such benchmark')")
    with pytest.raises(SystemExit, match=r"render failed in .*/older:\nno such benchmark"):
        checkout.measure("render")


def test_a_figure_is_the_median_of_its_rounds_and_the_ratio_is_this_through_the_other() -> None:
    these = [[{"taken": 0, "clients": 1, "per_second": rate}] for rate in (90, 300, 100)]
    others = [[{"taken": 0, "clients": 1, "per_second": rate}] for rate in (200, 80, 190)]
    (figure,) = matched(BENCHMARK, these, others)
    labels = (("taken", 0), ("clients", 1))
    assert figure == Figure(labels, "per_second", this=100, other=190)
    assert figure.ratio == pytest.approx(100 / 190)


def test_rows_are_compared_by_their_labels_wherever_they_stand() -> None:
    these = [[{"taken": 0, "clients": 1, "per_second": 10}, {"clients": 1, "percent": 90}]]
    others = [[{"clients": 1, "percent": 45}, {"taken": 0, "clients": 1, "per_second": 40}]]
    figures = matched(BENCHMARK, these, others)
    assert [(figure.name, figure.ratio) for figure in figures] == [
        ("per_second", 0.25),
        ("percent", 2.0),
    ]


def test_what_only_one_checkout_measures_is_not_compared() -> None:
    these = [[{"taken": 0, "per_second": 10, "web_ms": 3}, {"taken": 5, "per_second": 7}]]
    others = [[{"taken": 0, "per_second": 10, "bare": 8}]]
    assert [figure.name for figure in matched(BENCHMARK, these, others)] == ["per_second"]


def test_nothing_is_divided_by_nothing() -> None:
    figure = Figure((("taken", 0),), "web_ms", this=1, other=0)
    assert figure.ratio is None
    assert table([figure]).endswith("ratio -\n")


def test_every_row_is_shown_with_both_medians_and_the_ratio_of_each_figure() -> None:
    labels = (("firewalls", 1000),)
    figures = [
        Figure(labels, "per_second", this=1500.5, other=1200),
        Figure(labels, "queries", this=5, other=5),
    ]
    lines = [line.split() for line in table(figures).splitlines()]
    assert lines == [
        ["firewalls", "1,000"],
        ["per_second", "this", "1,500.5", "other", "1,200", "ratio", "1.25"],
        ["queries", "this", "5", "other", "5", "ratio", "1.00"],
    ]


def test_the_verdict_is_the_median_ratio_over_the_rows_of_the_figures_that_count() -> None:
    figures = [
        Figure((("pushes", number),), name, this, 10)
        for number, this in ((500, 9), (1000, 10), (2000, 13))
        for name in ("median_ms", "slowest_ms")
    ]
    assert (
        verdict("poll", figures) == "  poll: median_ms 1.00 (0.90 to 1.30), web_ms is not in both\n"
    )


def test_the_figures_that_count_are_those_that_the_benchmarks_are_known_for() -> None:
    main = {name: (one.main, one.processor) for name, one in BENCHMARKS.items()}
    assert main == {
        "render": ("per_second", "core_seconds"),
        "allocate": ("per_second", "web_ms"),
        "carve": ("per_second", "web_ms"),
        "reconcile": ("seconds", "core_seconds"),
        "second-family": ("seconds", "core_seconds"),
        "import": ("seconds", "core_seconds"),
        "reach": ("whole_ms", "answer_ms"),
        "laws": ("judge_ms", "judge_ms"),
        "audit": ("whole_ms", "core_ms"),
        "foresee": ("whole_ms", "core_ms"),
        "poll": ("median_ms", "web_ms"),
        "pages": ("median_ms", "queries"),
        "knock": ("ratio", "looked_at"),
    }


def test_the_command_compares_this_checkout_with_the_one_that_is_named(
    tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    this = newer(tmp_path, log)
    other = older(tmp_path, log)
    monkeypatch.setattr(against, "THIS_CHECKOUT", this.folder)
    command.main(["render", "--against", str(other.folder), "--rounds", "2"])
    assert log.read_text().splitlines() == ["newer render", "older bench render"] * 2
    output = capsys.readouterr().out
    assert "round 2 of 2" in output
    assert "render: per_second 1.00 (1.00 to 1.00), core_seconds is not in both" in output


def test_without_names_all_benchmarks_are_compared_in_three_rounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[tuple[Path, list[str], int]] = []
    monkeypatch.setattr(
        against,
        "compare",
        lambda folder, names, rounds, _: compared.append((folder, names, rounds)),
    )
    command.main(["--against", str(tmp_path)])
    assert compared == [(tmp_path, list(BENCHMARKS), 3)]


def test_figures_of_this_checkout_alone_are_left_as_they_are(tmp_path: Path, log: Path) -> None:
    """Each checkout writes into a VAR of its own; the one named by the environment is not used."""
    kept = tmp_path / "bench.json"
    kept.write_text(json.dumps({"render": []}))
    checkout = older(tmp_path, log)
    checkout.measure("render")
    assert json.loads(kept.read_text()) == {"render": []}
    assert (checkout.var / "bench.json").exists()


def test_a_folder_that_is_no_checkout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="is no checkout of this project"):
        command.main(["render", "--against", str(tmp_path)])


@pytest.mark.parametrize("rounds", ["0", "-1", "many"])
def test_less_than_one_round_is_refused(
    rounds: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        command.main(["--against", str(tmp_path), "--rounds", rounds])
    assert "--rounds" in capsys.readouterr().err
