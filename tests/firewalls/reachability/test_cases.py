"""Who reaches whom, as domain.md has it: every sentence, with the answer and all in the way."""

import pytest

from tests.firewalls.reachability.asking import wrong
from tests.firewalls.reachability.cases import CASES, Case


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_answer_is_as_the_domain_has_it(case: Case) -> None:
    assert wrong(case) == ""


def test_there_are_many_cases_and_none_twice() -> None:
    assert len({(case.scene, case.question) for case in CASES}) == len(CASES) >= 80
