"""Networks with their prefixes. What the document does not say stays as it is."""

from collections.abc import Mapping
from typing import Any

from django.db import models

from config.importer.findings import Remark
from config.importer.kinds import NetworkDoc
from config.importer.writing.picking import GivenAddresses
from config.importer.writing.rows import Saved, existing, save_differing
from networks.allocation import create_network, grow
from networks.models import Network, Partition, Prefix, Project
from networks.rules import PRIVATE

REASON = "It was shared in the imported files."
References = Mapping[str, models.Model | None]


def write_network(doc: NetworkDoc, by: str, given: GivenAddresses) -> Saved:
    references = _references(doc)
    row = Network.objects.filter(pk=doc.id).first()
    if row is not None:
        return _update(row, doc, references, by, given)
    _create(doc, references, by)
    return Saved(created=True)


def _references(doc: NetworkDoc) -> References:
    """The rows that the network refers to."""
    named: dict[str, tuple[type[models.Model], str]] = {
        "partition": (Partition, doc.partitionid),
        "project": (Project, doc.projectid),
        "parent": (Network, doc.parentnetworkid),
    }
    return {
        field: existing(model, id, field) if id else None for field, (model, id) in named.items()
    }


def _create(doc: NetworkDoc, references: References, by: str) -> None:
    fields: dict[str, Any] = {"name": doc.id, **doc.values, **references}
    fields |= {"prefixes": doc.prefixes, "vrf": doc.routed_vrf or None}
    if doc.kind != PRIVATE and not doc.parentnetworkid:
        del fields["parent"]  # create_network() has it for private networks alone
    if doc.is_shared:
        fields |= {"shared": True, "by": by, "shared_reason": REASON}
    create_network(kind=doc.kind, id=doc.id, **fields)


def _update(
    row: Network, doc: NetworkDoc, references: References, by: str, given: GivenAddresses
) -> Saved:
    values: dict[str, Any] = {"kind": doc.kind, **doc.values, **references}
    if doc.kind == PRIVATE and not doc.parentnetworkid:
        del values["parent"]  # the one it was carved from stays
    if doc.routed_vrf:
        values["vrf"] = doc.routed_vrf
    saved = Saved(changes=save_differing(row, values))
    if doc.is_shared is not None and doc.is_shared != row.shared:
        saved.changes.append(f"shared: {row.shared} -> {doc.is_shared}")
        _share(row, doc.is_shared, by)
    _add_prefixes(row, doc, saved, given)
    return saved


def _share(row: Network, shared: bool, by: str) -> None:
    if shared:
        row.share(by, REASON)
    else:
        row.shared = False
        row.save()  # refused: a shared network stays shared (R3)


def _add_prefixes(row: Network, doc: NetworkDoc, saved: Saved, given: GivenAddresses) -> None:
    """Prefixes that the document does not list stay."""
    present = set(Prefix.objects.filter(network=row).values_list("cidr", flat=True))
    for cidr in doc.prefixes:
        if cidr not in present:
            grow(row, prefix=cidr, plan=given.plan(row.pk, cidr))
            saved.changes.append(f"prefixes: {cidr} added")
    for cidr in sorted(present - set(doc.prefixes), key=str):
        saved.remarks.append(Remark("prefixes", f"{cidr} is not in the files; it stays."))
