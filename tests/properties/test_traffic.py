"""Random traffic against the real database, beside the model: both do and refuse the same.

`pytest --hypothesis-profile=search` tries many more sequences, at random.
"""

from collections import Counter
from ipaddress import ip_network
from typing import Any, ClassVar
from uuid import UUID

import pytest
from django.db import connection, transaction
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from config.checking import check
from firewalls.models import Attachment
from machines.models import Machine
from networks.models import Address, Network, Prefix
from tests.properties.model import Order, State, Want
from tests.properties.space import IP, Box, Net, Taken, hosts
from tests.properties.ways import InProcess, OverRest
from tests.world import network, world

pytestmark = pytest.mark.django_db

PROJECTS = ["shop", "storage-team"]
MOSTLY = st.sampled_from([True, True, True, True, False])
KINDS = [None, None, "ephemeral", "static"]
LENGTHS = [
    None,
    None,
    {4: 30},
    {4: 31},
    {4: 32},
    {4: 28, 6: 127},
    {6: 126},
    {6: 128},
    {4: 25},
    {4: 29, 6: 119},
]
GROWTH = [(4, 30), (4, 29), (4, 32), (6, 127), (6, 125), (4, 8), (6, 64)]
CIDRS = [
    "10.128.0.32/28",
    "10.128.0.0/29",
    "10.128.1.0/30",
    "2001:db8:128::80/126",
    "2001:db8:128::/121",
    "203.0.113.64/29",
]


REQUESTS = [
    "make_network",
    "share",
    "remove_network",
    "grow",
    "add_prefix",
    "remove_prefix",
    "allocate",
    "release",
    "make_machine",
    "make_firewall",
    "join",
    "leave",
    "free",
]


def build() -> None:
    """Two dual-stack partitions and what lies outside; small enough to be full now and then."""
    for number, (id, pool, fabric, v6) in enumerate(
        [
            ("fra", "10.128.0.0/26", "10.4.0.0/28", "2001:db8:128::/120"),
            ("muc", "10.132.0.0/27", "10.5.0.0/29", "2001:db8:132::/120"),
        ]
    ):
        lengths = {"4": 29, "6": 125}
        world(id, pool, fabric, v6=v6, number=number, lengths=lengths)
    network(
        "mpls", "external", "100.127.0.0/30", "2001:db8:aaaa::/125", vrf=1000, project_id="shop"
    )
    network("lan", "external", "100.127.1.0/28", vrf=1001, partition_id="muc")


def stored() -> State:
    """What the database has, in the model's words."""
    nets, taken, boxes = (
        {key: values for key, *values in rows.order_by().values_list(*columns)}
        for rows, columns in (
            (Network.objects, ("id", "kind", "partition", "project", "parent", "vrf", "shared")),
            (Address.objects, ("address", "prefix__network", "project", "kind", "machine__name")),
            (Machine.objects, ("name", "id", "project", "partition", "primary", "asn", "firewall")),
        )
    )
    state = State(
        {id: Net(*values) for id, values in nets.items()},
        {ip: Taken(*values) for ip, values in taken.items()},
        {name: Box(*values) for name, (*values, _) in boxes.items()},
    )
    for id, cidr in Prefix.objects.order_by("cidr").values_list("network", "cidr"):
        state.nets[id].prefixes.append(cidr)
    for name in (name for name, (*_, firewall) in boxes.items() if firewall is not None):
        state.boxes[name].joined = set()
    for name, id in Attachment.objects.order_by().values_list("firewall__machine__name", "network"):
        joined = state.boxes[name].joined
        assert joined is not None
        joined.add(id)
    return state


