"""Partitions and projects: where networks are, and whose."""

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from networks.common import finding, waves
from networks.common.fields import (
    CidrField,
    IdentifierField,
    InetField,
    host,
    one_line,
    sizes_of_waves,
)
from networks.common.limits import MOST_CIDRS, MOST_SERVERS, AtMost
from networks.common.mtu import FABRIC_MTU, LARGEST_FABRIC, SMALLEST_FABRIC
from networks.common.triggers import Recorded
from networks.common.validation import ChoiceCheck, ValidatedModel


class Partition(ValidatedModel):
    """A data-centre location with its own fabric: one failure domain.

    Shared networks end at its edge.
    """

    id = IdentifierField()
    name = models.CharField(max_length=120, validators=[one_line])
    description = models.CharField(max_length=400, blank=True, validators=[one_line])
    dns_servers = ArrayField(
        InetField(), default=list, blank=True, validators=[AtMost(MOST_SERVERS)]
    )
    ntp_servers = ArrayField(
        models.CharField(max_length=253, validators=[host]),
        default=list,
        blank=True,
        validators=[AtMost(MOST_SERVERS)],
    )
    management_prefixes = ArrayField(
        CidrField(),
        default=list,
        blank=True,
        validators=[AtMost(MOST_CIDRS)],
        help_text="Who may reach the SSH of the partition's firewalls.",
    )
    fabric_mtu = models.PositiveIntegerField(
        "fabric MTU",
        default=FABRIC_MTU,
        validators=[MinValueValidator(SMALLEST_FABRIC), MaxValueValidator(LARGEST_FABRIC)],
        help_text="The largest packet, in bytes, that the links of the fabric take. The networks "
        "get 50 bytes less, which VXLAN needs, and 9000 at most.",
    )
    auto_push = models.BooleanField(
        default=False,
        help_text="Push changed configurations without being asked; "
        "otherwise they wait as pending.",
    )
    pushes_at_once = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="So many pushes run at a time, the others wait; empty: as many as workers carry.",
    )

    auto_waves = models.CharField(
        "waves of what is pushed by itself",
        max_length=waves.LONGEST_TEXT,
        default=waves.DEFAULT_TEXT,
        db_default=waves.DEFAULT_TEXT,
        validators=[sizes_of_waves],
        help_text="Sizes in order: numbers, percentages, or rest; each begins when the one before "
        "has ended.",
    )
    auto_max_failures = models.PositiveSmallIntegerField(
        "failures of what is pushed by itself",
        default=0,
        db_default=0,
        help_text="So many firewalls may fail; one more stops what is pushed by itself.",
    )

    class Meta:
        ordering = ["id"]
        constraints = [
            ChoiceCheck(
                name="fabric_mtu_carries_ipv6",
                condition=Q(fabric_mtu__range=(SMALLEST_FABRIC, LARGEST_FABRIC)),
            ),
            ChoiceCheck(name="pushes_at_once_are_some", condition=Q(pushes_at_once__gte=1)),
            ChoiceCheck(name="auto_waves_are_sizes", condition=Q(auto_waves__regex=waves.TEXT)),
        ]
        triggers = [Recorded(label="this.id")]

    def __str__(self) -> str:
        return self.id


class ProjectQuerySet(models.QuerySet["Project"]):
    def named(self, text: str) -> "ProjectQuerySet":
        """The project of this id; where none has it, those that may be meant."""
        exact = self.filter(pk=text)
        return exact if exact.exists() else self.matching(text)

    def matching(self, text: str) -> "ProjectQuerySet":
        """Projects whose id, name or tenant has all of these words."""
        return self.filter(finding.words(text, ("id", "name", "tenant")))


class Project(ValidatedModel):
    """The owner of networks, addresses, machines and firewalls."""

    id = IdentifierField()
    name = models.CharField(max_length=120, validators=[one_line])
    tenant = models.CharField(max_length=120, blank=True, validators=[one_line])
    description = models.CharField(max_length=400, blank=True, validators=[one_line])

    objects = ProjectQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        triggers = [Recorded(label="this.id")]

    def __str__(self) -> str:
        return self.id
