"""Partitions, projects, networks and addresses: values to rows. `save()` and the allocation judge them, as at every door."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.db import models

from config.importer.kinds import AddressDoc, NetworkDoc, PartitionDoc, ProjectDoc
from networks.allocation import allocate, create_network, grow
from networks.common.validation import enforce
from networks.common.violations import Violation
from networks.models import Address, Network, Partition, Prefix, Project
from networks.rules import PRIVATE

Row = TypeVar("Row", bound=models.Model)
REASON = "It was shared in the imported files."


@dataclass
class Saved:
    """What became of one object: whether it is new, which fields changed ("nat: False -> True"), what was left as it is."""

    created: bool = False
    changes: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def outcome(self) -> str:
        return "created" if self.created else "changed" if self.changes else "unchanged"


def existing(model: type[Row], id: str, field: str) -> Row:
    """The row that a document refers to. Raises ValidationError on `field`."""
    row = model._default_manager.filter(pk=id).first()
    if row is None:
        word = model._meta.verbose_name
        enforce(
            [
                Violation(
                    field,
                    "unknown",
                    f"There is no {word} {id!r}, neither in the files nor in the database.",
                )
            ]
        )
        raise AssertionError  # unreachable: enforce() raised
    return row


def differing(row: models.Model, values: Mapping[str, Any]) -> list[str]:
    """Set these values on the row. Returns what that changes."""
    changes = []
    for name, value in values.items():
        before = getattr(row, name)
        if before != value:
            changes.append(f"{name.removesuffix('_id')}: {_shown(before)} -> {_shown(value)}")
            setattr(row, name, value)
    return changes


def _shown(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return (text[:60] + "…" if len(text) > 60 else text) or "nothing"  # noqa: PLR2004 - a line's width


def write(model: type[Row], id: str, values: Mapping[str, Any]) -> tuple[Row, Saved]:
    """Make the row, or change it where it differs."""
    row = model._default_manager.filter(pk=id).first()
    if row is None:
        row = model(pk=id, **values)
        row.save(force_insert=True)
        return row, Saved(created=True)
    saved = Saved(changes=differing(row, values))
    if saved.changes:
        row.save()
    return row, saved


def partition(doc: PartitionDoc) -> Saved:
    return write(Partition, doc.id, doc.values)[1]


def project(doc: ProjectDoc) -> Saved:
    return write(Project, doc.id, doc.values)[1]


def network(doc: NetworkDoc, by: str) -> Saved:
    """A network with its prefixes. What the document does not say stays; a prefix that it does not list stays too."""
    refers: dict[str, models.Model | None] = {
        "partition": existing(Partition, doc.partition, "partition") if doc.partition else None,
        "project": existing(Project, doc.project, "project") if doc.project else None,
        "parent": existing(Network, doc.parent, "parent") if doc.parent else None,
    }
    row = Network.objects.filter(pk=doc.id).first()
    if row is not None:
        return _update(row, doc, refers, by)
    if doc.kind != PRIVATE and not doc.parent:
        del refers["parent"]
    fields: dict[str, Any] = (
        {"name": doc.id} | doc.values | refers | {"prefixes": doc.prefixes, "vrf": doc.vrf}
    )
    if doc.shared:
        fields |= {"shared": True, "by": by, "shared_reason": REASON}
    create_network(kind=doc.kind, id=doc.id, **fields)
    return Saved(created=True)


def _update(
    row: Network, doc: NetworkDoc, refers: Mapping[str, models.Model | None], by: str
) -> Saved:
    values: dict[str, Any] = {"kind": doc.kind, **doc.values, **refers}
    if doc.kind == PRIVATE and not doc.parent:
        del values["parent"]  # the one it was carved from
    if doc.vrf is not None:
        values["vrf"] = doc.vrf
    saved = Saved(changes=differing(row, values))
    if saved.changes:
        row.save()
    if doc.shared is not None and doc.shared != row.shared:
        saved.changes.append(f"shared: {row.shared} -> {doc.shared}")
        _share(row, doc.shared, by)
    known = set(Prefix.objects.filter(network=row).values_list("cidr", flat=True))
    for cidr in (cidr for cidr in doc.prefixes if cidr not in known):
        grow(row, prefix=cidr)
        saved.changes.append(f"prefixes: {cidr} added")
    saved.notes += [
        f"prefix {cidr} is not in the file; it stays"
        for cidr in sorted(known - set(doc.prefixes), key=str)
    ]
    return saved


def _share(row: Network, shared: bool, by: str) -> None:
    if shared:
        row.share(by, REASON)
    else:
        row.shared = False
        row.save()  # refused: a shared network stays shared (R3)


def address(doc: AddressDoc, *, new: bool) -> Saved:
    """An address with what its document says of it. It was brought, so it is static where the document has no type (R16).

    `new`: nobody had it before this import; perhaps its machine was made a moment ago and has it already.
    """
    where = existing(Network, doc.network, "network")
    owner = existing(Project, doc.project, "project")
    row = Address.objects.filter(address=doc.ip).select_related("prefix").first()
    if row is None:
        row = allocate(where, project=owner, ip=doc.ip)
    elif row.prefix.network_id != doc.network:
        reason = f"{doc.ip} lies in {row.prefix.network_id}, not in {doc.network} (R11)."
        enforce([Violation("network", "other_network", reason)])
    changes = differing(
        row, {"kind": Address.Kind.STATIC} | doc.values | {"project_id": doc.project}
    )
    if changes:
        row.save()
    return Saved(created=True) if new else Saved(changes=changes)
