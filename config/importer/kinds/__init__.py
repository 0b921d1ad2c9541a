"""The kinds of objects in metal-api's dumps: their shapes, in metal-api's words."""

from config.importer.kinds.addresses import AddressDoc
from config.importer.kinds.machines import MachineDoc
from config.importer.kinds.networks import NetworkDoc
from config.importer.kinds.places import PartitionDoc, ProjectDoc
from config.importer.kinds.rules import RulesDoc
from config.importer.kinds.shape import Doc

KINDS: dict[str, type[Doc]] = {
    "partition": PartitionDoc,
    "project": ProjectDoc,
    "network": NetworkDoc,
    "address": AddressDoc,
    "machine": MachineDoc,
    "rules": RulesDoc,
}
MARKS = frozenset(mark for kind in KINDS.values() for mark in kind.MARKS)

__all__ = [
    "KINDS",
    "MARKS",
    "AddressDoc",
    "Doc",
    "MachineDoc",
    "NetworkDoc",
    "PartitionDoc",
    "ProjectDoc",
    "RulesDoc",
]
