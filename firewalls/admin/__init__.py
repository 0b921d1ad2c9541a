"""Firewalls and what belongs to them, for support staff."""

from firewalls.admin.access import SshAccessAdmin
from firewalls.admin.attachments import AttachmentAdmin
from firewalls.admin.endpoints import EndpointAdmin
from firewalls.admin.firewalls import FirewallAddForm, FirewallAdmin
from firewalls.admin.history import DriftAdmin, PushAdmin, RevisionAdmin, RolloutAdmin
from firewalls.admin.retired import CarriedAdmin, RetiredAdmin
from firewalls.admin.rules import RuleAdmin

__all__ = [
    "AttachmentAdmin",
    "CarriedAdmin",
    "DriftAdmin",
    "EndpointAdmin",
    "FirewallAddForm",
    "FirewallAdmin",
    "PushAdmin",
    "RetiredAdmin",
    "RevisionAdmin",
    "RolloutAdmin",
    "RuleAdmin",
    "SshAccessAdmin",
]
