"""Every row of the product in memory, with the rows it refers to, read by one query per table."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from django.db import connection, models
from django.db.models import prefetch_related_objects

from config.checking.constraints import product_models
from config.checking.findings import Finding, finding
from firewalls.models import Attachment, Endpoint, Firewall
from machines.models import Machine
from networks.common.validation import ValidatedModel
from networks.models import Address, Network

Row = TypeVar("Row", bound=ValidatedModel)
Table = dict[Any, ValidatedModel]

# Raw SQL can put an address with a mask into the column, which could not even be read as a row.
_MASKED = "SELECT id, address::text FROM networks_address WHERE host(address)::inet <> address"


@dataclass
class Stored:
    """All rows of the models that have rules, each with the rows it refers to."""

    tables: dict[type[models.Model], Table] = field(default_factory=dict)
    complete: list[ValidatedModel] = field(default_factory=list)  # refer to nothing that is gone
    findings: list[Finding] = field(default_factory=list)

    def rows(self, model: type[Row]) -> list[Row]:
        return cast(list[Row], list(self.tables[model].values()))

    def complete_rows(self, model: type[Row]) -> list[Row]:
        """Those that refer to nothing that is gone."""
        return [row for row in self.complete if isinstance(row, model)]


def load() -> Stored:
    """Read everything; rows that cannot be read, or lack a relation they need, become findings."""
    stored = Stored()
    masked = _masked_addresses()
    for address in masked.values():
        sentence = "It is not the address of one host (R12)."
        stored.findings.append(Finding("address", address, sentence))
    _read_tables(stored, masked)
    for table in stored.tables.values():
        stored.complete += [row for row in table.values() if _attach_related(row, stored)]
    prefetch_related_objects(stored.rows(Network), "prefixes")
    machines = [endpoint.machine for endpoint in stored.complete_rows(Endpoint)]
    prefetch_related_objects(machines, "addresses")
    _attach_networks_and_firewalls(stored)
    return stored


def _masked_addresses() -> dict[int, str]:
    with connection.cursor() as cursor:
        cursor.execute(_MASKED)
        return dict(cursor.fetchall())


def _read_tables(stored: Stored, masked: Mapping[int, str]) -> None:
    for model in product_models():
        if not issubclass(model, ValidatedModel):
            continue
        rows = model._base_manager.all()
        if model is Address:
            rows = rows.exclude(pk__in=masked)
        stored.tables[model] = {row.pk: row for row in rows}


def _attach_related(row: ValidatedModel, stored: Stored) -> bool:
    """Attach the rows that this row refers to; False if it lacks one."""
    attached = [_attach(row, relation, stored) for relation in row.relations()]
    return all(attached)


def _attach(row: ValidatedModel, relation: Any, stored: Stored) -> bool:
    key = getattr(row, relation.attname)
    if key is None:
        if relation.null:
            return True
        sentence = f"It has no {relation.name}, and cannot be without."
        stored.findings.append(finding(row, sentence))
        return False
    table = stored.tables.get(relation.remote_field.model)
    if table is None:
        return True
    if key not in table:
        return False  # the check of foreign keys reports it
    # Not documented by Django: `prefetch_related` attaches rows this way, but reads them again.
    relation.set_cached_value(row, table[key])
    return True


def _attach_networks_and_firewalls(stored: Stored) -> None:
    """Attach to each machine the networks that its firewall joined, and the firewall or None."""
    networks: dict[Any, set[str]] = defaultdict(set)
    for attachment in stored.rows(Attachment):
        networks[attachment.firewall_id].add(attachment.network_id)
    relation = Machine._meta.get_field("firewall")
    for machine in stored.rows(Machine):
        machine.loaded_networks = frozenset(networks[machine.pk])
        relation.set_cached_value(machine, stored.tables[Firewall].get(machine.pk))
