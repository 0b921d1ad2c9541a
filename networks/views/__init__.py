"""Pages about networks, and the audit trail."""

from networks.views.activity import activity, history
from networks.views.networks import network_detail, network_list

__all__ = ["activity", "history", "network_detail", "network_list"]
