"""Pages about networks, and the audit trail."""

from networks.views.activity import activity, history, story
from networks.views.import_notes import import_notes
from networks.views.networks import network_detail, network_list
from networks.views.projects import project_options

__all__ = [
    "activity",
    "history",
    "import_notes",
    "network_detail",
    "network_list",
    "project_options",
    "story",
]
