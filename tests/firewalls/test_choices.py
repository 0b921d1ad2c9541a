"""Which firewall may join which network is what joining decides, from both sides."""

import pytest
from django.core.exceptions import ValidationError

from firewalls.intent.choices import firewall_choices, network_choices
from firewalls.models import Firewall
from firewalls.previews import join_preview
from networks.models import Network
from tests.networks.test_api import queries
from tests.world import World, network, world

pytestmark = pytest.mark.django_db


@pytest.fixture
def fra() -> World:
    fra = world()
    fra.private("shop", fra.shop)
    fra.private("storage", fra.storage, shared=True)
    return fra


@pytest.fixture
def firewall(fra: World) -> Firewall:
    return fra.firewall("shop-fw", fra.shop, net("shop"), fra.internet)


def net(id: str) -> Network:
    return Network.objects.get(pk=id)


@pytest.fixture
def choices(fra: World, firewall: Firewall) -> dict[str, tuple[bool, str]]:
    fra.private("other", fra.shop)
    muc = world("muc", "10.132.0.0/14", "10.5.0.0/16", number=1)
    muc.private("far", fra.storage, shared=True)
    network(
        "mpls",
        "external",
        "100.127.129.0/24",
        vrf=104055,
        partition=fra.partition,
        project=fra.storage,
    )
    return {choice.item.pk: (choice.allowed, choice.reason) for choice in network_choices(firewall)}


def test_they_say_why_not(choices: dict[str, tuple[bool, str]]) -> None:
    assert choices["storage"] == (True, "")
    assert "(R6)" in choices["internet-fra"][1]
    assert "(R5)" in choices["shop"][1] and "(R5)" in choices["other"][1]
    assert "(R2)" in choices["far"][1] and "(R7)" in choices["mpls"][1]
    assert "super-fra" not in choices and "underlay-fra" not in choices


def test_they_are_what_joining_decides(
    choices: dict[str, tuple[bool, str]], firewall: Firewall
) -> None:
    for id, (allowed, reason) in choices.items():
        try:
            join_preview(firewall, net(id))
            assert allowed
        except ValidationError as error:
            assert not allowed and reason in error.messages


def test_they_are_the_same_from_the_network(
    choices: dict[str, tuple[bool, str]], firewall: Firewall
) -> None:
    for id, chosen in choices.items():
        from_network = {
            choice.item: (choice.allowed, choice.reason) for choice in firewall_choices(net(id))
        }
        assert from_network[firewall] == chosen


def test_they_take_the_same_number_of_queries_however_many_there_are(
    fra: World, firewall: Firewall
) -> None:
    def counts() -> tuple[int, int]:
        return (
            queries(lambda: firewall_choices(net("storage"))),
            queries(lambda: network_choices(firewall)),
        )

    few = counts()
    for number in range(4):
        fra.private(f"shared{number}", fra.storage, shared=True)
        fra.firewall(f"other-{number}", fra.shop, fra.private(f"net{number}", fra.shop))
    assert counts() == few
