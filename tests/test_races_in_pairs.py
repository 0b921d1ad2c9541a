"""Two different requests at the same time, in either order and at once.

Whoever comes second is served, or refused with the rule that forbids it.

The whole database is checked afterwards; a deadlock or an error of the database would be raised.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import pytest

from config.checking import check
from firewalls.allocation import free_firewall, join, leave
from firewalls.models import Firewall
from firewalls.publishing import publish
from machines.allocation import free_machine
from machines.models import Machine
from networks.allocation import allocate, grow
from networks.common.addressing import parse_cidr
from networks.models import Address, Network, Partition, Project
from tests.threads import Action, at_once, refusals, while_open
from tests.world import network, world

pytestmark = pytest.mark.django_db(transaction=True)


class Pair(NamedTuple):
    """Two requests, and the codes with which the second one is refused, if it is."""

    one: Action
    other: Action
    other_refused: str = ""  # where `one` came first
    one_refused: str = ""


class Stage:
    """A partition of its own with what the pairs need. Each request reads its rows anew."""

    def __init__(self, number: int) -> None:
        self.fra = world(
            f"p{number}",
            f"10.{64 + number}.0.0/20",
            f"10.{32 + number}.0.0/24",
            v6=f"2001:db8:{number}::/48",
            number=number,
        )
        self.partition, self.shop = self.fra.partition, self.fra.shop
        self.name = partial("{}-{}".format, f"p{number}")
        self.net = self.private("net", self.shop)
        self.storage = self.private("storage", self.fra.storage, shared=True)
        self.firewall = self.fra.firewall("fw", self.shop, self.net)
        self.legacy = self.private("legacy", self.fra.storage, shared=True, prefix_length={4: 28})

    def private(self, name: str, project: Project, **options: Any) -> Network:
        return self.fra.private(self.name(name), project, **options)

    def again(self, net: Network) -> Network:
        return Network.objects.get(pk=net.pk)

    def joining(self, net: Network, **options: Any) -> Action:
        return partial(join, Firewall.objects.get(pk=self.firewall.pk), self.again(net), **options)

    def leaving(self, net: Network) -> Action:
        return partial(
            leave,
            Firewall.objects.select_related("machine").get(pk=self.firewall.pk),
            self.again(net),
        )

    def joined(self, net: Network) -> Network:
        join(Firewall.objects.get(pk=self.firewall.pk), net)
        return net

    def freeing(self) -> Action:
        return partial(free_firewall, Firewall.objects.get(pk=self.firewall.pk))

    def behind(self, name: str) -> Machine:
        return self.fra.machine(name, self.shop, self.again(self.net))

    def publishing(self, net: Network, machine: Machine | None = None) -> Action:
        firewall = Firewall.objects.get(pk=self.firewall.pk)
        ip = firewall.machine.addresses.get(prefix__network=net, address__family=4).address
        target = machine or self.behind("target")
        return partial(
            publish,
            firewall=firewall,
            network=self.again(net),
            address=ip,
            machine=target,
            port=80,
            target_port=8080,
        )

    def machine(self, net: Network, name: str = "web", **options: Any) -> Action:
        return partial(self.fra.machine, name, self.shop, self.again(net), **options)

    def taking(self, net: Network, **options: Any) -> Action:
        return partial(allocate, self.again(net), **{"project": self.shop, **options})

    def growing(self, net: Network) -> Action:
        pool = self.fra.pool.prefixes.get(cidr__family=6).cidr
        return partial(grow, self.again(net), prefix=parse_cidr(f"{pool[0xF << 64]}/64"))

    def given_to(self, net: Network, project: Project) -> Action:
        row = self.again(net)
        row.project = project
        return row.save

    def removing(self, row: Any) -> Action:
        row_again = type(row).objects.get(pk=row.pk)
        delete: Action = row_again.delete
        return delete


def reserved(s: Stage) -> Any:
    return allocate(s.storage, project=s.shop, ip=s.storage.prefixes.get(cidr__family=4).cidr[77])


def two_for_one_address(s: Stage) -> Pair:
    ips = [reserved(s).address, s.storage.prefixes.get(cidr__family=6).cidr[77]]
    second = s.fra.firewall("second", s.shop, s.net)
    return Pair(
        s.joining(s.storage, addresses=ips),
        partial(join, second, s.again(s.storage), addresses=ips),
        "taken",
        "taken",
    )


def two_firewalls_for_one_address(s: Stage) -> Pair:
    ips = [reserved(s).address, s.storage.prefixes.get(cidr__family=6).cidr[77]]
    one, other = (
        partial(s.fra.firewall, name, s.shop, s.again(s.net), s.again(s.storage), addresses=ips)
        for name in ("a", "b")
    )
    return Pair(one, other, "taken", "taken")


def the_last_child_prefix(s: Stage) -> Pair:
    s.private("rest", s.shop, prefix_length={6: 49})
    one, other = (partial(s.private, name, s.shop, prefix_length={6: 50}) for name in ("a", "b"))
    s.private("nearly", s.shop, prefix_length={6: 51})
    return Pair(one, other, "exhausted", "exhausted")


def the_last_address(s: Stage) -> Pair:
    link = s.private("link", s.shop, prefix_length={4: 32})
    return Pair(s.taking(link), s.taking(link), "exhausted", "exhausted")


def the_last_address_for_machines(s: Stage) -> Pair:
    link = s.private("link", s.shop, prefix_length={6: 128})
    return Pair(s.machine(link, "a"), s.machine(link, "b"), "exhausted", "exhausted")


def empty(s: Stage) -> Network:
    return s.private("empty", s.shop)


def of_old(s: Stage) -> Network:
    return s.private("old", s.shop, prefix_length={4: 28})


def a_bound_external(s: Stage) -> Network:
    number = int(s.partition.pk[1:])
    return network(s.name("mpls"), "external", f"100.127.{number}.0/24", vrf=5000 + number)


def a_project(s: Stage) -> Project:
    row = Project(id=s.name("team"), name="team")
    row.save()
    return row


def a_partition(s: Stage) -> Partition:
    row = Partition(id=s.name("bare"), name="bare")
    row.save()
    return row


def a_published_machine(s: Stage) -> Pair:
    target = s.behind("published")
    freeing = partial(free_machine, Machine.objects.get(pk=target.pk))
    return Pair(freeing, s.publishing(s.joined(s.storage), target), "invalid no_address", "in_use")


PAIRS: dict[str, Callable[[Stage], Pair]] = {
    "share while joining": lambda s: Pair(
        partial(s.again(s2 := empty(s)).share, "ada"), s.joining(s2), "", "second_unshared"
    ),
    "share twice": lambda s: Pair(
        partial(s.again(s.net).share, "ada"), partial(s.again(s.net).share, "bob")
    ),
    "share while removing": lambda s: Pair(
        partial(s.again(s2 := empty(s)).share, "ada"), s.removing(s2), "", "gone"
    ),
    "remove while allocating": lambda s: Pair(
        s.removing(s2 := empty(s)), s.taking(s2), "no_prefix", "in_use"
    ),
    "remove while creating a machine": lambda s: Pair(
        s.removing(s2 := empty(s)), s.machine(s2), "gone", "in_use"
    ),
    "remove while joining": lambda s: Pair(
        s.removing(s.storage), s.joining(s.storage), "gone", "in_use"
    ),
    "remove while growing": lambda s: Pair(s.removing(s.legacy), s.growing(s.legacy), "gone", ""),
    "remove a prefix while allocating": lambda s: Pair(
        s.removing((s2 := empty(s)).prefixes.get(cidr__family=4)),
        s.taking(s2, version=4),
        "no_prefix",
        "in_use",
    ),
    "remove twice": lambda s: Pair(s.removing(s2 := empty(s)), s.removing(s2)),
    "remove the underlay while creating a firewall": lambda s: Pair(
        lambda: (s.freeing()(), s.removing(s.fra.fabric)()),
        partial(s.fra.firewall, "new", s.shop, s.again(s.net)),
        "gone",
        "in_use",
    ),
    "remove the super network while carving": lambda s: Pair(
        s.removing(s.fra.pool), partial(s.private, "new", s.shop), "in_use", "in_use"
    ),
    "remove a project while carving for it": lambda s: Pair(
        s.removing(p := a_project(s)), partial(s.private, "new", p), "invalid", "in_use"
    ),
    "remove a project while it takes an address": lambda s: Pair(
        s.removing(p := a_project(s)), s.taking(s.storage, project=p), "invalid", "in_use"
    ),
    "remove a partition while it gets a super network": lambda s: Pair(
        s.removing(p := a_partition(s)),
        partial(network, s.name("pool"), "super", partition=p),
        "invalid",
        "in_use",
    ),
    "remove an address while it is assigned": lambda s: Pair(
        s.removing(row := reserved(s)),
        s.joining(
            s.storage, addresses=[row.address, s.storage.prefixes.get(cidr__family=6).cidr[9]]
        ),
        "",
        "in_use",
    ),
    "two joins that name one address": two_for_one_address,
    "two firewalls that name one address": two_firewalls_for_one_address,
    "two networks for the last child prefix": the_last_child_prefix,
    "two allocations of the last address": the_last_address,
    "two machines for the last address": the_last_address_for_machines,
    "leave twice": lambda s: Pair(
        s.leaving(s.joined(s.storage)), s.leaving(s.storage), "not_joined", "not_joined"
    ),
    "leave while freeing": lambda s: Pair(s.leaving(s.joined(s.storage)), s.freeing(), "", "gone"),
    "join while freeing": lambda s: Pair(s.joining(s.storage), s.freeing(), "", "gone"),
    "leave while publishing": lambda s: Pair(
        s.leaving(s.joined(s.storage)), s.publishing(s.storage), "not_joined", "in_use"
    ),
    "free the firewall while publishing": lambda s: Pair(
        s.freeing(), s.publishing(s.joined(s.storage)), "gone", ""
    ),
    "free a machine while publishing it": a_published_machine,
    "free twice": lambda s: Pair(s.freeing(), s.freeing()),
    "grow by a family while joining": lambda s: Pair(s.growing(s.legacy), s.joining(s.legacy)),
    "grow by a family while leaving": lambda s: Pair(
        s.growing(s.joined(s.legacy)), s.leaving(s.legacy)
    ),
    "grow by a family while freeing": lambda s: Pair(s.growing(s.joined(s.legacy)), s.freeing()),
    "grow by a family while a machine comes": lambda s: Pair(
        s.growing(old := of_old(s)), s.machine(old)
    ),
    "grow twice by the same prefix": lambda s: Pair(
        s.growing(s.net), s.growing(s.legacy), "overlap", "overlap"
    ),
    "give a network to another project while an address is taken": lambda s: Pair(
        s.given_to(s2 := empty(s), s.fra.analytics), s.taking(s2), "other_project", "project_in_use"
    ),
    "give a network to another project while a machine comes": lambda s: Pair(
        s.given_to(s2 := empty(s), s.fra.analytics),
        s.machine(s2),
        "other_project",
        "project_in_use",
    ),
    "bind an external network to a project while it is joined": lambda s: Pair(
        s.given_to(s2 := a_bound_external(s), s.fra.analytics),
        s.joining(s2),
        "other_project",
        "project_in_use",
    ),
}


def may_be(*codes: str) -> list[list[str]]:
    """What may be refused: one of the codes, or nothing where there is none."""
    return [[code] for text in codes for code in text.split()] + [[] for text in codes if not text]


@pytest.mark.parametrize("name", PAIRS)
def test_whoever_comes_second_is_served_or_refused_with_the_rule(name: str) -> None:
    one, other, other_refused, one_refused = PAIRS[name](Stage(1))
    assert refusals(while_open(one, other)) in may_be(other_refused)
    one, other, *_ = PAIRS[name](Stage(2))
    assert refusals(while_open(other, one)) in may_be(one_refused)
    one, other, *_ = PAIRS[name](Stage(3))
    assert refusals(at_once(one, other)) in may_be(other_refused, one_refused)
    assert list(check()) == []


def test_carving_and_removing_in_any_order_of_families_never_ends_in_a_circle() -> None:
    fra = world(v6="2001:db8::/48")

    def come_and_go(number: int) -> None:
        for turn in range(6):
            first, then = ((4, 6), (6, 4))[(number + turn) % 2]
            net = fra.private(
                f"net-{number}-{turn}", fra.shop, prefix_length={first: {4: 24, 6: 64}[first]}
            )
            grow(net, version=then, prefix_length={4: 24, 6: 64}[then])
            Network.objects.get(pk=net.pk).delete()

    assert refusals(at_once(*[partial(come_and_go, number) for number in range(6)])) == []
    assert not Network.objects.filter(kind="private").exists() and not Address.objects.exists()
    assert list(check()) == []
