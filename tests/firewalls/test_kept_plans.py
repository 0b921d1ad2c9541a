"""Plans that are kept: as JSON and back, and never taken for something else."""

import json
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firewalls.configuration.kept import as_json, plan_of
from firewalls.configuration.plan import plan
from firewalls.configuration.render import render
from tests.firewalls.reachability.generated import generated
from tests.firewalls.reachability.scenes import SCENES


@given(st.integers(0, 10**9))
def test_a_plan_is_the_same_after_it_was_kept(seed: int) -> None:
    for facts in generated(Random(seed)).facts:
        planned = plan(facts)
        text = json.dumps(as_json(planned))
        again = plan_of(json.loads(text))
        assert again == planned
        assert again is not None and render(again) == render(planned)


def kept() -> Any:
    (facts,) = SCENES["one_consumer"]().facts.values()
    return json.loads(json.dumps(as_json(plan(facts))))


def without(name: str) -> Any:
    return {field: value for field, value in kept().items() if field != name}


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "plan",
        {},
        without("flows"),
        {**kept(), "later": 1},
        {**kept(), "asn": "4210000000"},
        {**kept(), "router_id": "2001:db8::1"},
        {**kept(), "vrfs": [{"number": 1}]},
        {**kept(), "uplinks": "lan0"},
        {**kept(), "dns_servers": ["10.0.0.0/8"]},
    ],
)
def test_what_does_not_fit_is_not_known(data: Any) -> None:
    assert plan_of(kept()) is not None
    assert plan_of(data) is None
