"""A firewall is a machine that guards its primary network and may join further ones."""

import re
from collections.abc import Iterator
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, cast
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Case, Exists, F, OuterRef, Q, Subquery, Value, When

from firewalls import guards
from firewalls.configuration.values import COMMENT_BYTES, ENDS_A_QUOTE
from machines import rules
from machines.models import Machine
from networks.common.triggers import FIREWALL, MACHINE, Recorded
from networks.common.validation import Unique, ValidatedModel
from networks.common.violations import Violation
from networks.models import Network, Partition, Project

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager

    from firewalls.models.push import Push, Revision
    from firewalls.models.rule import Rule

PORTS = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?\Z")
MAX_PORT = 65535
NAME = FIREWALL.format(row="this")
interface_name = RegexValidator(
    r"\A[a-z][a-z0-9.]{0,14}\Z",
    "An interface name has at most 15 of a-z, 0-9 and '.'.",
    "invalid_interface",
)
ssh_host = RegexValidator(r"\A[A-Za-z0-9.:-]+\Z", "A host is a name or an address.", "invalid_host")
ssh_user = RegexValidator(
    r"\A[a-z_][a-z0-9_.-]*\Z", "A user name has a-z, 0-9, '.', '_' and '-'.", "invalid_user"
)
host_key = RegexValidator(
    r"\A(ssh-ed25519|ecdsa-sha2-nistp(256|384|521)|ssh-rsa) [A-Za-z0-9+/=]+\Z",
    "A host key is a line such as 'ssh-ed25519 AAAA…', as /etc/ssh/ssh_host_ed25519_key.pub has it, without the comment.",
    "invalid_host_key",
)


def default_uplinks() -> list[str]:
    return ["lan0", "lan1"]


def port_range(value: str) -> None:
    """Accept `443` and `8000-8100`."""
    found = PORTS.match(value)
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not 1 <= first <= last <= MAX_PORT:
        raise ValidationError(
            f"{value!r} is not a port such as 443 or a range such as 8000-8100.",
            code="invalid_port",
        )


# Another host key than the pinned one was shown, and nobody has judged it since.
KEY_CHANGED = Q(offered_for=F("host_key")) & ~Q(offered_for="")
# What trouble leaves on the firewall itself; a push that went wrong leaves none there.
MARKED = Q(unreachable_since__isnull=False) | Q(drifted_at__isnull=False) | KEY_CHANGED


def nftables_comment(value: str) -> None:
    """Refuse a comment that nftables could not carry as it is."""
    if set(value) & ENDS_A_QUOTE or len(value.encode()) > COMMENT_BYTES:
        reason = f'A comment is one line without " and \\, of at most {COMMENT_BYTES} bytes: so nftables can carry it.'
        raise ValidationError(reason, code="not_spelled")


