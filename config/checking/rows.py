"""Every row, judged as when it is saved, and what several rows say together."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from django.core.exceptions import ValidationError
from django.db import connection, models
from django.db.models import prefetch_related_objects

from config.checking.constraints import models_of_ours
from config.checking.findings import Finding, finding, of, of_error
from firewalls.models import Attachment, Endpoint, Firewall
from machines import rules
from machines.models import Machine
from networks.common.addressing import IP
from networks.common.validation import ValidatedModel
from networks.models import Address, Network

Row = TypeVar("Row", bound=ValidatedModel)
Table = dict[Any, ValidatedModel]

# The column is wider than what it holds: an address with a mask could not even be read.
_MASKED = "SELECT id, address::text FROM networks_address WHERE host(address)::inet <> address"


@dataclass
class Stored:
    """All rows of the models that have rules, each knowing the rows it refers to; `judgeable` are those that lack none of these."""

    tables: dict[type[models.Model], Table] = field(default_factory=dict)
    judgeable: list[ValidatedModel] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def of(self, model: type[Row]) -> list[Row]:
        return cast(list[Row], list(self.tables[model].values()))

    def whole(self, model: type[Row]) -> list[Row]:
        """Those that refer to nothing that is gone."""
        return [row for row in self.judgeable if isinstance(row, model)]


def load() -> Stored:
    """Read everything, one query per table."""
    stored = Stored()
    masked = _masked()
    stored.findings += [
        Finding("address", text, "It is not the address of one host (R12).")
        for text in masked.values()
    ]
    for model in models_of_ours():
        if issubclass(model, ValidatedModel):
            rows = (
                model._base_manager.exclude(pk__in=masked)
                if model is Address
                else model._base_manager.all()
            )
            stored.tables[model] = {row.pk: row for row in rows}
    for table in stored.tables.values():
        stored.judgeable += [row for row in table.values() if _wired(row, stored)]
    prefetch_related_objects(stored.of(Network), "prefixes")
    prefetch_related_objects([endpoint.machine for endpoint in stored.whole(Endpoint)], "addresses")
    _tell_machines_where_they_are(stored)
    return stored


def _masked() -> dict[int, str]:
    with connection.cursor() as cursor:
        cursor.execute(_MASKED)
        return dict(cursor.fetchall())


def _wired(row: ValidatedModel, stored: Stored) -> bool:
    """Tell the row the rows it refers to; False if it lacks one."""
    whole = True
    for relation in row.relations():
        key, target = getattr(row, relation.attname), stored.tables.get(relation.remote_field.model)
        if key is None and not relation.null:
            stored.findings.append(
                finding(row, f"It has no {relation.name}, and cannot be without.")
            )
            whole = False
        elif target is not None and key is not None:
            whole &= key in target  # what is gone is found by its foreign key
            if key in target:
                relation.set_cached_value(row, target[key])
    return whole


def _tell_machines_where_they_are(stored: Stored) -> None:
    joined: dict[Any, set[str]] = defaultdict(set)
    for attachment in stored.of(Attachment):
        joined[attachment.firewall_id].add(attachment.network_id)
    for machine in stored.of(Machine):
        machine.loaded_networks = frozenset(joined[machine.pk])
        guard = Machine._meta.get_field("firewall")
        guard.set_cached_value(machine, stored.tables[Firewall].get(machine.pk))


def judged(stored: Stored) -> Iterator[Finding]:
    """What is wrong with single rows."""
    for row in stored.judgeable:
        before = _values(row)
        try:
            row.clean_fields(exclude={relation.name for relation in row.relations()})
        except ValidationError as error:
            yield from of_error(row, error)
        for name, value in _values(row).items():  # saving puts some values right by itself
            if before[name] != value:
                yield finding(
                    row,
                    f"{name}: It is {before[name]!r}, where saving the row would make it {value!r}.",
                )
        yield from of(row, row.standing_violations())


def _values(row: models.Model) -> dict[str, Any]:
    return {
        name: row.__dict__[name]
        for name in (column.attname for column in row._meta.concrete_fields)
    }


def judged_together(stored: Stored) -> Iterator[Finding]:
    """What is wrong with machines and firewalls as a whole: an underlay for each firewall (R8), an address per family (R10)."""
    here: dict[tuple[Any, str], list[IP]] = defaultdict(list)
    for address in stored.whole(Address):
        if address.machine_id is not None:
            here[address.machine_id, address.prefix.network_id].append(address.address)
    networks = {network.pk: network for network in stored.of(Network)}
    for machine in stored.whole(Machine):
        for id in sorted({machine.primary_id, *(machine.loaded_networks or ())} & networks.keys()):
            cidrs = [prefix.cidr for prefix in networks[id].prefixes.all()]
            yield from of(
                machine, rules.has_address_per_family(id, cidrs, here[machine.pk, id], machine.name)
            )
    for firewall in stored.whole(Firewall):
        kinds = [
            networks[id].kind for id in firewall.machine.loaded_networks or () if id in networks
        ]
        yield from of(firewall, rules.in_underlay(firewall.name, kinds))
