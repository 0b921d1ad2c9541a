"""Every row of the models that have rules, with the rows it refers to: a query per table."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from django.db import connection, models
from django.db.models import prefetch_related_objects

from config.checking.constraints import models_of_ours
from config.checking.findings import Finding, finding
from firewalls.models import Attachment, Endpoint
from machines.models import Machine
from networks.common.validation import ValidatedModel
from networks.models import Address, Network

Row = TypeVar("Row", bound=ValidatedModel)
Table = dict[Any, ValidatedModel]

# The column is wider than what it holds: an address with a mask could not even be read.
_MASKED = "SELECT id, address::text FROM networks_address WHERE host(address)::inet <> address"


@dataclass
class Stored:
    """All rows; those that refer to one that is gone are not judged, only reported."""

    tables: dict[type[models.Model], Table] = field(default_factory=dict)
    judgeable: list[ValidatedModel] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def of(self, model: type[Row]) -> list[Row]:
        return cast(list[Row], list(self.tables[model].values()))

    def whole(self, model: type[Row]) -> list[Row]:
        """Those that refer to nothing that is gone."""
        return [row for row in self.judgeable if isinstance(row, model)]


def load() -> Stored:
    """Read everything."""
    stored = Stored()
    masked = _masked_addresses()
    for text in masked.values():
        sentence = "It is not the address of one host (R12)."
        stored.findings.append(Finding("address", text, sentence))
    for model in models_of_ours():
        if issubclass(model, ValidatedModel):
            rows = model._base_manager.all()
            if model is Address:
                rows = rows.exclude(pk__in=masked)
            stored.tables[model] = {row.pk: row for row in rows}
    for table in stored.tables.values():
        stored.judgeable += [row for row in table.values() if _connect(row, stored)]
    prefetch_related_objects(stored.of(Network), "prefixes")
    prefetch_related_objects(stored.of(Machine), "firewall")
    prefetch_related_objects([endpoint.machine for endpoint in stored.whole(Endpoint)], "addresses")
    _tell_machines_their_networks(stored)
    return stored


def _masked_addresses() -> dict[int, str]:
    with connection.cursor() as cursor:
        cursor.execute(_MASKED)
        return dict(cursor.fetchall())


def _connect(row: ValidatedModel, stored: Stored) -> bool:
    """Give the row the rows it refers to; False if it lacks one."""
    is_whole = True
    for relation in row.relations():
        key = getattr(row, relation.attname)
        table = stored.tables.get(relation.remote_field.model)
        if key is None:
            if not relation.null:
                sentence = f"It has no {relation.name}, and cannot be without."
                stored.findings.append(finding(row, sentence))
                is_whole = False
        elif table is not None:
            if key in table:
                setattr(row, relation.name, table[key])
            else:
                is_whole = False  # what is gone is found by its foreign key
    return is_whole


def _tell_machines_their_networks(stored: Stored) -> None:
    joined: dict[Any, set[str]] = defaultdict(set)
    for attachment in stored.of(Attachment):
        joined[attachment.firewall_id].add(attachment.network_id)
    for machine in stored.of(Machine):
        machine.known_networks = frozenset(joined[machine.pk])
