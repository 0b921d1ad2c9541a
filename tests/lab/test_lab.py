"""Packets prove it: the scenarios in the lab, first as the product renders them, then with what they prove taken out."""

import json
import subprocess
import sys

import pytest

from tests import stack
from tests.lab import running
from tests.lab.observing import Seen, observe, problems
from tests.lab.running import Lab
from tests.lab.scenarios import ROUNDS, STEADY, Scenario

SUPERFLUOUS_SECONDS = 10.0  # to wait for answers that a fault should have taken away


@pytest.fixture(scope="session")
def steady(lab: Lab) -> Seen:
    return observe(lab, STEADY)


@pytest.mark.parametrize("scenario", STEADY, ids=lambda scenario: f"{scenario.number}")
def test_scenario(steady: Seen, scenario: Scenario) -> None:
    assert problems(steady, scenario) == []


@pytest.fixture(scope="session")
def broken(lab: Lab) -> dict[tuple[str, ...], Seen]:
    """What is seen in each round of faults, by the faults."""
    seen: dict[tuple[str, ...], Seen] = {}
    for faults in ROUNDS:
        _load(lab, *faults)
        chosen = [scenario for scenario in STEADY if scenario.faults and set(scenario.faults) <= set(faults)]
        seen[faults] = observe(lab, chosen, SUPERFLUOUS_SECONDS)
    _load(lab)
    return seen


@pytest.mark.parametrize("scenario", STEADY, ids=lambda scenario: f"{scenario.number}")
def test_scenario_fails_without_what_it_proves(broken: dict[tuple[str, ...], Seen], scenario: Scenario) -> None:
    faults = next(faults for faults in ROUNDS if set(scenario.faults) <= set(faults))
    assert problems(broken[faults], scenario) != []


def test_afterwards_all_is_as_before(lab: Lab, broken: dict[tuple[str, ...], Seen]) -> None:
    seen = observe(lab, STEADY)
    assert [line for scenario in STEADY for line in problems(seen, scenario)] == []


def _load(lab: Lab, *faults: str) -> None:
    """Load patched configurations, past the product: rules at once, then routing."""
    command = [sys.executable, "-m", "tests.lab.patched", *faults]
    done = subprocess.run(
        command, cwd=stack.ROOT, env=stack.environment(lab.stack.var, lab.stack.port), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    files: dict[str, dict[str, str]] = json.loads(done.stdout)
    running.load(lab, files)
