"""Packets prove it: the scenarios in the lab, first as the product renders them, then with what they prove taken out.

The faults come and go by the product's pushes: whatever a push has to see to, it sees to here too.
"""

import json
import subprocess
import sys
import time

import pytest

from tests import stack
from tests.lab import rest
from tests.lab.observing import CONVERGED_SECONDS, Seen, observe, problems
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
    faulty: set[str] = set()
    for faults in ROUNDS:
        revisions = _kept(lab, *faults)
        rest.push(lab.rest, faulty | revisions.keys(), revisions)
        faulty = set(revisions)
        chosen = [scenario for scenario in STEADY if scenario.faults and set(scenario.faults) <= set(faults)]
        seen[faults] = _until_seen(lab, chosen)
    rest.push(lab.rest, faulty)
    return seen


@pytest.mark.parametrize("scenario", STEADY, ids=lambda scenario: f"{scenario.number}")
def test_scenario_fails_without_what_it_proves(broken: dict[tuple[str, ...], Seen], scenario: Scenario) -> None:
    faults = next(faults for faults in ROUNDS if set(scenario.faults) <= set(faults))
    assert problems(broken[faults], scenario) != []


def test_afterwards_all_is_as_before(lab: Lab, broken: dict[tuple[str, ...], Seen]) -> None:
    seen = observe(lab, STEADY)
    assert [line for scenario in STEADY for line in problems(seen, scenario)] == []


def _until_seen(lab: Lab, scenarios: list[Scenario]) -> Seen:
    """What is seen once something is otherwise in each of these scenarios, or nothing was for long."""
    deadline = time.monotonic() + CONVERGED_SECONDS
    while True:
        seen = observe(lab, scenarios, SUPERFLUOUS_SECONDS)
        if time.monotonic() > deadline or all(problems(seen, scenario) for scenario in scenarios):
            return seen


def _kept(lab: Lab, *faults: str) -> dict[str, int]:
    """The numbers of the revisions with these faults, by firewall."""
    command = [sys.executable, "-m", "tests.lab.patched", *faults]
    done = subprocess.run(
        command, cwd=stack.ROOT, env=stack.environment(lab.stack.var, lab.stack.port), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return {str(name): int(number) for name, number in json.loads(done.stdout).items()}
