"""New objects that need no second thought, written together: a few statements for hundreds.

Each row is judged by its rules as if it were saved by itself. What does not fit, or is refused, is
left to be written alone, which explains it.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from config.importer.kinds import AddressDoc, Doc, MachineDoc, NetworkDoc, ProjectDoc
from config.importer.writing.addresses import address_values
from config.importer.writing.context import Context
from config.importer.writing.many_machines import machine_fits, save_machines
from config.importer.writing.networks import new_network, references_of
from networks.common.addressing import prefix_of
from networks.common.validation import save_new
from networks.models import Address, Network, Prefix, Project
from networks.rules import EXTERNAL, PRIVATE, SUPER, UNDERLAY

AT_ONCE = 250  # objects; where one is refused, the others are tried again in halves


class Together(NamedTuple):
    """Whether an object is one of those, and how many are saved.

    `save` raises ValidationError or IntegrityError, and is undone then.
    """

    fits: Callable[[Any, Context], bool]
    save: Callable[[Sequence[Any], Context], None]


def saved_together(docs: Sequence[Doc], context: Context) -> list[Doc]:
    """Write those of these documents, all of one kind, that can be. Returns which were."""
    together = _TOGETHER.get(type(docs[0])) if docs else None
    if together is None:
        return []
    fitting = [doc for doc in docs if _fits(doc, together, context)]
    written: list[Doc] = []
    for start in range(0, len(fitting), AT_ONCE):
        written += _saved(fitting[start : start + AT_ONCE], together, context)
    return written


def _fits(doc: Doc, together: Together, context: Context) -> bool:
    try:
        return together.fits(doc, context)
    except ValidationError:
        return False


def _saved(docs: list[Doc], together: Together, context: Context) -> list[Doc]:
    """Those that could be saved, all at once or in halves."""
    try:
        with transaction.atomic():
            together.save(docs, context)
        return docs
    except (ValidationError, IntegrityError):
        if len(docs) == 1:
            return []
    middle = len(docs) // 2
    halves = (docs[:middle], docs[middle:])
    return [doc for half in halves for doc in _saved(half, together, context)]


def _is_new_project(doc: ProjectDoc, context: Context) -> bool:
    return doc.own_id not in context.known.projects


def _save_projects(docs: Sequence[ProjectDoc], context: Context) -> None:
    save_new([Project(id=doc.own_id, **doc.values) for doc in docs])


def _network_fits(doc: NetworkDoc, context: Context) -> bool:
    """One that is new, of which nothing has to be picked."""
    references_of(doc, context.known)
    if doc.id in context.known.networks:
        return False
    has_parent = bool(doc.parentnetworkid) == (doc.kind == PRIVATE)
    return has_parent and bool(doc.routed_vrf) == (doc.kind in (PRIVATE, EXTERNAL))


def _save_networks(docs: Sequence[NetworkDoc], context: Context) -> None:
    networks: list[Network] = []
    prefixes: list[Prefix] = []
    for doc in docs:
        columns = new_network(doc, references_of(doc, context.known), context.by)
        cidrs, by = columns.pop("prefixes"), columns.pop("by", "")
        network = Network(**columns, shared_by=by)
        networks.append(network)
        for cidr in sorted(cidrs, key=lambda cidr: (cidr.version, cidr)):
            prefix = Prefix(network=network, cidr=cidr)
            prefix.of_new_network = True
            prefixes.append(prefix)
    save_new(networks)
    save_new(prefixes)


def _address_fits(doc: AddressDoc, context: Context) -> bool:
    """One that nobody has, in a network where addresses are reserved."""
    network = context.known.network(doc.networkid, "network")
    cidrs = [prefix.cidr for prefix in network.prefixes.all()]
    is_new = context.known.address(doc.ipaddress) is None
    has_owner = doc.projectid in context.known.projects
    is_inside = prefix_of(doc.ipaddress, cidrs) is not None
    return is_new and has_owner and is_inside and network.kind not in (SUPER, UNDERLAY)


def _save_addresses(docs: Sequence[AddressDoc], context: Context) -> None:
    rows = []
    for doc in docs:
        network = context.known.network(doc.networkid, "network")
        prefix = next(one for one in network.prefixes.all() if doc.ipaddress in one.cidr)
        project = context.known.project(doc.projectid)
        row = Address(address=doc.ipaddress, prefix=prefix, project=project)
        for name, value in address_values(doc).items():
            setattr(row, name, value)
        rows.append(row)
    save_new(rows)


_TOGETHER: dict[type[Doc], Together] = {
    ProjectDoc: Together(_is_new_project, _save_projects),
    NetworkDoc: Together(_network_fits, _save_networks),
    AddressDoc: Together(_address_fits, _save_addresses),
    MachineDoc: Together(machine_fits, save_machines),
}
