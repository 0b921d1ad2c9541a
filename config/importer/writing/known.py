"""The rows that the files are about, read with a few queries for all of them."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from ipaddress import ip_address
from typing import Any, TypeVar
from uuid import UUID

from django.db import models
from django.db.models import QuerySet

from config.importer.kinds import Doc, MachineDoc
from config.importer.kinds.shape import Key
from config.importer.writing.refusing import refusal
from machines.models import Machine
from networks.common.addressing import IP
from networks.models import Address, Network, Partition, Project

Row = TypeVar("Row", bound=models.Model)
AT_ONCE = 10_000  # keys in a query: PostgreSQL takes 65,535 parameters


class Known:
    """Rows by their keys, as the database has them. What is not known is looked for there.

    Everything is locked while an import runs, so nobody else changes them. Whoever changes one
    otherwise than through the row that is known has it forgotten.
    """

    def __init__(self) -> None:
        self.partitions: dict[str, Partition] = {}
        self.projects: dict[str, Project] = {}
        self.networks: dict[str, Network] = {}
        self.machines: dict[UUID, Machine | None] = {}
        self.addresses: dict[IP, Address | None] = {}

    def load_places(self) -> None:
        """Read what all others refer to."""
        self.partitions = _by_key(Partition.objects.all())
        self.projects = _by_key(Project.objects.all())
        self.networks = _by_key(_networks())

    def load_machines(self, docs: Iterable[Doc]) -> None:
        ids = [doc.id for doc in docs if isinstance(doc, MachineDoc)]
        self.machines = dict.fromkeys(ids)
        for some in _chunks(ids):
            self.machines.update(_by_key(_machines().filter(pk__in=some)))

    def load_addresses(self, ips: Collection[IP]) -> None:
        self.addresses = dict.fromkeys(ips)
        for some in _chunks(list(ips)):
            rows = _addresses().filter(address__in=some)
            self.addresses.update((row.address, row) for row in rows)

    def forget(self, key: Key) -> None:
        """Have what is known of this object read anew, for it may be otherwise by now."""
        kind, id = key
        if kind == "machine":
            self.machines.pop(UUID(id), None)
        elif kind == "address":
            self.addresses.pop(ip_address(id), None)
        rows: dict[str, Any] = {
            "partition": self.partitions,
            "project": self.projects,
            "network": self.networks,
        }
        rows.get(kind, {}).pop(id, None)

    def partition(self, id: str, field: str = "partition") -> Partition:
        """Raises ValidationError on `field` if there is none."""
        return _known(self.partitions, Partition.objects.all(), id, field)

    def project(self, id: str, field: str = "project") -> Project:
        return _known(self.projects, Project.objects.all(), id, field)

    def network(self, id: str, field: str) -> Network:
        """With its prefixes."""
        return _known(self.networks, _networks(), id, field)

    def underlay(self, partition: str) -> Network | None:
        return self._only(partition, Network.Kind.UNDERLAY)

    def super_network(self, partition: str) -> Network | None:
        return self._only(partition, Network.Kind.SUPER)

    def _only(self, partition: str, kind: str) -> Network | None:
        rows = (row for row in self.networks.values() if row.kind == kind)
        return next((row for row in rows if row.partition_id == partition), None)

    def machine(self, id: UUID) -> Machine | None:
        """With its addresses and, of a firewall, what it has joined and its rules."""
        if id not in self.machines:
            self.machines[id] = _machines().filter(pk=id).first()
        return self.machines[id]

    def address(self, ip: IP) -> Address | None:
        """With its prefix."""
        if ip not in self.addresses:
            self.addresses[ip] = _addresses().filter(address=ip).first()
        return self.addresses[ip]


def _networks() -> "QuerySet[Network]":
    return Network.objects.prefetch_related("prefixes")


def _machines() -> "QuerySet[Machine]":
    rows = Machine.objects.select_related("firewall")
    return rows.prefetch_related(
        "addresses__prefix", "firewall__attachments__network", "firewall__rules"
    )


def _addresses() -> "QuerySet[Address]":
    return Address.objects.select_related("prefix")


def _by_key(rows: Iterable[Row]) -> dict[Any, Row]:
    return {row.pk: row for row in rows}


def _chunks(keys: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(keys), AT_ONCE):
        yield keys[start : start + AT_ONCE]


def _known(known: dict[str, Row], rows: "QuerySet[Row]", id: str, field: str) -> Row:
    row = known.get(id) or rows.filter(pk=id).first()
    if row is None:
        word = rows.model._meta.verbose_name
        reason = f"There is no {word} {id!r}, neither in the files nor in the database."
        raise refusal(field, "unknown", reason)
    known[id] = row
    return row