class FirewallQuerySet(models.QuerySet["Firewall"]):
    def with_state(self) -> "FirewallQuerySet":
        """Annotate `state`, computed from what was wanted, applied, pushed and found."""
        from firewalls.models.push import Push  # noqa: PLC0415 - the two models refer to each other

        pushes = Push.objects.filter(firewall=OuterRef("pk"))
        last = (
            pushes.ended()
            .order_by("-finished_at")
            .annotate(outcome=Case(When(unanswered=True, then=Value("")), default=F("state")))
        )
        State = Firewall.State
        return self.alias(last_push=Subquery(last.values("outcome")[:1])).annotate(  # type: ignore[no-redef]
            state=Case(
                When(KEY_CHANGED, then=Value(State.FAILED)),
                When(Exists(pushes.open()), then=Value(State.PUSHING)),
                When(unreachable_since__isnull=False, then=Value(State.UNREACHABLE)),
                When(last_push__in=Push.BROKEN, then=Value(State.FAILED)),
                When(drifted_at__isnull=False, then=Value(State.DRIFTED)),
                When(applied=None, then=Value(State.NEW)),
                When(applied=F("wanted"), then=Value(State.IN_SYNC)),
                default=Value(State.PENDING),
                output_field=models.CharField(),
            )
        )

    def in_state(self, *states: str) -> "FirewallQuerySet":
        """Those in one of these states, with `state` annotated."""
        return self.with_state().filter(state__in=states)  # type: ignore[misc] # annotated

    def in_trouble(self) -> "FirewallQuerySet":
        """Those that are failed, drifted or unreachable, with `state` annotated.

        They are few and every page asks for them, so their state is computed only where something hints at trouble.
        """
        from firewalls.models.push import Push  # noqa: PLC0415 - the two models refer to each other

        return self.filter(
            MARKED | Q(pk__in=Push.objects.broken_last().values("firewall"))
        ).in_state(*Firewall.TROUBLE)

    def behind(self) -> "FirewallQuerySet":
        """Those that want another configuration than they have, in partitions that push by themselves.

        Not where somebody chose an older revision over the one that is wanted now: that stands until something else is wanted.
        """
        from firewalls.models.push import Push  # noqa: PLC0415 - the two models refer to each other

        ended = Push.objects.filter(firewall=OuterRef("pk"), finished_at__isnull=False).order_by(
            "-finished_at"
        )
        rows = (
            self.in_state(Firewall.State.NEW, Firewall.State.PENDING)
            .filter(machine__partition__auto_push=True)
            .exclude(host="")
        )
        return rows.alias(refused=Subquery(ended.values("instead_of")[:1])).filter(
            Q(refused=None) | ~Q(refused=F("wanted"))
        )

    def chosen(
        self, partition: Partition | None = None, network: Network | None = None
    ) -> "FirewallQuerySet":
        """Those of a partition, and those that live in a network or have joined it."""
        rows = self.filter(machine__partition=partition) if partition else self
        if network is None:
            return rows
        joined = Attachment.objects.filter(firewall=OuterRef("pk"), network=network)
        return rows.filter(Q(machine__primary=network) | Q(Exists(joined)))

    def state_counts(self) -> dict[str, int]:
        """How many firewalls are in each state that occurs."""
        return dict(self.with_state().order_by().values_list("state").annotate(models.Count("pk")))  # type: ignore[misc]

    def with_relations(self) -> "FirewallQuerySet":
        """Everything a list of firewalls shows of each, without a query per row."""
        return self.with_revisions().select_related(
            "machine__partition", "machine__project", "machine__primary"
        )

    def with_revisions(self) -> "FirewallQuerySet":
        """The revisions wanted and applied come along, without their files: long texts, which no list shows."""
        return self.select_related("wanted", "applied").defer("wanted__files", "applied__files")


