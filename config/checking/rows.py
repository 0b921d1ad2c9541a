"""What is wrong with rows: with each by itself, as when it is saved, and with several together."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from config.checking.findings import Finding, finding, of, of_error
from config.checking.loading import Stored
from firewalls.models import Firewall
from machines import rules
from machines.models import Machine
from networks.common.addressing import IP
from networks.models import Address, Network


def wrong_by_themselves(stored: Stored) -> Iterator[Finding]:
    for row in stored.judgeable:
        before = _values(row)
        try:
            row.clean_fields(exclude={relation.name for relation in row.relations()})
        except ValidationError as error:
            yield from of_error(row, error)
        for name, value in _values(row).items():  # saving puts some values right by itself
            if before[name] != value:
                change = f"It is {before[name]!r}, where saving the row would make it {value!r}."
                yield finding(row, f"{name}: {change}")
        yield from of(row, row.standing_violations())


def _values(row: models.Model) -> dict[str, Any]:
    names = [column.attname for column in row._meta.concrete_fields]
    return {name: row.__dict__[name] for name in names}


def wrong_together(stored: Stored) -> Iterator[Finding]:
    """Machines without an address per family (R10), firewalls without an underlay (R8)."""
    networks = {network.pk: network for network in stored.of(Network)}
    yield from _without_addresses(stored, networks)
    for firewall in stored.whole(Firewall):
        joined = firewall.machine.known_networks or ()
        kinds = [networks[id].kind for id in joined if id in networks]
        yield from of(firewall, rules.in_fabric(firewall.name, kinds))


def _without_addresses(stored: Stored, networks: dict[str, Network]) -> Iterator[Finding]:
    addresses: dict[tuple[Any, str], list[IP]] = defaultdict(list)
    for address in stored.whole(Address):
        if address.machine_id is not None:
            addresses[address.machine_id, address.prefix.network_id].append(address.address)
    for machine in stored.whole(Machine):
        used = {machine.primary_id, *(machine.known_networks or ())}
        for id in sorted(used & networks.keys()):
            cidrs = [prefix.cidr for prefix in networks[id].prefixes.all()]
            own = addresses[machine.pk, id]
            yield from of(machine, rules.has_each_family(id, cidrs, own, machine.name))
