"""In which order objects are written: what others refer to comes first."""

from collections.abc import Iterator, Sequence
from enum import IntEnum
from itertools import groupby

from config.importer.entries import Entry
from config.importer.kinds import AddressDoc, MachineDoc, NetworkDoc, PartitionDoc, ProjectDoc
from networks.common.addressing import IP
from networks.rules import EXTERNAL, PRIVATE, SUPER, UNDERLAY


class Stage(IntEnum):
    """What is written together, one stage after the other.

    Reserved addresses come before machines that could be given them, and those of machines after
    these; last comes what must be picked.
    """

    PARTITIONS = 0
    PROJECTS = 1
    SUPER_NETWORKS = 2
    OTHER_NETWORKS = 3
    PRIVATE_NETWORKS = 4
    RESERVED_ADDRESSES = 5
    MACHINES = 6
    MACHINES_TO_PICK_FOR = 7
    ADDRESSES_OF_MACHINES = 8
    OTHERS = 9


_NETWORKS = {
    SUPER: Stage.SUPER_NETWORKS,
    UNDERLAY: Stage.OTHER_NETWORKS,
    EXTERNAL: Stage.OTHER_NETWORKS,
    PRIVATE: Stage.PRIVATE_NETWORKS,
}


def stages(entries: Sequence[Entry]) -> Iterator[tuple[Stage, list[Entry]]]:
    """Those that could be read, by their stages; within one in the order of the files."""
    machines = [entry.doc for entry in entries if isinstance(entry.doc, MachineDoc)]
    allocated = {ip for machine in machines for ip in machine.ips}
    in_order = sorted(entries, key=lambda entry: _stage(entry, allocated))
    for stage, together in groupby(in_order, key=lambda entry: _stage(entry, allocated)):
        yield stage, list(together)


def _stage(entry: Entry, allocated: set[IP]) -> Stage:
    match entry.doc:
        case PartitionDoc():
            return Stage.PARTITIONS
        case ProjectDoc():
            return Stage.PROJECTS
        case NetworkDoc(kind=kind):
            return _NETWORKS[kind]
        case AddressDoc(ipaddress=ip):
            is_of_machine = ip in allocated
            return Stage.ADDRESSES_OF_MACHINES if is_of_machine else Stage.RESERVED_ADDRESSES
        case MachineDoc(networks=networks):
            is_given = all(network.ips for network in networks)
            return Stage.MACHINES if is_given else Stage.MACHINES_TO_PICK_FOR
    return Stage.OTHERS
