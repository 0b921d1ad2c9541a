"""Many new machines and firewalls whose addresses are all given, with all that belongs to them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from config.importer.kinds import MachineDoc
from config.importer.writing.addresses import address_values
from config.importer.writing.allocated import UsedNetwork, used_networks
from config.importer.writing.context import Context
from config.importer.writing.machines import common
from firewalls.allocation import NewFirewall, further
from firewalls.allocation import home_of as home_of_firewall
from firewalls.models import Attachment, Firewall, Rule
from machines.allocation import Order, home_of
from machines.models import Machine
from networks.common.addressing import IP
from networks.common.validation import save_new
from networks.models import Address, Network
from networks.rules import UNDERLAY


def machine_fits(doc: MachineDoc, context: Context) -> bool:
    """One that is new, of which nothing has to be picked or left out."""
    known = context.known
    if not doc.asn or known.machine(doc.id) is not None or doc.owner not in known.projects:
        return False
    if any(known.address(ip) is not None for ip in doc.ips):
        return False  # reserved before, or somebody else's
    networks = used_networks(doc, known)
    if any(used.missing for used in networks):
        return False
    loopbacks = sum(used.row.kind == UNDERLAY for used in networks)
    if not doc.is_firewall:
        return len(networks) == 1
    return loopbacks == 1 and known.super_network(doc.partition_id) is not None


def save_machines(docs: Sequence[MachineDoc], context: Context) -> None:
    """Allocate them as create_machine and create_firewall do, which judge by the same functions."""
    rows = Rows()
    for doc in docs:
        rows.add(doc, context)
    save_new(rows.machines)
    save_new(rows.firewalls)
    save_new(rows.attachments)
    save_new(rows.addresses)
    save_new(rows.rules)
    context.unrendered |= {firewall.pk for firewall in rows.firewalls}


@dataclass
class Rows:
    """What machines and firewalls are made of, each kind after what it refers to."""

    machines: list[Machine] = field(default_factory=list)
    firewalls: list[Firewall] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    addresses: list[Address] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)

    def add(self, doc: MachineDoc, context: Context) -> None:
        """Raises ValidationError where the rules of an allocation refuse it."""
        networks = used_networks(doc, context.known)
        if doc.is_firewall:
            machine = self._add_firewall(doc, networks, context)
        else:
            order = Order(**common(doc, networks, context.known))
            primary = home_of(order, [used.wanted for used in networks])
            machine = self._add_machine(order, primary, [])
        for used in networks:
            self.addresses += [_address(ip, used, machine, context) for ip in used.ips]

    def _add_machine(self, order: Order, primary: Network, joined: Sequence[Network]) -> Machine:
        machine = Machine(
            id=order.id,
            name=order.name,
            partition=order.partition,
            project=order.project,
            primary=primary,
            asn=order.asn or 0,
            labels=dict(order.labels or {}),
        )
        machine.loaded_networks = frozenset(network.pk for network in joined)
        self.machines.append(machine)
        return machine

    def _add_firewall(
        self, doc: MachineDoc, networks: Sequence[UsedNetwork], context: Context
    ) -> Machine:
        fabric = [used for used in networks if used.row.kind == UNDERLAY]
        others = [used for used in networks if used.row.kind != UNDERLAY]
        loopbacks = [ip for used in fabric for ip in used.ips]
        new = NewFirewall(**common(doc, others, context.known), loopbacks=loopbacks)
        wanted = [used.wanted for used in others]
        primary = home_of_firewall(new, wanted, [used.wanted for used in fabric])
        joined = [*further(new, primary), *(used.row for used in fabric)]
        machine = self._add_machine(new, primary, joined)
        firewall = Firewall(machine=machine)
        self.firewalls.append(firewall)
        self.attachments += [Attachment(firewall=firewall, network=one) for one in joined]
        self.rules += _rules(doc, firewall)
        return machine


def _rules(doc: MachineDoc, firewall: Firewall) -> Iterator[Rule]:
    """Each direction is counted by itself."""
    places: Counter[str] = Counter()
    for rule in doc.rules or []:
        direction = rule.values["direction"]
        places[direction] += 1
        yield Rule(firewall=firewall, position=places[direction], **rule.values)


def _address(ip: IP, used: UsedNetwork, machine: Machine, context: Context) -> Address:
    """With what its own document says of it, where that agrees on whose it is and where."""
    prefix = next(one for one in used.row.prefixes.all() if ip in one.cidr)
    row = Address(address=ip, prefix=prefix, project=machine.project, machine=machine)
    doc = context.given.described.get(ip)
    if doc and (doc.networkid, doc.projectid) == (used.row.pk, machine.project_id):
        for name, value in address_values(doc).items():
            setattr(row, name, value)
    return row
