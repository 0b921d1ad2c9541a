"""What the owner of a firewall lets through it."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from firewalls.configuration.values import ICMP
from firewalls.models.firewall import NAME, Firewall
from firewalls.models.validators import nftables_comment, port_range
from networks.common.fields import CidrField, one_line
from networks.common.triggers import FIREWALL, Recorded
from networks.common.validation import Check, Unique, ValidatedModel


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
    position = models.PositiveIntegerField()
    protocol = models.CharField(max_length=4, choices=Protocol.choices, default=Protocol.TCP)
    ports = ArrayField(
        models.CharField(max_length=11, validators=[port_range]),
        default=list,
        blank=True,
        help_text="443 or 8000-8100; none for icmp",
    )
    sources = ArrayField(CidrField(), default=list, blank=True)
    destinations = ArrayField(CidrField(), default=list, blank=True)
    comment = models.CharField(max_length=100, blank=True, validators=[one_line, nftables_comment])

    class Meta:
        ordering = ["firewall", "direction", "position"]
        constraints = [
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

    def __str__(self) -> str:
        return f"{self.direction} {self.protocol} {', '.join(self.ports)}".rstrip()
