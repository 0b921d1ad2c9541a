"""The scenarios in the lab: as the product renders them, then with what they prove taken out.

The faults come and go by the product's pushes: whatever a push has to see to, it sees to here too.
"""

import time

import pytest

from tests.lab import faults, rest
from tests.lab.observing import CONVERGED_SECONDS, ONCE, Observation, observe, problems
from tests.lab.running import Lab
from tests.lab.scenarios import FAULTS, STEADY, Scenario


@pytest.fixture(scope="session")
def steady(lab: Lab) -> Observation:
    return observe(lab, STEADY)


@pytest.mark.parametrize("scenario", STEADY, ids=lambda scenario: f"{scenario.number}")
def test_scenario_holds(steady: Observation, scenario: Scenario) -> None:
    assert problems(steady, scenario) == []


@pytest.fixture(scope="session")
def faulty(lab: Lab) -> Observation:
    """What is observed while all faults are there."""
    revisions = faults.revisions(lab, *FAULTS)
    rest.push(lab.rest, revisions, revisions)
    observation = _once_faults_show(lab)
    rest.push(lab.rest, revisions)
    lab.clock.took("faults, and back")
    return observation


@pytest.mark.parametrize("scenario", STEADY, ids=lambda scenario: f"{scenario.number}")
def test_scenario_fails_without_what_it_proves(faulty: Observation, scenario: Scenario) -> None:
    assert _fault_shows(faulty, scenario), problems(faulty, scenario)


def test_once_the_faults_are_gone_all_scenarios_hold_again(lab: Lab, faulty: Observation) -> None:
    observation = observe(lab, STEADY)
    lab.clock.took("all as before")
    assert [line for scenario in STEADY for line in problems(observation, scenario)] == []


def _fault_shows(observation: Observation, scenario: Scenario) -> bool:
    """Whether the scenario fails where its own fault shows, not only where others do."""
    lines = problems(observation, scenario)
    return bool(scenario.shown_by) and any(scenario.shown_by in line for line in lines)


def _once_faults_show(lab: Lab) -> Observation:
    """What is observed once every fault shows, or one did not for long."""
    deadline = time.monotonic() + CONVERGED_SECONDS
    while True:
        observation = observe(lab, STEADY, ONCE)
        if all(_fault_shows(observation, scenario) for scenario in STEADY):
            return observation
        if time.monotonic() > deadline:
            return observation