class Firewall(ValidatedModel):
    """A machine that guards its primary network (one-to-one: addresses and networks exist once)."""

    class State(models.TextChoices):
        NEW = "new", "new"
        IN_SYNC = "in_sync", "in sync"
        PENDING = "pending", "pending"
        PUSHING = "pushing", "pushing"
        FAILED = "failed", "failed"
        DRIFTED = "drifted", "drifted"
        UNREACHABLE = "unreachable", "unreachable"

    TROUBLE = (State.FAILED, State.DRIFTED, State.UNREACHABLE)

    machine = models.OneToOneField(
        Machine, models.CASCADE, primary_key=True, related_name="firewall"
    )
    uplinks = ArrayField(
        models.CharField(max_length=15, validators=[interface_name]),
        default=default_uplinks,
        help_text="Interfaces to the leaves.",
    )
    host = models.CharField(
        max_length=253, blank=True, validators=[ssh_host], help_text="Where its SSH answers."
    )
    port = models.PositiveIntegerField(
        default=22, validators=[MinValueValidator(1), MaxValueValidator(MAX_PORT)]
    )
    user = models.CharField(max_length=63, default="shared-networks", validators=[ssh_user])
    host_key = models.CharField(
        max_length=1000,
        blank=True,
        validators=[host_key],
        help_text="Pinned: no other key is accepted.",
    )
    practice = models.BooleanField(
        default=False, help_text="A folder behind a real SSH server, without a kernel of its own."
    )
    wanted = models.ForeignKey(
        "firewalls.Revision",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
    )
    applied = models.ForeignKey(
        "firewalls.Revision",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
    )
    drifted_at = models.DateTimeField(null=True, blank=True, editable=False)
    drift = models.TextField(blank=True, editable=False)
    unreachable_since = models.DateTimeField(null=True, blank=True, editable=False)
    checked_at = models.DateTimeField(null=True, blank=True, editable=False)
    check_due_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="When it is looked at next; empty: when possible.",
    )
    silences = models.PositiveIntegerField(
        default=0, editable=False, help_text="How often in a row it did not answer."
    )
    offered_key = models.CharField(
        max_length=1000,
        blank=True,
        editable=False,
        help_text="The host key it showed that is not pinned.",
    )
    offered_for = models.CharField(
        max_length=1000,
        blank=True,
        editable=False,
        help_text="What was pinned when it showed that key.",
    )
    offered_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = FirewallQuerySet.as_manager()

    if TYPE_CHECKING:
        attachments: "RelatedManager[Attachment]"
        state: str  # where with_state() annotated it
        rules: "RelatedManager[Rule]"
        revisions: "RelatedManager[Revision]"
        pushes: "RelatedManager[Push]"

    class Meta:
        ordering = ["machine__name", "machine_id"]
        triggers = [
            Recorded(
                label=MACHINE.format(row="this"),
                about=["'machine:' || this.machine_id"],
                hidden=[
                    "machine",
                    "wanted",
                    "applied",
                    "checked_at",
                    "check_due_at",
                    "silences",
                    "drift",
                ],  # told by revisions and pushes
            )
        ]

    def __str__(self) -> str:
        return self.machine.name

    @property
    def id(self) -> UUID:
        return self.machine_id

    @property
    def name(self) -> str:
        return self.machine.name

    @property
    def partition(self) -> Partition:
        return self.machine.partition

    @property
    def project(self) -> Project:
        return self.machine.project

    @property
    def primary(self) -> Network:
        return self.machine.primary

    @property
    def key_changed(self) -> bool:
        """Whether it showed another host key than the pinned one, and nobody has judged that since: nothing is sent there."""
        return bool(self.offered_for) and self.offered_for == self.host_key

    @property
    def router_id(self) -> IPv4Address | None:
        """Its address in the underlay: loopback, VXLAN endpoint and BGP router id in one."""
        addresses = (
            a for a in self.machine.addresses.all() if a.network.kind == Network.Kind.UNDERLAY
        )
        return next((a.address for a in addresses if isinstance(a.address, IPv4Address)), None)


class Attachment(ValidatedModel):
    """A further network of a firewall: shared, external, or the underlay. Only firewalls can have one (R4)."""

    firewall = models.ForeignKey(Firewall, models.CASCADE, related_name="attachments")
    network = models.ForeignKey(Network, models.PROTECT, related_name="attachments")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["network_id"]
        constraints = [
            Unique(
                field="network",
                name="joins_once",
                fields=["firewall", "network"],
                violation_error_code="joined_already",
                violation_error_message="The firewall has joined this network already (R6).",
            )
        ]
        triggers = [
            *guards.ATTACHMENT,
            Recorded(
                label=f"{NAME} || ' in ' || this.network_id",
                hidden=["id"],
                shown_as={"firewall": FIREWALL},
                about=["'firewall:' || this.firewall_id", "'network:' || this.network_id"],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.firewall} in {self.network}"

    @property
    def role(self) -> str:
        return "shared" if self.network.kind == Network.Kind.PRIVATE else self.network.kind

    def standing_violations(self) -> Iterator[Violation]:
        machine = self.firewall.machine
        if self.network.kind == Network.Kind.SUPER:
            yield from rules.not_explicit(self.network, "network")
        yield from rules.may_join(
            self.network, machine.primary_id, machine.project_id, machine.partition_id
        )

    def change_violations(self, before: models.Model) -> Iterator[Violation]:
        was = cast(Attachment, before)
        yield from rules.keeps_attachment(
            (was.firewall_id, was.network_id) != (self.firewall_id, self.network_id)
        )

    def removal_violations(self) -> Iterator[Violation]:
        addresses = self.firewall.machine.addresses.filter(prefix__network=self.network_id).count()
        yield from rules.attachment_unused(self.firewall.name, self.network_id, addresses)
