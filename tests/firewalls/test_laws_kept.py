"""Whatever changes: what is known to break laws is what breaks them, judged as a whole."""

from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_network
from random import Random
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db.models import ProtectedError

from firewalls.allocation import free_firewall, join, leave
from firewalls.intent.laws import loading
from firewalls.models import Breach, Endpoint, Firewall, Law, Rule
from firewalls.publishing import publish, withdraw
from firewalls.reachability.laws import Box, beyond, broken
from machines.allocation import free_machine
from machines.models import Machine
from networks.allocation.prefixes import grow
from networks.models import Address, Network
from tests.world import World, world

pytestmark = pytest.mark.django_db(transaction=True)
NAMES = ("one", "two", "three")
STEPS = 60


class Scene:
    """Networks of three owners; some are shared, and have firewalls and endpoints at times."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance
        self.fra: World = world(v6="2001:db8::/48")
        self.owners = [self.fra.shop, self.fra.storage, self.fra.analytics]
        for name, owner in zip(NAMES, self.owners, strict=True):
            self.fra.private(name, owner)
        for name in ("disks", "tapes"):
            self.fra.private(name, self.fra.storage, shared=True)
        self.made = 0

    def one_of(self, rows: Any) -> Any:
        found = list(rows)
        if not found:
            raise ValidationError({"nothing": "There is none."})
        return self.chance.choice(found)

    def name(self) -> str:
        self.made += 1
        return f"no-{self.made}"

    def network(self) -> Network:
        rows = Network.objects.filter(kind="private").order_by("pk")
        return self.one_of(rows)

    def firewall(self) -> Firewall:
        rows = Firewall.objects.with_relations().order_by("machine__name")
        return self.one_of(rows)

    def makes_machine(self) -> None:
        home = self.network()
        assert home.project
        self.fra.machine(self.name(), home.project, home)

    def makes_firewall(self) -> None:
        home = self.network()
        assert home.project
        further = [self.fra.internet] if self.chance.random() < 0.5 else []
        self.fra.firewall(self.name(), home.project, home, *further)

    def joins(self) -> None:
        rows = Network.objects.filter(shared=True) | Network.objects.filter(kind="external")
        join(self.firewall(), self.one_of(rows.order_by("pk")))

    def leaves(self) -> None:
        row = self.one_of(self.firewall().attachments.order_by("network_id"))
        leave(row.firewall, row.network)

    def rules(self) -> None:
        firewall = self.firewall()
        named = self.one_of(self.network().prefixes.order_by("cidr")).cidr
        places = [named, ip_network(named[1]), ip_network("0.0.0.0/0")]
        Rule(
            firewall=firewall,
            direction=self.chance.choice(["egress", "egress", "ingress"]),
            position=1 + firewall.rules.count(),
            ports=[self.chance.choice(["443", "22", "2000-3000"])],
            destinations=self.chance.choice([[], [self.chance.choice(places)]]),
        ).save()

    def allows_no_more(self) -> None:
        self.one_of(Rule.objects.order_by("pk")).delete()

    def changes_rule(self) -> None:
        rule = self.one_of(Rule.objects.order_by("pk"))
        rule.ports = [self.chance.choice(["443", "22", "2049"])]
        rule.save()

    def publishes(self) -> None:
        shared = Address.objects.filter(machine__firewall__isnull=False)
        shared = shared.filter(prefix__network__shared=True).order_by("address")
        address = self.one_of(shared)
        home = address.machine.primary_id
        publish(
            firewall=address.machine.firewall,
            network=address.network,
            address=address.address,
            machine=self.one_of(Machine.objects.plain().filter(primary=home).order_by("name")),
            port=self.chance.choice([80, 8080, 8443]),
            target_port=self.chance.choice([443, 22]),
            protocol="tcp",
            purpose="service",
        )

    def withdraws(self) -> None:
        withdraw(self.one_of(Endpoint.objects.order_by("pk")))

    def grows(self) -> None:
        grow(self.network(), prefix_length=26)

    def shares(self) -> None:
        self.network().share(by="ada")

    def frees(self) -> None:
        if self.chance.random() < 0.5:
            free_firewall(self.firewall())
        else:
            free_machine(self.one_of(Machine.objects.plain().order_by("name")))

    def widens_outside(self) -> None:
        outside = Network.objects.get(pk=self.fra.internet.pk)
        outside.nat = not outside.nat
        outside.save()

    def steps(self) -> list[Callable[[], None]]:
        often = [self.makes_machine, self.makes_firewall, self.joins, self.joins, self.rules]
        seldom = [self.leaves, self.allows_no_more, self.changes_rule, self.publishes, self.frees]
        once = [self.publishes, self.withdraws, self.grows, self.shares, self.widens_outside]
        return [*often, *often, *seldom, *once]

    def laws(self) -> None:
        shop, storage = self.fra.shop, self.fra.storage
        disks = Network.objects.get(pk="disks")
        one = Network.objects.get(pk="one")
        for fields in (
            {"kind": "only", "projects": ["shop"], "to_network": disks},
            {"kind": "only", "networks": ["two"], "to_network": one, "protocol": "tcp"},
            {"kind": "nobody", "to_project": storage, "protocol": "tcp", "port": 22},
            {"kind": "nobody", "outside": True, "to_network": one},
            {"kind": "nobody", "projects": ["analytics"], "family": 4},
            {"kind": "always", "projects": ["shop"], "protocol": "tcp", "port": 443},
            {"kind": "always", "networks": ["three"], "to_network": disks, "protocol": "icmp"},
            {"kind": "nobody", "to_network": disks, "protocol": "tcp"},
            {"kind": "only", "projects": ["analytics"], "to_project": shop, "port": 443},
        ):
            Law(mode="warn", **fields).save()


def wrong() -> list[str]:
    """In what the laws are known to be broken otherwise than they are, judged as a whole."""
    laws = list(Law.objects.order_by("pk"))
    partition = loading.load(loading.everywhere(), loading.targets_of(laws))
    found = {one.key: one.boxes for law in laws for one in broken(partition, law.value)}
    rows = Breach.objects.all()
    known = {
        (row.law_id, row.source, row.target, row.version, row.protocol): tuple(
            Box(*map(tuple, box)) for box in row.boxes
        )
        for row in rows
    }
    differs = [
        f"{key}: {beyond(found[key], known[key])} more, {beyond(known[key], found[key])} less"
        for key in found.keys() & known.keys()
        if beyond(found[key], known[key]) or beyond(known[key], found[key])
    ]
    return [f"{key} is known or found alone" for key in found.keys() ^ known.keys()] + differs


@pytest.mark.parametrize("seed", range(3))
def test_what_is_known_of_laws_is_what_a_whole_judgement_finds(
    seed: int, published: list[str]
) -> None:
    scene = Scene(Random(seed))
    scene.laws()
    seen = 0
    for number in range(STEPS):
        step = scene.chance.choice(scene.steps())
        with suppress(ValidationError, ProtectedError):
            step()
        seen = max(seen, Breach.objects.count())
        assert wrong() == [], (number, step.__name__)
    assert seen
