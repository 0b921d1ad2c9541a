"""Firewalls: what they join, the configurations wanted of them, and how these get there."""

from firewalls.models.access import SshAccess
from firewalls.models.acknowledgement import Acknowledgement, AcknowledgementQuerySet
from firewalls.models.applier import Applier
from firewalls.models.attachment import Attachment
from firewalls.models.breach import Breach, Unjudged
from firewalls.models.choice import Choice
from firewalls.models.drift import AcceptedDrift, Drift
from firewalls.models.endpoint import Endpoint, EndpointQuerySet
from firewalls.models.firewall import Firewall
from firewalls.models.hold import Hold, HoldQuerySet
from firewalls.models.jump_host import JumpObservation
from firewalls.models.law import Law
from firewalls.models.locking import lock_firewall, lock_firewalls
from firewalls.models.member import Member, MemberQuerySet
from firewalls.models.needs import Needs
from firewalls.models.observation import Observation
from firewalls.models.push import Push, PushQuerySet
from firewalls.models.retired import Retired, RetiredQuerySet
from firewalls.models.revision import Revision
from firewalls.models.rollout import Rollout, RolloutQuerySet
from firewalls.models.rule import Rule
from firewalls.models.states import FirewallQuerySet
from firewalls.models.takeover import Survey, Takeover
from firewalls.models.touched import Touched
from firewalls.models.turns import Turn
from firewalls.models.window import Window

__all__ = [
    "AcceptedDrift",
    "Acknowledgement",
    "AcknowledgementQuerySet",
    "Applier",
    "Attachment",
    "Breach",
    "Choice",
    "Drift",
    "Endpoint",
    "EndpointQuerySet",
    "Firewall",
    "FirewallQuerySet",
    "Hold",
    "HoldQuerySet",
    "JumpObservation",
    "Law",
    "Member",
    "MemberQuerySet",
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
    "Turn",
    "Unjudged",
    "Window",
    "lock_firewall",
    "lock_firewalls",
]
