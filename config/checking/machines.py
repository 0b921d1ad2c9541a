"""Whether machines have an address per family (R10) and firewalls an underlay (R8)."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from config.checking.findings import Finding, rule_findings
from config.checking.loading import Stored
from firewalls.models import Firewall
from machines import rules
from machines.models import Machine
from networks.common.addressing import IP
from networks.models import Address, Network


def violations(stored: Stored) -> Iterator[Finding]:
    """What is wrong with machines and firewalls together with their addresses and networks."""
    networks = {network.pk: network for network in stored.rows(Network)}
    yield from _lacking_addresses(stored, networks)
    yield from _lacking_underlay(stored, networks)


def _lacking_addresses(stored: Stored, networks: dict[str, Network]) -> Iterator[Finding]:
    addresses = _addresses_by_place(stored)
    for machine in stored.complete_rows(Machine):
        joined = {machine.primary_id, *(machine.loaded_networks or ())}
        for id in sorted(joined & networks.keys()):
            cidrs = [prefix.cidr for prefix in networks[id].prefixes.all()]
            there = addresses[machine.pk, id]
            broken = rules.has_address_per_family(id, cidrs, there, machine.name)
            yield from rule_findings(machine, broken)


def _addresses_by_place(stored: Stored) -> dict[tuple[Any, str], list[IP]]:
    """The addresses on machines, by machine and network."""
    addresses: dict[tuple[Any, str], list[IP]] = defaultdict(list)
    for address in stored.complete_rows(Address):
        if address.machine_id is not None:
            addresses[address.machine_id, address.prefix.network_id].append(address.address)
    return addresses


def _lacking_underlay(stored: Stored, networks: dict[str, Network]) -> Iterator[Finding]:
    for firewall in stored.complete_rows(Firewall):
        joined = firewall.machine.loaded_networks or ()
        kinds = [networks[id].kind for id in joined if id in networks]
        yield from rule_findings(firewall, rules.in_underlay(firewall.name, kinds))
