"""Partitions and projects, their networks, prefixes and addresses."""

from networks.models.activity import Activity, ActivityQuerySet
from networks.models.address import Address
from networks.models.carried import Carried, CarriedQuerySet
from networks.models.import_note import ImportNote
from networks.models.network import Network, NetworkQuerySet
from networks.models.places import Partition, Project
from networks.models.prefix import Prefix

__all__ = [
    "Activity",
    "ActivityQuerySet",
    "Address",
    "Carried",
    "CarriedQuerySet",
    "ImportNote",
    "Network",
    "NetworkQuerySet",
    "Partition",
    "Prefix",
    "Project",
]
