"""Firewalls: what they join, the configurations wanted of them, and how these get there."""

from firewalls.models.access import SshAccess
from firewalls.models.applier import Applier
from firewalls.models.attachment import Attachment
from firewalls.models.drift import AcceptedDrift, Drift
from firewalls.models.endpoint import Endpoint, EndpointQuerySet
from firewalls.models.firewall import Firewall
from firewalls.models.jump_host import JumpObservation
from firewalls.models.locking import lock_firewall, lock_firewalls
from firewalls.models.needs import Needs
from firewalls.models.observation import Observation
from firewalls.models.push import Push, PushQuerySet
from firewalls.models.retired import Retired, RetiredQuerySet
from firewalls.models.revision import Revision
from firewalls.models.rollout import Member, Rollout, RolloutQuerySet
from firewalls.models.rule import Rule
from firewalls.models.states import FirewallQuerySet
from firewalls.models.takeover import Survey, Takeover
from firewalls.models.touched import Touched

__all__ = [
    "AcceptedDrift",
    "Applier",
    "Attachment",
    "Drift",
    "Endpoint",
    "EndpointQuerySet",
    "Firewall",
    "FirewallQuerySet",
    "JumpObservation",
    "Member",
    "Needs",
    "Observation",
    "Push",
    "PushQuerySet",
    "Retired",
    "RetiredQuerySet",
    "Revision",
    "Rollout",
    "RolloutQuerySet",
    "Rule",
    "SshAccess",
    "Survey",
    "Takeover",
    "Touched",
    "lock_firewall",
    "lock_firewalls",
]
