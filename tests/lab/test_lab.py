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
from tests.lab.observing import CONVERGED_SECONDS, ONCE, Seen, observe, problems
from tests.lab.running import Lab
from tests.lab.scenarios import FAULTS, STEADY, Scenario


@pytest.fixture(scope="session")
def steady(lab: Lab) -> Seen:
    return observe(lab, STEADY)


@pytest.mark.parametrize("scenario", STEADY, ids=lambda scenario: f"{scenario.number}")
def test_scenario(steady: Seen, scenario: Scenario) -> None:
    assert problems(steady, scenario) == []


@pytest.fixture(scope="session")
def broken(lab: Lab) -> Seen:
    """What is seen while all faults are there."""
    revisions = _kept(lab, *FAULTS)
    rest.push(lab.rest, revisions, revisions)
    seen = _until_shown(lab)
    rest.push(lab.rest, revisions)
    lab.clock.took("faults, and back")
    return seen


@pytest.mark.parametrize("scenario", STEADY, ids=lambda scenario: f"{scenario.number}")
def test_scenario_fails_without_what_it_proves(broken: Seen, scenario: Scenario) -> None:
    assert _shown(broken, scenario), problems(broken, scenario)


def test_afterwards_all_is_as_before(lab: Lab, broken: Seen) -> None:
    seen = observe(lab, STEADY)
    lab.clock.took("all as before")
    assert [line for scenario in STEADY for line in problems(seen, scenario)] == []


def _shown(seen: Seen, scenario: Scenario) -> bool:
    """Whether it is seen where its own fault shows."""
    return bool(scenario.shown_by) and any(
        scenario.shown_by in line for line in problems(seen, scenario)
    )


def _until_shown(lab: Lab) -> Seen:
    """What is seen once every fault shows, or one did not for long."""
    deadline = time.monotonic() + CONVERGED_SECONDS
    while True:
        seen = observe(lab, STEADY, ONCE)
        if time.monotonic() > deadline or all(_shown(seen, scenario) for scenario in STEADY):
            return seen


def _kept(lab: Lab, *faults: str) -> dict[str, int]:
    """The numbers of the revisions with these faults, by firewall."""
    command = [sys.executable, "-m", "tests.lab.patched", *faults]
    done = subprocess.run(
        command,
        cwd=stack.ROOT,
        env=stack.environment(lab.stack.var, lab.stack.port),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {str(name): int(number) for name, number in json.loads(done.stdout).items()}
