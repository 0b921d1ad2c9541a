"""Firewalls and what belongs to them, for support staff."""

from firewalls.admin.access import SshAccessAdmin
from firewalls.admin.acknowledgements import AcknowledgementAdmin
from firewalls.admin.attachments import AttachmentAdmin
from firewalls.admin.endpoints import EndpointAdmin
from firewalls.admin.firewalls import FirewallAddForm, FirewallAdmin
from firewalls.admin.history import DriftAdmin, PushAdmin, RevisionAdmin, RolloutAdmin
from firewalls.admin.laws import LawAdmin
from firewalls.admin.retired import CarriedAdmin, RetiredAdmin
from firewalls.admin.rules import RuleAdmin
from firewalls.admin.when import ChoiceAdmin, HoldAdmin, WindowAdmin

__all__ = [
    "AcknowledgementAdmin",
    "AttachmentAdmin",
    "CarriedAdmin",
    "ChoiceAdmin",
    "DriftAdmin",
    "EndpointAdmin",
    "FirewallAddForm",
    "FirewallAdmin",
    "HoldAdmin",
    "LawAdmin",
    "PushAdmin",
    "RetiredAdmin",
    "RevisionAdmin",
    "RolloutAdmin",
    "RuleAdmin",
    "SshAccessAdmin",
    "WindowAdmin",
]
