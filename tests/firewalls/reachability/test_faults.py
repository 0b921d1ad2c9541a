"""The written cases would find the faults that one might make: each is made here, and found."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from firewalls.reachability import answering, changing, filtering, questions, unled, walking
from firewalls.reachability.answers import Verdict
from firewalls.reachability.values import Guard, Partition
from tests.firewalls.reachability.asking import wrong
from tests.firewalls.reachability.cases import CASES

Fault = tuple[Any, str, Any]


def otherwise(module: Any, name: str, spoil: Callable[[Any], Any]) -> Fault:
    """What a function answers is spoiled."""
    right = getattr(module, name)
    return module, name, lambda *arguments: spoil(right(*arguments))


def asked_otherwise(module: Any, name: str, spoil: Callable[..., tuple[Any, ...]]) -> Fault:
    """A function is asked something else."""
    right = getattr(module, name)
    return module, name, lambda *arguments: right(*spoil(*arguments))


def without(kept: Callable[[Any], bool]) -> Fault:
    """Of what a firewall announces, only some."""
    right = Guard.announced.func  # type: ignore[attr-defined]

    def announced(guard: Guard) -> Any:
        return {version: list(filter(kept, cidrs)) for version, cidrs in right(guard).items()}

    return Guard, "announced", property(announced)


def flow_without(**fields: Any) -> Fault:
    """Rules are read without a part of them."""
    return asked_otherwise(
        filtering, "matches", lambda flow, packet: (replace(flow, **fields), packet)
    )


FAULTS: dict[str, Fault] = {
    "only the first of several firewalls is looked at": otherwise(
        walking, "drawn_by", lambda guards: guards[:1]
    ),
    "every firewall of a network draws everything": (
        walking,
        "drawn_by",
        lambda partition, network, _: partition.guards_of.get(network, []),
    ),
    "nobody draws by a default route": without(lambda cidr: cidr.prefixlen > 0),
    "firewalls draw by default routes alone": without(lambda cidr: cidr.prefixlen == 0),
    "the shortest prefix is followed": otherwise(
        walking, "led_to", lambda network: "internet" if network == "storage" else network
    ),
    "BGP passes": otherwise(filtering, "is_bgp", lambda _: False),
    "nothing hides": (filtering, "seen_as", lambda path, packet: packet),
    "rules have no ports": flow_without(ports=()),
    "rules have no protocol": flow_without(protocol=""),
    "rules have no sources": flow_without(sources=()),
    "rules have no destinations": flow_without(destinations=()),
    "no endpoint is forwarded": otherwise(filtering, "forwarded_by", lambda _: None),
    "an endpoint is at every port": asked_otherwise(
        filtering,
        "forwarded_by",
        lambda guard, vrf, packet: (guard, vrf, replace(packet, port=None)),
    ),
    "the firewall answers everybody": otherwise(filtering, "answers_itself", lambda _: True),
    "the firewall answers nobody": otherwise(filtering, "answers_itself", lambda _: False),
    "replies are not looked at": (answering, "with_way_back", lambda partition, course: course),
    "everything arrives outside": (walking, "not_outside", lambda *_: iter(())),
    "what is private is led outside": (walking, "not_led", lambda *_: iter(())),
    "forged sources leave": otherwise(unled, "_is_lawful", lambda _: True),
    "what cannot hide is called otherwise": otherwise(unled, "_can_hide", lambda _: True),
    "partitions are not told apart": (unled, "_is_elsewhere", lambda here, place: False),
    "only the first thing in the way is named": (
        answering,
        "cured",
        lambda partition, obstacles: partition,
    ),
    "sharing is not needed": otherwise(
        unled, "_about_target", lambda found: [one for one in found if one.code != "not_shared"]
    ),
    "a shared network is as any other": otherwise(
        unled,
        "_about_target",
        lambda found: [one for one in found if one.code != "shared_never_opens"],
    ),
    "what is unknown is taken for well": otherwise(
        answering,
        "verdict_of",
        lambda verdict: Verdict.REACHABLE if verdict is Verdict.UNKNOWN else verdict,
    ),
    "the first of several verdicts counts": (answering, "together", lambda some: next(iter(some))),
    "IPv4 counts alone": (answering, "FAMILIES", (4,)),
    "a network is its first address": otherwise(
        questions, "one_of_each_part", lambda found: [*found][:1]
    ),
    "a firewall's own addresses are a machine's": (
        Partition,
        "holders",
        property(lambda partition: {}),
    ),
    "remedies are tried in no partition": otherwise(
        changing, "with_joined", lambda _: Partition({}, ())
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_of_the_core_is_found_by_the_written_cases(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(*FAULTS[name])
    assert any(_is_wrong(case) for case in CASES)


def _is_wrong(case: Any) -> bool:
    try:
        return wrong(case) != ""
    except (LookupError, AttributeError, TypeError):
        return True


def test_there_are_faults_enough() -> None:
    assert len(FAULTS) >= 12
