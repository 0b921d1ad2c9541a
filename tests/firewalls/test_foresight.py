"""What a change would do to configurations is what it does, for one firewall or many, and looking changes nothing."""

from collections.abc import Callable
from ipaddress import ip_address, ip_network

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from firewalls.allocation import join, leave, replace_rules
from firewalls.intent.foresight import Change, foresee
from firewalls.intent.revisions import rendered
from firewalls.models import Endpoint, Firewall, Revision, Rule, Touched
from firewalls.publishing import publish
from machines.models import Machine
from networks.allocation import grow
from networks.models import Activity, Network, Partition, Prefix
from tests.networks.test_api import queries
from tests.world import World, world

pytestmark = pytest.mark.django_db


@pytest.fixture
def fra() -> World:
    """Two consumers of a shared network, and one that could be."""
    fra = world()
    storage = fra.private("storage", fra.storage, shared=True)
    for number in range(2):
        home = fra.private(f"shop-{number}", fra.shop)
        fra.firewall(f"fw-{number}", fra.shop, home, storage, fra.internet)
    fra.firewall("apart", fra.analytics, fra.private("apart", fra.analytics))
    fra.machine("web", fra.shop, net("shop-0"))
    return fra


def net(id: str) -> Network:
    return Network.objects.get(pk=id)


def firewall(name: str) -> Firewall:
    return Firewall.objects.get(machine__name=name)


def endpoint() -> None:
    own = firewall("fw-0").machine.addresses.get(prefix__network="storage").address
    web = Machine.objects.get(name="web")
    publish(
        firewall=firewall("fw-0"),
        network=net("storage"),
        address=own,
        port=80,
        machine=web,
        target_port=8080,
    )


def more_managers() -> None:
    fra = Partition.objects.get(pk="fra")
    fra.management_prefixes = [*fra.management_prefixes, ip_network("198.51.100.0/28")]
    fra.save()


# A change, and the firewalls whose configuration it touches.
CHANGES: dict[str, tuple[Callable[[], object], list[str]]] = {
    "joining": (lambda: join(firewall("apart"), net("storage")), ["apart"]),
    "leaving": (lambda: leave(firewall("fw-1"), net("storage")), ["fw-1"]),
    "a rule": (
        lambda: replace_rules(firewall("fw-0"), [{"direction": "egress", "ports": ["443"]}]),
        ["fw-0"],
    ),
    "a prefix of a shared network": (
        lambda: grow(net("storage"), prefix_length=24),
        ["fw-0", "fw-1"],
    ),
    "a prefix of a private network": (lambda: grow(net("shop-1"), prefix_length=24), ["fw-1"]),
    "an endpoint": (endpoint, ["fw-0"]),
    "who may manage": (more_managers, ["apart", "fw-0", "fw-1"]),
    "sharing, which changes no file": (lambda: net("apart").share("ada"), []),
    "another name, which is in no file": (
        lambda: Network.objects.filter(pk="storage").update(description="x"),
        [],
    ),
}


def shown(found: list[Change]) -> dict[str, tuple[dict[str, str], dict[str, str]]]:
    return {change.firewall.name: (dict(change.before), dict(change.after)) for change in found}


@pytest.mark.parametrize("name", CHANGES)
def test_what_is_foreseen_happens_and_nothing_else(fra: World, name: str) -> None:
    action, touched = CHANGES[name]
    everybody = Firewall.objects.values_list("pk", flat=True)
    before = rendered(everybody)
    kept = [
        model.objects.count() for model in (Revision, Touched, Activity, Rule, Endpoint, Prefix)
    ]
    foreseen = shown(list(foresee(action)))
    assert kept == [
        model.objects.count() for model in (Revision, Touched, Activity, Rule, Endpoint, Prefix)
    ]
    assert rendered(everybody) == before and not connection.needs_rollback
    action()
    after = rendered(everybody)
    names = {one.pk: one.name for one in Firewall.objects.with_relations()}
    assert foreseen == {
        names[pk]: (before[pk], after[pk]) for pk in before if before[pk] != after[pk]
    }
    assert sorted(foreseen) == touched


def test_diffs_say_what_changes(fra: World) -> None:
    (change,) = foresee(CHANGES["an endpoint"][0])
    assert (
        list(change.diffs) == ["/etc/nftables.conf"]
        and "+        iifname" in change.diffs["/etc/nftables.conf"]
    )


def test_a_refusal_is_the_refusal_of_the_deed(fra: World) -> None:
    with pytest.raises(ValidationError):
        foresee(lambda: join(firewall("fw-0"), net("storage"), addresses=[ip_address("10.9.9.9")]))


def test_it_asks_the_same_number_of_questions_however_many_there_are(fra: World) -> None:
    few = queries(lambda: list(foresee(more_managers)))
    for number in range(4):
        fra.firewall(
            f"more-{number}", fra.shop, fra.private(f"more-{number}", fra.shop), net("storage")
        )
    assert queries(lambda: list(foresee(more_managers))) == few
