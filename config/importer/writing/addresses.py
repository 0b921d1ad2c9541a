"""Addresses that have documents of their own."""

from typing import Any

from config.importer.kinds import AddressDoc
from config.importer.writing.context import Context
from config.importer.writing.refusing import refusal
from config.importer.writing.rows import Saved, save_differing
from networks.allocation import allocate
from networks.models import Address


def write_address(doc: AddressDoc, context: Context, *, is_new: bool) -> Saved:
    """Reserve the address; it was brought, so it is static where the document has no type (R16).

    `is_new`: nobody had it before this import, though its machine may have been made a moment ago
    and have it already.
    """
    ip = doc.ipaddress
    network = context.known.network(doc.networkid, "network")
    project = context.known.project(doc.projectid)
    row = context.known.address(ip)
    if row is None:
        context.before_writing()
        row = allocate(network, project=project, ip=ip)
    elif row.prefix.network_id != network.pk:
        reason = f"{ip} lies in {row.prefix.network_id}, not in {network.pk} (R11)."
        raise refusal("network", "other_network", reason)
    changes = save_differing(row, address_values(doc), context)
    return Saved(created=True) if is_new else Saved(changes=changes)


def address_values(doc: AddressDoc) -> dict[str, Any]:
    """The fields of its row, beside the address and its prefix."""
    return {"kind": Address.Kind.STATIC, **doc.values, "project_id": doc.projectid}
