"""In which order objects are written: what others refer to comes first."""

from collections.abc import Sequence

from config.importer.entries import Entry
from config.importer.kinds import AddressDoc, MachineDoc, NetworkDoc, PartitionDoc, ProjectDoc
from networks.common.addressing import IP
from networks.rules import EXTERNAL, PRIVATE, SUPER, UNDERLAY

_NETWORKS = {SUPER: 2, UNDERLAY: 3, EXTERNAL: 3, PRIVATE: 4}


def in_order(entries: Sequence[Entry]) -> list[Entry]:
    """Reserved addresses before machines that could be given them, and last what must be picked."""
    machines = [entry.doc for entry in entries if isinstance(entry.doc, MachineDoc)]
    allocated = {ip for machine in machines for ip in machine.ips}
    return sorted(entries, key=lambda entry: _rank(entry, allocated))


def _rank(entry: Entry, allocated: set[IP]) -> int:
    match entry.doc:
        case PartitionDoc():
            return 0
        case ProjectDoc():
            return 1
        case NetworkDoc(kind=kind):
            return _NETWORKS[kind]
        case AddressDoc(ipaddress=ip):
            return 8 if ip in allocated else 5
        case MachineDoc(networks=networks):
            return 6 if all(network.ips for network in networks) else 7
    return 9
