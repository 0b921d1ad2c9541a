"""The rows of the large demo's machines and firewalls, as they are collected before writing."""

import uuid
from dataclasses import dataclass, field
from typing import Any

from config.demo.large.world import World
from firewalls.models import Attachment, Firewall, Rule
from machines.models import Machine
from networks.models import Address, Network, Prefix, Project

FIRST_ASN = 4_210_020_000  # RFC 6996
STATIC_EVERY = 9  # of the machines, one in so many has static addresses
_NAMESPACE = uuid.UUID("5a4e6a5e-0c3b-5d0c-9c55-0a1b9a5d7c11")
_LONGEST_NAME = 63  # RFC 1123


@dataclass
class Fleet:
    """The machines and firewalls made up so far, with what belongs to them."""

    world: World
    shared: dict[str | None, list[Network]]  # the shared networks by partition
    machines: list[Machine] = field(default_factory=list)
    firewalls: list[Firewall] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    addresses: list[Address] = field(default_factory=list)
    guarded: set[str] = field(default_factory=set)  # networks that have a firewall

    def add_machine(self, name: str, primary: Network, labels: dict[str, str]) -> Machine:
        number = len(self.machines)
        machine = Machine(
            id=uuid.uuid5(_NAMESPACE, str(number)),
            name=name[:_LONGEST_NAME].rstrip("-"),
            partition=primary.partition,
            project=primary.project,
            primary=primary,
            asn=FIRST_ASN + number,
            labels=labels,
            created_at=self.world.ago(self.world.random.uniform(1, 800)),
        )
        self.machines.append(machine)
        self._add_addresses(machine, primary, static=number % STATIC_EVERY == 0)
        return machine

    def join(self, firewall: Firewall, network: Network, *, static: bool = False) -> None:
        """Attach the firewall to the network, with addresses there."""
        machine = firewall.machine
        self.attachments.append(
            Attachment(firewall=firewall, network=network, created_at=machine.created_at)
        )
        self._add_addresses(machine, network, static=static)

    def _add_addresses(self, machine: Machine, network: Network, *, static: bool) -> None:
        """One address per family (R10)."""
        kind = Address.Kind.STATIC if static else Address.Kind.EPHEMERAL
        for prefix in self.world.prefixes[network.pk]:
            if not self.add_address(prefix, machine.project, kind, machine=machine):
                raise ValueError(f"{network.pk} is too small")

    def add_address(self, prefix: Prefix, project: Project, kind: str, **fields: Any) -> bool:
        """Add the next free address of the prefix; False if it is full."""
        ip = self.world.take_address(prefix)
        if ip is None:
            return False
        address = Address(address=ip, prefix=prefix, project=project, kind=kind, **fields)
        self.addresses.append(address)
        return True
