"""What the owner of a firewall lets through it."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from firewalls.configuration.values import ICMP
from firewalls.models.firewall import NAME, Firewall
from firewalls.models.validators import in_its_place, nftables_comment, port_range
from networks.common.addressing import versions
from networks.common.fields import CidrField, one_line
from networks.common.limits import MOST_CIDRS, MOST_PORTS, MOST_RULES, AtMost
from networks.common.triggers import FIREWALL, Recorded
from networks.common.validation import Check, ChoiceCheck, Unique, ValidatedModel, refuse
from networks.common.violations import Violation
from networks.rules import FAMILIES


def _spelled(families: list[int]) -> str:
    return " and ".join(FAMILIES[family] for family in families)


class Rule(ValidatedModel):
    """What may leave towards external networks (egress), or come in from them (ingress)."""

    class Direction(models.TextChoices):
        EGRESS = "egress"
        INGRESS = "ingress"

    class Protocol(models.TextChoices):
        TCP = "tcp"
        UDP = "udp"
        ICMP = "icmp"  # in IPv6: ICMPv6

    firewall = models.ForeignKey(Firewall, models.CASCADE, related_name="rules")
    direction = models.CharField(max_length=7, choices=Direction.choices)
    position = models.PositiveIntegerField(validators=[in_its_place])
    protocol = models.CharField(max_length=4, choices=Protocol.choices, default=Protocol.TCP)
    ports = ArrayField(
        models.CharField(max_length=11, validators=[port_range]),
        default=list,
        blank=True,
        validators=[AtMost(MOST_PORTS)],
        help_text="443 or 8000-8100; none for icmp",
    )
    sources = ArrayField(CidrField(), default=list, blank=True, validators=[AtMost(MOST_CIDRS)])
    destinations = ArrayField(
        CidrField(), default=list, blank=True, validators=[AtMost(MOST_CIDRS)]
    )
    comment = models.CharField(max_length=100, blank=True, validators=[one_line, nftables_comment])

    class Meta:
        ordering = ["firewall", "direction", "position"]
        constraints = [
            # With that each has a place of its own: that they are not too many.
            ChoiceCheck(name="rules_are_not_too_many", condition=Q(position__lte=MOST_RULES)),
            Unique(
                field="position",
                name="rule_has_its_place",
                fields=["firewall", "direction", "position"],
                violation_error_code="position_taken",
                violation_error_message="Another rule has this place already.",
            ),
            Check(
                field="ports",
                name="rule_has_ports_unless_icmp",
                condition=Q(protocol=ICMP, ports=[]) | (~Q(protocol=ICMP) & ~Q(ports=[])),
                violation_error_code="ports_of_protocol",
                violation_error_message=(
                    "A rule for tcp or udp names at least one port; icmp has none."
                ),
            ),
        ]
        triggers = [
            Recorded(
                label=f"{NAME} || ' ' || this.direction || ' ' || this.position",
                hidden=["id"],
                shown_as={"firewall": FIREWALL},
                about=["'firewall:' || this.firewall_id"],
            )
        ]

    def clean(self) -> None:
        super().clean()
        sources, destinations = versions(self.sources), versions(self.destinations)
        if sources and destinations and sources != destinations:
            reason = (
                f"What comes from {_spelled(sources)} does not go to {_spelled(destinations)}:"
                " give sources and destinations of the same address families,"
                " or a rule for each family."
            )
            refuse(Violation("destinations", "other_family", reason))

    def __str__(self) -> str:
        return f"{self.direction} {self.protocol} {', '.join(self.ports)}".rstrip()
