"""Addresses that have documents of their own."""

from config.importer.kinds import AddressDoc
from config.importer.writing.rows import Saved, existing, refusal, save_differing
from networks.allocation import allocate
from networks.models import Address, Network, Project


def write_address(doc: AddressDoc, *, is_new: bool) -> Saved:
    """Reserve the address; it was brought, so it is static where the document has no type (R16).

    `is_new`: nobody had it before this import, though its machine may have been made a moment ago
    and have it already.
    """
    ip = doc.ipaddress
    network = existing(Network, doc.networkid, "network")
    project = existing(Project, doc.projectid, "project")
    row = Address.objects.filter(address=ip).select_related("prefix").first()
    if row is None:
        row = allocate(network, project=project, ip=ip)
    elif row.prefix.network_id != network.pk:
        reason = f"{ip} lies in {row.prefix.network_id}, not in {network.pk} (R11)."
        raise refusal("network", "other_network", reason)
    values = {"kind": Address.Kind.STATIC, **doc.values, "project_id": project.pk}
    changes = save_differing(row, values)
    return Saved(created=True) if is_new else Saved(changes=changes)
