"""`make bench`: it runs on a database of its own and keeps its figures, which no test judges."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from config.demo.large.sizes import sized
from networks.models import Network
from tests.bench import __main__ as command
from tests.bench import (
    allocating,
    asking,
    carving,
    importing,
    polling,
    reconciling,
    rendering,
    serving,
    tables,
)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path) -> Path:
    monkeypatch.setattr(allocating, "TAKEN", (0, 50))
    monkeypatch.setattr(allocating, "ROUNDS", 1)
    monkeypatch.setattr(allocating, "SECONDS", 0.2)
    monkeypatch.setattr(allocating, "WARM", 5)
    monkeypatch.setattr(carving, "THERE", (0, 30))
    monkeypatch.setattr(carving, "ROUNDS", 1)
    monkeypatch.setattr(carving, "SECONDS", 0.2)
    monkeypatch.setattr(carving, "WARM", 5)
    monkeypatch.setattr(reconciling, "FIREWALLS", 60)
    monkeypatch.setattr(reconciling, "CHANGED", (0, 5, 60))
    monkeypatch.setattr(reconciling, "MACHINES", 20)
    monkeypatch.setattr(importing, "NETWORKS", 2)
    monkeypatch.setattr(importing, "MACHINES", 2)
    monkeypatch.setattr(polling, "COUNTS", (5, 12))
    monkeypatch.setattr(polling, "SIZE", sized(0))
    monkeypatch.setattr(polling, "POLLS", 5)
    monkeypatch.setattr(asking, "SIZE", sized(0.02))
    monkeypatch.setattr(asking, "QUESTIONS", 5)
    monkeypatch.setattr(rendering, "COUNTS", (5, 12))
    monkeypatch.setattr(rendering, "SIZE", sized(0))
    settings.VAR = tmp_path
    return tmp_path


def bench(*names: str) -> str:
    written: list[str] = []
    tables.measure(names, written.append)
    return "".join(written)


@pytest.mark.django_db(transaction=True)
def test_allocations_are_measured_over_http_beside_the_bare_inserts_and_nothing_is_left(
    small: Path,
) -> None:
    text = bench("allocate")
    rows = json.loads((small / "bench.json").read_text())["allocate"]
    figures, alike = rows[:4], rows[4:]
    assert [(row["taken"], row["clients"]) for row in figures] == [(0, 1), (0, 8), (50, 1), (50, 8)]
    assert all(
        row["per_second"] > 0 and row["bare_inserts_per_second"] > 0 and row["web_ms"] > 0
        for row in figures
    )
    assert [row["clients"] for row in alike] == [1, 8] and "slowest_of_fastest_percent" in text
    assert not Network.objects.exists()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_database WHERE datname = %s", [serving.DATABASE])
        assert cursor.fetchone() == (0,)


@pytest.mark.django_db(transaction=True)
def test_child_prefixes_are_measured_over_http_and_wake_nobody(small: Path) -> None:
    bench("carve")
    rows = json.loads((small / "bench.json").read_text())["carve"]
    figures, alike = rows[:4], rows[4:]
    loads = [(row["there"], row["clients"]) for row in figures]
    assert loads == [(0, 1), (0, 8), (30, 1), (30, 8)] and not Network.objects.exists()
    assert all(row["per_second"] > 0 and row["bare_inserts_per_second"] > 0 for row in figures)
    assert [row["woken"] for row in alike] == [0, 0]


@pytest.mark.django_db(transaction=True)
def test_reconcile_and_second_families_are_measured(small: Path) -> None:
    bench("reconcile", "second-family")
    kept = json.loads((small / "bench.json").read_text())
    rows = kept["reconcile"]
    assert [(row["firewalls"], row["changed"]) for row in rows] == [(60, 0), (60, 5), (60, 60)]
    assert [row["machines"] for row in kept["second-family"]] == [20]
    assert not Network.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_imports_are_measured_the_first_time_and_again(small: Path) -> None:
    bench("import")
    first, again = json.loads((small / "bench.json").read_text())["import"]
    assert (first["again"], again["again"]) == (0, 1) and not Network.objects.exists()
    assert first["objects"] == again["objects"] > 20 and again["queries"] < first["queries"]


@pytest.mark.django_db(transaction=True)
def test_polls_of_rollouts_are_measured_over_http_while_their_pushes_go_on(small: Path) -> None:
    bench("poll")
    rows = json.loads((small / "bench.json").read_text())["poll"]
    assert [(row["pushes"], row["polls"]) for row in rows] == [
        (5, 5),
        (12, 5),
    ] and not Network.objects.exists()
    assert all(
        0 < row["median_ms"] <= row["slowest_ms"] and row["empty_answer_ms"] > 0 for row in rows
    )


@pytest.mark.django_db(transaction=True)
def test_questions_of_reachability_are_measured_with_a_constant_number_of_queries(
    small: Path,
) -> None:
    bench("reach")
    rows = json.loads((small / "bench.json").read_text())["reach"]
    assert [row["questions"] for row in rows] == [5, 5, 5] and not Network.objects.exists()
    assert all(0 < row["answer_ms"] <= row["slowest_answer_ms"] for row in rows)
    assert len({row["queries"] for row in rows}) == 1


@pytest.mark.django_db(transaction=True)
def test_a_benchmark_by_name_leaves_the_figures_of_the_others(small: Path) -> None:
    (small / "bench.json").write_text('{"allocate": [{"taken": 0}]}')
    assert "render\n  firewalls 5" in bench("render")
    kept = json.loads((small / "bench.json").read_text())
    assert kept["allocate"] == [{"taken": 0}] and [row["firewalls"] for row in kept["render"]] == [
        5,
        12,
    ]
    assert (
        kept["render"][0]["queries"] == kept["render"][1]["queries"]
        and not Network.objects.exists()
    )


def test_a_benchmark_that_does_not_exist_is_refused() -> None:
    names = ", ".join(tables.BENCHMARKS)
    assert names.startswith("render, allocate, carve")
    with pytest.raises(SystemExit, match=f"There is no benchmark pushing; there are {names}"):
        command.main(["pushing"])
