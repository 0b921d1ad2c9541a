"""Whether somebody else has what a firewall may still have (R16)."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from config.checking.findings import Finding, rule_findings
from config.checking.loading import Stored
from machines.models import Machine
from networks import rules
from networks.models import Address, Carried, Network

Holders = dict[Any, list[Carried]]


def violations(stored: Stored) -> Iterator[Finding]:
    """What was handed on while a firewall may still have it."""
    addresses, vrfs, asns = _carried()
    for address in stored.rows(Address):
        others = [row for row in addresses[address.address] if _is_elsewhere(row, address)]
        yield from _findings("address", str(address), address, others)
    for network in stored.rows(Network):
        others = [row for row in vrfs[network.vrf] if row.left_at is not None]
        yield from _findings("vrf", f"VRF id {network.vrf}", network, others)
    for machine in stored.rows(Machine):
        others = [row for row in asns[machine.asn] if row.box != machine.pk]
        yield from _findings("asn", f"AS number {machine.asn}", machine, others)


def _is_elsewhere(row: Carried, address: Address) -> bool:
    return address.machine_id is not None and row.machine != address.machine_id


def _findings(field: str, what: str, row: Any, others: list[Carried]) -> Iterator[Finding]:
    firewalls = sorted({other.firewall for other in others})
    yield from rule_findings(row, rules.kept_back(field, what, firewalls))


def _carried() -> tuple[Holders, Holders, Holders]:
    """What firewalls may have: by address, by VRF id and by AS number."""
    addresses: Holders = defaultdict(list)
    vrfs: Holders = defaultdict(list)
    asns: Holders = defaultdict(list)
    for row in Carried.objects.order_by("pk"):
        if row.address is not None:
            addresses[row.address].append(row)
        elif row.vrf is not None:
            vrfs[row.vrf].append(row)
        else:
            asns[row.asn].append(row)
    return addresses, vrfs, asns
