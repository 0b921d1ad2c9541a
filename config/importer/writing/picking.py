"""Addresses that no file gives: picked so that none is one that a file gives to somebody (R10)."""

from collections.abc import Collection, Iterable, Iterator
from uuid import UUID

from config.importer.findings import Remark
from config.importer.kinds import AddressDoc, Doc, MachineDoc
from config.importer.writing.allocated import UsedNetwork
from config.importer.writing.refusing import refusal
from networks.allocation import lock_prefixes
from networks.common.addressing import IP, Cidr, usable
from networks.models import Network
from networks.models.prefix import Plan
from networks.pools import next_addresses
from networks.rules import FAMILIES


class GivenAddresses:
    """The addresses that the files give, also to those that are kept out."""

    def __init__(self, docs: Iterable[Doc | None]) -> None:
        self.all: set[IP] = set()
        self.described: dict[IP, AddressDoc] = {}
        self.of_machines: dict[str, dict[UUID, list[IP]]] = {}  # by network
        for doc in docs:
            if isinstance(doc, AddressDoc):
                self.all.add(doc.ipaddress)
                self.described[doc.ipaddress] = doc
            elif isinstance(doc, MachineDoc):
                self._note(doc)

    def _note(self, machine: MachineDoc) -> None:
        self.all |= set(machine.ips)
        for network in machine.networks:
            of_network = self.of_machines.setdefault(network.networkid, {})
            of_network.setdefault(machine.id, []).extend(network.ips)

    def plan(self, network: str, cidr: Cidr) -> Plan:
        """Who gets which address of a prefix that is new in a network where machines are."""
        of_network = self.of_machines.get(network, {})
        wanted = {
            machine: ip
            for machine, ips in of_network.items()
            for ip in ips
            if ip in cidr and usable(cidr, ip)
        }
        return Plan(wanted, frozenset(self._inside(cidr)))

    def _inside(self, cidr: Cidr) -> Iterator[IP]:
        return (ip for ip in self.all if ip in cidr)

    def pick(self, network: Network, version: int) -> IP:
        """The lowest free address that no file gives. Raises ValidationError if there is none."""
        for prefix in lock_prefixes([network.pk]):
            if prefix.cidr.version == version:
                avoided = set(self._inside(prefix.cidr))
                for ip in next_addresses(prefix.pk, prefix.cidr, len(avoided) + 1):
                    if ip not in avoided:
                        return ip
        reason = f"{network.pk} has no {FAMILIES[version]} address left that no file gives (R12)."
        raise refusal("networks", "exhausted", reason)

    def completed(self, networks: Iterable[UsedNetwork]) -> list[UsedNetwork]:
        """The same with an address of each family, picked where the document gives none."""
        return [
            used.with_picked([self.pick(used.row, version) for version in used.missing])
            for used in networks
        ]


def picked_remarks(networks: Iterable[UsedNetwork], present: Collection[IP]) -> Iterator[Remark]:
    """That addresses were picked, of those that the machine has there now."""
    for used in networks:
        for version in used.missing:
            there = [ip for ip in sorted(present, key=int) if ip.version == version]
            picked = [str(ip) for ip in there if any(ip in cidr for cidr in used.cidrs)]
            if picked:
                what = f"No {FAMILIES[version]} address of {used.row.pk} is in the files;"
                reason = f"{what} here it has {', '.join(picked)} (R10)."
                yield Remark(f"{used.path}.ips", reason)