def free_addresses() -> dict[str, set[IP]]:
    """What the database would still pick from, by prefix."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT cidr::text, block::text "
            "FROM networks_free JOIN networks_prefix ON id = prefix_id"
        )
        free: dict[str, set[IP]] = {}
        for cidr, block in cursor.fetchall():
            free.setdefault(cidr, set()).update(ip_network(block))
    return free


class Traffic(RuleBasedStateMachine):
    door: ClassVar[type[InProcess | OverRest]]
    # How many requests ended how: the test checks that the traffic was worth its while.
    outcomes: ClassVar[Counter[str]]

    def __init__(self) -> None:
        super().__init__()
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        self.way, self.state, self.number = self.door(), stored(), 0

    def teardown(self) -> None:
        try:
            assert list(check()) == []
            free = free_addresses()
            for id, net in self.state.nets.items():
                carved = {
                    ip
                    for child in self.state.nets.values()
                    if child.parent == id
                    for cidr in child.prefixes
                    for ip in cidr
                }
                for prefix in net.prefixes:
                    offered, gone = (
                        (set(prefix), carved)
                        if net.kind == "super"
                        else (set(hosts(prefix)), set(self.state.taken))
                    )
                    assert free.get(str(prefix), set()) == offered - gone
        finally:
            transaction.set_rollback(True)
            self.transaction.__exit__(None, None, None)

    @invariant()
    def the_database_has_what_the_model_has(self) -> None:
        assert stored() == self.state

    def expect(self, request: str, *arguments: Any) -> None:
        """Ask the model and the product."""
        self.state, refusal = self.state.after(request, *arguments)
        assert getattr(self.way, request)(*arguments) == refusal
        codes = [code for of_field in refusal.values() for code in of_field] or ["done"]
        self.outcomes.update(f"{request} {code}" for code in codes)

    def named(self, word: str) -> str:
        self.number += 1
        return f"{word}{self.number}"

    def order(
        self, name: str, project: str, partition: str, wants: list[Want], addresses: list[IP]
    ) -> Order:
        id = UUID(int=self.number * 7919 % 997)  # in no particular order
        return Order(id, name, project, partition, wants, addresses)

    def nets(self, *kinds: str) -> list[str]:
        return sorted(
            id for id, net in self.state.nets.items() if net.kind in (kinds or (net.kind,))
        )

    def boxes(self, firewalls: bool) -> list[str]:
        return sorted(
            name for name, box in self.state.boxes.items() if firewalls is (box.joined is not None)
        )

    def an_address(self, data: st.DataObject, *among: str) -> IP:
        """Mostly one of these networks; free, taken or never handed out."""
        prefixes = [
            prefix
            for id in among
            for prefix in self.state.nets[id].prefixes
            if prefix.num_addresses <= 256
        ]
        prefix = data.draw(st.sampled_from(prefixes or [ip_network("192.0.2.0/28")]), label="in")
        offsets = st.sampled_from([0, 1, 2, 3, prefix.num_addresses - 1]) | st.integers(
            0, prefix.num_addresses - 1
        )
        return prefix[data.draw(offsets, label="offset") % prefix.num_addresses]

    def one(self, data: st.DataObject, sensible: list[str], label: str = "network") -> str:
        """Mostly what makes sense, else any network."""
        chosen: str = data.draw(
            st.sampled_from(
                (sensible or self.nets()) if data.draw(MOSTLY, label="sensible") else self.nets()
            ),
            label=label,
        )
        return chosen

    def owner(self, data: st.DataObject, id: str) -> str:
        """Mostly the project of the network."""
        owner = self.state.nets[id].project
        return (
            owner
            if owner and data.draw(MOSTLY, label="own")
            else data.draw(st.sampled_from(PROJECTS), label="project")
        )

    def place(self, data: st.DataObject, id: str) -> str:
        """Mostly the partition of the network."""
        place = self.state.nets[id].partition
        return (
            place
            if place and data.draw(MOSTLY, label="here")
            else data.draw(st.sampled_from(["fra", "muc"]), label="partition")
        )

    def consumed(self) -> list[str]:
        return [
            id
            for id in self.nets("private", "external")
            if self.state.nets[id].shared or self.state.nets[id].kind == "external"
        ]

    def wants(self, data: st.DataObject, more: list[int]) -> list[Want]:
        networks = [self.one(data, self.nets("private"), "home")]
        networks += [
            self.one(data, self.consumed(), "and")
            for _ in range(data.draw(st.sampled_from(more), label="more"))
        ]
        return [
            Want(id, data.draw(MOSTLY, label="auto"), not data.draw(MOSTLY, label="unmarked"))
            for id in networks
        ]

    def named_addresses(self, data: st.DataObject, *among: str) -> list[IP]:
        count = data.draw(st.sampled_from([0, 0, 0, 1, 2]), label="named")
        return [self.an_address(data, *among) for _ in range(count)]

    # What happens

    @rule(
        project=st.sampled_from(PROJECTS),
        where=st.sampled_from(["fra", "fra", "muc"]),
        lengths=st.sampled_from(LENGTHS),
        shared=st.booleans(),
    )
    def a_network_is_made(
        self, project: str, where: str, lengths: dict[int, int] | None, shared: bool
    ) -> None:
        self.expect("make_network", self.named("net"), project, where, lengths, shared)

    @initialize()
    def something_is_there(self) -> None:
        for where, project, shared in (
            ("fra", "shop", False),
            ("fra", "storage-team", True),
            ("fra", "shop", True),
            ("muc", "shop", True),
        ):
            self.a_network_is_made(project, where, None, shared)
        self.expect(
            "make_firewall",
            self.order(self.named("firewall"), "shop", "fra", [Want("net1"), Want("net2")], []),
        )

    @rule(data=st.data())
    def a_network_is_shared(self, data: st.DataObject) -> None:
        self.expect("share", self.one(data, self.nets("private")))

    @precondition(lambda self: self.nets("private"))
    @rule(data=st.data())
    def a_network_is_removed(self, data: st.DataObject) -> None:
        self.expect(
            "remove_network", data.draw(st.sampled_from(self.nets("private")), label="network")
        )

    @precondition(lambda self: self.nets("private"))
    @rule(data=st.data(), growth=st.sampled_from(GROWTH))
    def a_network_grows(self, data: st.DataObject, growth: tuple[int, int]) -> None:
        id = data.draw(st.sampled_from(self.nets("private")), label="network")
        self.expect("grow", id, *growth)

    @rule(data=st.data(), text=st.sampled_from(CIDRS))
    def a_prefix_is_added(self, data: st.DataObject, text: str) -> None:
        id, cidr = (
            data.draw(st.sampled_from(self.nets("private", "external")), label="network"),
            ip_network(text),
        )
        self.expect("add_prefix", id, cidr)

    @precondition(lambda self: any(self.state.nets[id].prefixes for id in self.nets("private")))
    @rule(data=st.data())
    def a_prefix_is_removed(self, data: st.DataObject) -> None:
        id = data.draw(
            st.sampled_from([id for id in self.nets("private") if self.state.nets[id].prefixes]),
            label="network",
        )
        self.expect(
            "remove_prefix",
            id,
            data.draw(st.sampled_from(self.state.nets[id].prefixes), label="prefix"),
        )

    @rule(data=st.data(), version=st.sampled_from([None, None, 4, 6]), kind=st.sampled_from(KINDS))
    def an_address_is_picked(
        self, data: st.DataObject, version: int | None, kind: str | None
    ) -> None:
        id = self.one(data, self.nets("private", "external"))
        self.expect("allocate", id, self.owner(data, id), version, None, kind)

    @rule(data=st.data(), kind=st.sampled_from(KINDS))
    def an_address_is_named(self, data: st.DataObject, kind: str | None) -> None:
        id = self.one(data, self.nets("private", "external"))
        self.expect(
            "allocate", id, self.owner(data, id), None, self.an_address(data, id, id, "mpls"), kind
        )

    @precondition(lambda self: self.state.taken)
    @rule(data=st.data())
    def an_address_is_released(self, data: st.DataObject) -> None:
        idle = [ip for ip, one in self.state.taken.items() if one.machine is None]
        among = (
            sorted(idle or self.state.taken, key=str)
            if data.draw(MOSTLY, label="idle")
            else sorted(self.state.taken, key=str)
        )
        self.expect("release", data.draw(st.sampled_from(among), label="address"))

    @rule(data=st.data())
    def a_machine_is_allocated(self, data: st.DataObject) -> None:
        self.something_is_allocated(data, "machine", [0, 0, 0, 1])

    @rule(data=st.data())
    def a_firewall_is_allocated(self, data: st.DataObject) -> None:
        self.something_is_allocated(data, "firewall", [0, 1, 1, 2])

    def something_is_allocated(self, data: st.DataObject, what: str, more: list[int]) -> None:
        wants, name = self.wants(data, more), self.named(what)
        project, where = self.owner(data, wants[0].network), self.place(data, wants[0].network)
        ips = self.named_addresses(data, *(want.network for want in wants))
        self.expect(f"make_{what}", self.order(name, project, where, wants, ips))

    @precondition(lambda self: self.boxes(firewalls=True))
    @rule(data=st.data())
    def a_firewall_joins(self, data: st.DataObject) -> None:
        name, id = (
            data.draw(st.sampled_from(self.boxes(firewalls=True)), label="firewall"),
            self.one(data, self.consumed()),
        )
        ips = self.named_addresses(data, id, id, "internet-fra")
        self.expect("join", name, id, ips)

    @precondition(lambda self: self.boxes(firewalls=True))
    @rule(data=st.data())
    def a_firewall_leaves(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(self.boxes(firewalls=True)), label="firewall")
        box = self.state.boxes[name]
        id = data.draw(st.sampled_from(sorted({*(box.joined or ()), box.primary})), label="network")
        self.expect("leave", name, id)

    @precondition(lambda self: self.state.boxes)
    @rule(data=st.data(), firewall=st.booleans())
    def something_is_freed(self, data: st.DataObject, firewall: bool) -> None:
        name = data.draw(
            st.sampled_from(self.boxes(firewall) or self.boxes(not firewall)), label="name"
        )
        self.expect("free", name)


@pytest.mark.parametrize("door", [InProcess, OverRest])
def test_traffic_leaves_what_the_model_says(door: type[InProcess | OverRest]) -> None:
    build()
    Traffic.door = door
    Traffic.outcomes = Counter()
    run_state_machine_as_test(Traffic)
    assert {f"{request} done" for request in REQUESTS} <= set(Traffic.outcomes)
    assert len(Traffic.outcomes) >= len(REQUESTS) + 25, sorted(Traffic.outcomes)
