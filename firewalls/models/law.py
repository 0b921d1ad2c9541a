"""Laws that stay true: who reaches what, and who does not."""

from collections.abc import Iterator
from typing import Any

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from firewalls.models.validators import MAX_PORT
from firewalls.reachability import laws
from networks.common.fields import one_line
from networks.common.limits import MOST_NETWORKS, AtMost
from networks.common.triggers import Recorded
from networks.common.validation import Check, ChoiceCheck, ValidatedModel
from networks.common.violations import Violation, named
from networks.models import Network, Partition, Project

LONGEST_ID = 200
NOBODY_NAMED = Q(projects=[], networks=[])
ANY_FAMILY, _PORT = Q(family=None), Q(port__range=(1, MAX_PORT))
PROTOCOLS = ["", "tcp", "udp", "icmp"]
_TARGET = "COALESCE(this.to_network_id, this.to_project_id, 'internet')"
ONLY, ALWAYS, NOBODY = "only", "always", "nobody"


def _ids(kind: str) -> "ArrayField[Any, Any]":
    return ArrayField(
        models.CharField(max_length=LONGEST_ID),
        default=list,
        blank=True,
        validators=[AtMost(MOST_NETWORKS)],
        help_text=f"Ids of {kind}, whose machines are meant.",
    )


class Law(ValidatedModel):
    """Who reaches what: a change that breaks it is refused, or warned of."""

    class Kind(models.TextChoices):
        ONLY = ONLY, "only these reach it"
        ALWAYS = ALWAYS, "these always reach it"
        NOBODY = NOBODY, "nobody reaches it, or nobody of these"

    class Mode(models.TextChoices):
        REFUSE = "refuse", "refuse what breaks it"
        WARN = "warn", "warn of what breaks it"

    class Protocol(models.TextChoices):
        TCP = "tcp", "tcp"
        UDP = "udp", "udp"
        ICMP = "icmp", "ping"

    kind = models.CharField(max_length=6, choices=Kind.choices)
    mode = models.CharField(max_length=6, choices=Mode.choices, default=Mode.REFUSE)
    partition = models.ForeignKey(
        Partition,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="laws",
        help_text="Where it is law; empty: in all of them.",
    )
    projects = _ids("projects")
    networks = _ids("networks")
    outside = models.BooleanField(
        "from outside",
        default=False,
        help_text="Of nobody: only what is let in from outside the partition is meant.",
    )
    to_network = models.ForeignKey(
        Network,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="laws",
        help_text="What is reached. Neither a network nor a project: the internet.",
    )
    to_project = models.ForeignKey(
        Project,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="laws",
        help_text="Each private network of it is meant.",
    )
    protocol = models.CharField(
        max_length=4, choices=Protocol.choices, blank=True, help_text="Empty: any."
    )
    port = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_PORT)],
        help_text="Of the machine that is reached; empty: any.",
    )
    family = models.PositiveSmallIntegerField(
        "address family",
        null=True,
        blank=True,
        choices=[(4, "IPv4"), (6, "IPv6")],
        help_text="Empty: each that both ends have.",
    )
    reason = models.CharField(max_length=400, blank=True, validators=[one_line])
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            ChoiceCheck(name="law_kind_is_known", condition=Q(kind__in=[ONLY, ALWAYS, NOBODY])),
            ChoiceCheck(name="law_mode_is_known", condition=Q(mode__in=["refuse", "warn"])),
            ChoiceCheck(name="law_protocol_is_known", condition=Q(protocol__in=PROTOCOLS)),
            ChoiceCheck(name="law_family_is_known", condition=ANY_FAMILY | Q(family__in=[4, 6])),
            ChoiceCheck(name="law_port_is_one", condition=Q(port=None) | _PORT),
            Check(
                field="to_project",
                name="law_is_about_one_target",
                condition=Q(to_network=None) | Q(to_project=None),
                violation_error_code="one_target",
                violation_error_message="What is reached is a network or a project, not both.",
            ),
            Check(
                field="projects",
                name="law_names_somebody",
                condition=Q(kind=NOBODY) | ~NOBODY_NAMED,
                violation_error_code="names_nobody",
                violation_error_message="Name the projects or networks that it is about.",
            ),
            Check(
                field="outside",
                name="law_about_outside_names_nobody",
                condition=Q(outside=False)
                | (Q(kind=NOBODY) & NOBODY_NAMED & ~Q(to_network=None, to_project=None)),
                violation_error_code="outside_alone",
                violation_error_message=(
                    "From outside comes whom nobody names here, into a network: choose nobody,"
                    " name no project and no network, and say what is reached."
                ),
            ),
            Check(
                field="port",
                name="law_has_a_port_where_it_needs_one",
                condition=~Q(kind=ALWAYS)
                | Q(protocol="icmp")
                | (Q(protocol__in=["tcp", "udp"]) & Q(port__isnull=False)),
                violation_error_code="no_port_named",
                violation_error_message=(
                    "What always reaches something does so by ping, or on a port of tcp or udp."
                ),
            ),
            Check(
                field="port",
                name="law_about_ping_has_no_port",
                condition=~Q(protocol="icmp") | Q(port=None),
                violation_error_code="no_port",
                violation_error_message="A ping has no port.",
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="waits_for_changes",
                level=pgtrigger.Statement,
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
                func="PERFORM firewalls_alone(); RETURN NULL;",
            ),
            pgtrigger.Trigger(
                name="to_be_judged",
                when=pgtrigger.After,
                operation=pgtrigger.Insert | pgtrigger.Update,
                func="PERFORM firewalls_note('law', ARRAY['law:' || NEW.id]); RETURN NULL;",
            ),
            pgtrigger.Trigger(
                name="is_broken_no_more",
                when=pgtrigger.After,
                operation=pgtrigger.Delete,
                func="DELETE FROM firewalls_breach WHERE law_id = OLD.id; RETURN NULL;",
            ),
            Recorded(
                label=f"this.kind || ' ' || {_TARGET}",
                hidden=["id", "created_at"],
            ),
        ]

    def __str__(self) -> str:
        return self.sentence

    @property
    def sentence(self) -> str:
        """The law as people say it."""
        return self.value.sentence

    @property
    def value(self) -> laws.Law:
        """As reachability takes it."""
        return laws.Law(
            id=self.pk or 0,
            kind=laws.Kind(self.kind),
            projects=frozenset(self.projects),
            networks=frozenset(self.networks),
            outside=self.outside,
            target_network=self.to_network_id or "",
            target_project=self.to_project_id or "",
            protocol=self.protocol,
            port=self.port,
            family=self.family,
            partition=self.partition_id or "",
        )

    @property
    def refuses(self) -> bool:
        return bool(self.mode == self.Mode.REFUSE)

    def standing_violations(self) -> Iterator[Violation]:
        private = Network.objects.filter(kind=Network.Kind.PRIVATE)
        known: dict[str, Any] = {"projects": Project.objects.all(), "networks": private}
        for field, rows in known.items():
            ids = set(getattr(self, field))
            missing = ids - set(rows.filter(pk__in=ids).values_list("pk", flat=True))
            if missing:
                what = "project" if field == "projects" else "private network"
                yield Violation(field, "does_not_exist", f"No {what}: {named(missing)}.")
        there = self.to_network
        if there is not None and there.kind != Network.Kind.PRIVATE:
            reason = f"{there} is no private network; leave it empty for the internet."
            yield Violation("to_network", "not_private", reason)
        elif there is not None and self.partition_id not in (None, there.partition_id):
            reason = f"{there} is of another partition (R2)."
            yield Violation("partition", "other_partition", reason)
