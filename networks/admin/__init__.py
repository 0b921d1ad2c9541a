"""Networks for support staff: the rules and sentences of every other door.

Every form judges the whole row, as `networks.common.admin` says.
"""

from networks.admin.activity import ActivityAdmin
from networks.admin.addresses import AddressAdmin
from networks.admin.import_notes import ImportNoteAdmin
from networks.admin.networks import NetworkAdmin, PrefixAdmin
from networks.admin.places import PartitionAdmin, ProjectAdmin

__all__ = [
    "ActivityAdmin",
    "AddressAdmin",
    "ImportNoteAdmin",
    "NetworkAdmin",
    "PartitionAdmin",
    "PrefixAdmin",
    "ProjectAdmin",
]
