"""Networks with their prefixes. What the document does not say stays as it is."""

from collections.abc import Mapping
from typing import Any

from django.db import models

from config.importer.findings import Remark
from config.importer.kinds import NetworkDoc
from config.importer.writing.context import Context
from config.importer.writing.known import Known
from config.importer.writing.rows import Saved, save_differing
from networks.allocation import create_network, grow
from networks.models import Network
from networks.rules import PRIVATE

REASON = "It was shared in the imported files."
References = Mapping[str, models.Model | None]


def write_network(doc: NetworkDoc, context: Context) -> Saved:
    references = references_of(doc, context.known)
    row = context.known.networks.get(doc.id)
    if row is not None:
        return _update(row, doc, references, context)
    context.before_writing()
    create_network(**new_network(doc, references, context.by))
    return Saved(created=True)


def references_of(doc: NetworkDoc, known: Known) -> References:
    """The rows that the network refers to. Raises ValidationError."""
    parent = doc.parentnetworkid
    return {
        "partition": known.partition(doc.partitionid) if doc.partitionid else None,
        "project": known.project(doc.projectid) if doc.projectid else None,
        "parent": known.network(parent, "parent") if parent else None,
    }


def new_network(doc: NetworkDoc, references: References, by: str) -> dict[str, Any]:
    """What the network is made of, as create_network takes it."""
    fields: dict[str, Any] = {"name": doc.id, **doc.values, **references}
    fields |= {"prefixes": doc.prefixes, "vrf": doc.routed_vrf or None}
    if doc.kind != PRIVATE and not doc.parentnetworkid:
        del fields["parent"]  # create_network() has it for private networks alone
    if doc.is_shared:
        fields |= {"shared": True, "by": by, "shared_reason": REASON}
    return {"kind": doc.kind, "id": doc.id, **fields}


def _update(row: Network, doc: NetworkDoc, references: References, context: Context) -> Saved:
    keys = {f"{name}_id": referred and referred.pk for name, referred in references.items()}
    values: dict[str, Any] = {"kind": doc.kind, **doc.values, **keys}
    if doc.kind == PRIVATE and not doc.parentnetworkid:
        del values["parent_id"]  # the one it was carved from stays
    if doc.routed_vrf:
        values["vrf"] = doc.routed_vrf
    saved = Saved(changes=save_differing(row, values, context))
    if doc.is_shared is not None and doc.is_shared != row.shared:
        context.before_writing()
        saved.changes.append(f"shared: {row.shared} -> {doc.is_shared}")
        _share(row, doc.is_shared, context.by)
    _add_prefixes(row, doc, saved, context)
    if saved.changes:
        context.known.forget(("network", row.pk))
    return saved


def _share(row: Network, shared: bool, by: str) -> None:
    if shared:
        row.share(by, REASON)
    else:
        row.shared = False
        row.save()  # refused: a shared network stays shared (R3)


def _add_prefixes(row: Network, doc: NetworkDoc, saved: Saved, context: Context) -> None:
    """Prefixes that the document does not list stay."""
    present = {prefix.cidr for prefix in row.prefixes.all()}
    for cidr in doc.prefixes:
        if cidr not in present:
            context.before_writing()
            grow(row, prefix=cidr, plan=context.given.plan(row.pk, cidr))
            saved.changes.append(f"prefixes: {cidr} added")
    for cidr in sorted(present - set(doc.prefixes), key=str):
        saved.remarks.append(Remark("prefixes", f"{cidr} is not in the files; it stays."))
