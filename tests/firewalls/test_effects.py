"""What an action is foreseen to do to configurations is what it does, and nothing is kept."""

from collections.abc import Callable, Iterable
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from firewalls.allocation import join, leave, replace_rules
from firewalls.configuration.plan import Plan
from firewalls.configuration.render import render
from firewalls.intent.effects import Change, foresee
from firewalls.intent.revisions import rendered
from firewalls.models import Attachment, Endpoint, Firewall, Revision, Rule, Touched
from firewalls.publishing import amend, publish, withdraw
from machines.models import Machine
from networks.allocation import grow
from networks.models import Activity, Address, Network, Partition, Prefix
from tests.networks.test_api import queries
from tests.world import World, world

pytestmark = pytest.mark.django_db


@pytest.fixture
def fra() -> World:
    """Two consumers of a shared network, of which one publishes, and one that could join."""
    fra = world()
    storage = fra.private("storage", fra.storage, shared=True)
    for number in range(2):
        home = fra.private(f"shop-{number}", fra.shop)
        fra.firewall(f"fw-{number}", fra.shop, home, storage, fra.internet)
        fra.machine(f"web-{number}", fra.shop, home)
    fra.firewall("apart", fra.analytics, fra.private("apart", fra.analytics))
    published("fw-1", "web-1")
    return fra


def net(id: str) -> Network:
    return Network.objects.get(pk=id)


def firewall(name: str) -> Firewall:
    return Firewall.objects.get(machine__name=name)


def published(name: str, machine: str) -> Endpoint:
    own = firewall(name).machine.addresses.get(prefix__network="storage").address
    return publish(
        firewall=firewall(name),
        network=net("storage"),
        address=own,
        port=80,
        machine=Machine.objects.get(name=machine),
        target_port=8080,
    )


def more_managers() -> None:
    fra = Partition.objects.get(pk="fra")
    fra.management_prefixes = [*fra.management_prefixes, ip_network("198.51.100.0/28")]
    fra.save()


def share_and_grow() -> None:
    net("shop-1").share("ada")
    grow(net("shop-1"), prefix_length=24)


# An action, and the firewalls whose configuration it changes.
ACTIONS: dict[str, tuple[Callable[[], object], list[str]]] = {
    "joining": (lambda: join(firewall("apart"), net("storage")), ["apart"]),
    "joining with an address of one's own": (
        lambda: join(firewall("apart"), net("storage"), addresses=[ip_address("10.128.0.77")]),
        ["apart"],
    ),
    "leaving": (lambda: leave(firewall("fw-0"), net("storage")), ["fw-0"]),
    "replacing rules": (
        lambda: replace_rules(firewall("fw-0"), [{"direction": "egress", "ports": ["443"]}]),
        ["fw-0"],
    ),
    "replacing no rules by none": (lambda: replace_rules(firewall("fw-0"), []), []),
    "growing a shared network": (
        lambda: grow(net("storage"), prefix_length=24),
        ["fw-0", "fw-1"],
    ),
    "growing a private network": (lambda: grow(net("shop-1"), prefix_length=24), ["fw-1"]),
    "publishing an endpoint": (lambda: published("fw-0", "web-0"), ["fw-0"]),
    "changing an endpoint": (lambda: amend(Endpoint.objects.get(), target_port=8081), ["fw-1"]),
    "withdrawing an endpoint": (lambda: withdraw(Endpoint.objects.get()), ["fw-1"]),
    "changing who may manage": (more_managers, ["apart", "fw-0", "fw-1"]),
    "sharing, which changes no file": (lambda: net("apart").share("ada"), []),
    "sharing and something that changes files": (share_and_grow, ["fw-1"]),
    "a description, which is in no file": (
        lambda: Network.objects.filter(pk="storage").update(description="x"),
        [],
    ),
}


def contents(changes: Iterable[Change]) -> dict[str, tuple[dict[str, str], dict[str, str]]]:
    return {change.firewall.name: (dict(change.before), dict(change.after)) for change in changes}


def stored() -> list[Any]:
    """Everything that the actions write."""
    models = (Attachment, Address, Prefix, Rule, Endpoint, Revision, Touched, Activity)
    rows: list[Any] = [list(model.objects.order_by("pk").values()) for model in models]
    return [*rows, list(Network.objects.values()), list(Firewall.objects.order_by("pk").values())]


@pytest.mark.parametrize("name", ACTIONS)
def test_what_is_foreseen_happens_and_nothing_else(fra: World, name: str) -> None:
    action, changed = ACTIONS[name]
    everybody = Firewall.objects.values_list("pk", flat=True)
    before = rendered(everybody)
    foreseen = contents(foresee(action).changes())
    action()
    after = rendered(everybody)
    names = {one.pk: one.name for one in Firewall.objects.with_relations()}
    assert foreseen == {
        names[pk]: (before[pk], after[pk]) for pk in before if before[pk] != after[pk]
    }
    assert list(foreseen) == changed


@pytest.mark.parametrize("name", ACTIONS)
def test_nothing_of_it_is_kept(fra: World, name: str) -> None:
    before = stored()
    list(foresee(ACTIONS[name][0]).changes())
    assert stored() == before and not connection.needs_rollback


def test_the_result_of_the_action_comes_along(fra: World) -> None:
    assert foresee(lambda: "what it returned").result == "what it returned"


def test_diffs_say_what_changes_on_which_firewall(fra: World) -> None:
    action, _ = ACTIONS["publishing an endpoint"]
    diffs = foresee(action).diffs()
    assert list(diffs) == [firewall("fw-0")]
    assert list(diffs[firewall("fw-0")]) == ["/etc/nftables.conf"]
    assert "+        iifname" in diffs[firewall("fw-0")]["/etc/nftables.conf"]


def test_a_firewall_that_gets_its_configuration_by_the_action_has_none_before(fra: World) -> None:
    """R8: without an address in the underlay there is nothing to configure yet."""
    late = firewall("apart")
    underlay = late.machine.addresses.get(prefix__network="underlay-fra")
    Address.objects.filter(pk=underlay.pk).update(machine=None)
    (change,) = foresee(
        lambda: Address.objects.filter(pk=underlay.pk).update(machine=late.machine)
    ).changes()
    assert change.firewall == late and change.before == {} and "/etc/hostname" in change.after


def test_a_refusal_is_the_refusal_of_the_action(fra: World) -> None:
    def action() -> object:
        return join(firewall("fw-0"), net("storage"), addresses=[ip_address("10.9.9.9")])

    with pytest.raises(ValidationError) as foreseen:
        foresee(action)
    with pytest.raises(ValidationError) as refused:
        action()
    assert foreseen.value.message_dict == refused.value.message_dict


def test_configurations_are_rendered_one_at_a_time_and_only_when_asked_for(
    fra: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostnames: list[str] = []

    def noted(plan: Plan) -> dict[str, str]:
        hostnames.append(plan.hostname)
        return render(plan)

    changes = foresee(more_managers).changes()
    monkeypatch.setattr("firewalls.intent.effects.render", noted)
    assert hostnames == []
    next(changes)
    assert hostnames == ["apart", "apart"]
    next(changes)
    assert hostnames == ["apart", "apart", "fw-0", "fw-0"]


def test_it_asks_the_same_number_of_queries_for_any_number_of_firewalls(fra: World) -> None:
    few = queries(lambda: list(foresee(more_managers).changes()))
    for number in range(4):
        fra.firewall(
            f"more-{number}", fra.shop, fra.private(f"more-{number}", fra.shop), net("storage")
        )
    assert queries(lambda: list(foresee(more_managers).changes())) == few
