"""The state of a firewall, and firewalls by state. It is computed in SQL and stored nowhere."""

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Now

from machines.models import Machine
from networks.common.validation import InUse
from networks.common.violations import Violation
from networks.models import Address, Network, Partition

if TYPE_CHECKING:
    from firewalls.models.firewall import Firewall
    from firewalls.models.push import Push


class State(models.TextChoices):
    NEW = "new", "new"
    IN_SYNC = "in_sync", "in sync"
    PENDING = "pending", "pending"
    PUSHING = "pushing", "pushing"
    FAILED = "failed", "failed"
    REFUSED = "refused", "refused"
    DRIFTED = "drifted", "drifted"
    UNREACHABLE = "unreachable", "unreachable"


TROUBLE = (State.FAILED, State.REFUSED, State.DRIFTED, State.UNREACHABLE)
# Another host key than the pinned one was shown, and nobody has judged it since.
KEY_CHANGED = (
    Q(observation__offered_for=F("host_key"), observation__offered_for__gt="")
    & ~Q(observation__offered_key=F("host_key"))
    & (Q(key_dismissed_at=None) | Q(observation__offered_at__gt=F("key_dismissed_at")))
)

# It differs from what was applied, and nobody has accepted exactly that since it was found.
DRIFTED = Q(observation__drifted_at__isnull=False) & (
    Q(accepted_drift=None)
    | Q(difference=None)
    | ~Q(accepted_drift__digest=F("difference__digest"))
    | Q(accepted_drift__accepted_at__lt=F("difference__found_at"))
)


# A person has said that nothing is pushed to it, and the time of that has not come.
HELD = Q(hold__isnull=False) & (Q(hold__until=None) | Q(hold__until__gt=Now()))


class FirewallQuerySet(models.QuerySet["Firewall"]):
    def matching(self, text: str) -> "FirewallQuerySet":
        """Firewalls that are meant by what somebody typed, as machines are."""
        return self.filter(machine__in=Machine.objects.matching(text).order_by().values("pk"))

    def with_state(self) -> "FirewallQuerySet":
        """Annotate `state`, computed from what was wanted, applied, pushed and inspected."""
        from firewalls.models.push import Push  # noqa: PLC0415 - the two models refer to each other

        pushes = Push.objects.filter(firewall=OuterRef("pk"))
        looked_at_since = Q(finished_at__lt=OuterRef("observation__checked_at"))
        outcome = Case(
            When(unanswered=True, then=Value("")),
            When(looked_at_since, state=Push.State.UNSEEN, then=Value("")),
            default=F("state"),
        )
        last = pushes.ended().order_by("-finished_at").annotate(outcome=outcome)
        rows = self.alias(last_push=Subquery(last.values("outcome")[:1]))
        return rows.annotate(state=_state(pushes.open(), Push.BROKEN))  # type: ignore[no-redef]

    def in_state(self, *states: str) -> "FirewallQuerySet":
        """Those in one of these states, with `state` annotated."""
        return self.with_state().filter(state__in=states)  # type: ignore[misc] # annotated

    def found_in(self, state: str) -> "FirewallQuerySet":
        """Those in this state, of rows that are annotated with it."""
        rows = self.hinting_at_trouble() if state in TROUBLE else self
        return rows.filter(state=state)  # type: ignore[misc] # annotated

    def in_trouble(self) -> "FirewallQuerySet":
        """Those that are failed, refused, drifted or unreachable, with `state` annotated.

        They are few, and every page asks for them.
        """
        return self.hinting_at_trouble().in_state(*TROUBLE)

    def hinting_at_trouble(self) -> "FirewallQuerySet":
        """All that may be in trouble, found by indexes: only of these its state is computed."""
        from firewalls.models.observation import (  # noqa: PLC0415 - models refer to each other
            MARKED,
            Observation,
        )
        from firewalls.models.push import Push  # noqa: PLC0415 - the two models refer to each other

        marked = Observation.objects.filter(MARKED).values("firewall")
        broken = Push.objects.broken_last().values("firewall")
        return self.filter(Q(pk__in=marked) | Q(pk__in=broken))

    def behind(self) -> "FirewallQuerySet":
        """Those that want another configuration than they have, where pushes start by themselves.

        Not where somebody chose an older revision over the one that is wanted now: that stands
        until something else is wanted. Nor where it was given back: until it is taken over again.
        Nor where a person holds it.
        """
        from firewalls.models.push import Push  # noqa: PLC0415 - the two models refer to each other

        newest = Push.objects.ended().filter(firewall=OuterRef("pk")).order_by("-finished_at")
        rows = self.in_state(State.NEW, State.PENDING)
        rows = rows.filter(machine__partition__auto_push=True).exclude(host="").exclude(HELD)
        rows = rows.exclude(takeover__given_back_at__isnull=False)
        rows = rows.alias(refused=Subquery(newest.values("instead_of")[:1]))
        return rows.filter(Q(refused=None) | ~Q(refused=F("wanted")))

    def held(self) -> "FirewallQuerySet":
        """Those to which nothing is pushed, because a person has said so."""
        return self.filter(HELD)

    def refuse_if_held(self) -> None:
        """Raise InUse, with who holds one of these and why. They are locked."""
        for firewall in self.held().select_related("hold", "machine"):
            if hold := firewall.held:
                message = f"{hold.sentence}. End the hold first."
                raise InUse([Violation("firewall", "held", message)])

    def by_state(self) -> "QuerySet[Firewall, tuple[str, int]]":
        """How many firewalls are in each state that occurs."""
        rows: QuerySet[Firewall] = self.with_state().order_by()
        return rows.values_list("state").annotate(models.Count("pk"))  # type: ignore[misc]

    def chosen(
        self, partition: Partition | None = None, network: Network | None = None
    ) -> "FirewallQuerySet":
        """Those of a partition, and those that live in a network or have joined it."""
        rows = self.filter(machine__partition=partition) if partition else self
        if network is None:
            return rows
        return rows.in_network(network.pk)

    def in_network(self, network: str) -> "FirewallQuerySet":
        """Those that live in it, or have joined it."""
        joined = Q(pk__in=Network.objects.filter(pk=network).values("attachments__firewall"))
        return self.filter(Q(machine__primary=network) | joined)

    def with_router_id(self, address: object) -> "FirewallQuerySet":
        """Those that have this address in the underlay."""
        own = Address.objects.filter(machine=OuterRef("pk"), address=address)
        return self.filter(Exists(own.filter(prefix__network__kind=Network.Kind.UNDERLAY)))

    def with_relations(self) -> "FirewallQuerySet":
        """Everything a list of firewalls shows of each, without a query per row."""
        return self.with_revisions().select_related(
            "applier", "hold", "machine__partition", "machine__project", "machine__primary"
        )

    def with_places(self) -> "FirewallQuerySet":
        """What they are called, where and whose they are, and what is wanted; without the rest.

        For thousands of them, which are not all shown.
        """
        own = ("name", "partition", "project", "primary")
        rows = self.select_related("machine", "wanted")
        return rows.only("host", "wanted__number", *(f"machine__{name}" for name in own))

    def with_revisions(self) -> "FirewallQuerySet":
        """The revisions wanted and applied come along, without what is long of them."""
        rows = self.select_related("wanted", "observation__applied")
        of_applied = ("observation__applied__files", "observation__applied__plan")
        return rows.defer("wanted__files", "wanted__plan", *of_applied)


def _state(open_pushes: "QuerySet[Push]", broken: tuple[str, ...]) -> Case:
    """The first of these that holds."""
    return Case(
        When(KEY_CHANGED, then=Value(State.FAILED)),
        When(Exists(open_pushes), then=Value(State.PUSHING)),
        When(observation__unreachable_since__isnull=False, then=Value(State.UNREACHABLE)),
        When(last_push__in=broken, then=Value(State.FAILED)),
        When(observation__refused_at__isnull=False, then=Value(State.REFUSED)),
        When(DRIFTED, then=Value(State.DRIFTED)),
        When(observation__applied=None, then=Value(State.NEW)),
        When(observation__applied=F("wanted"), then=Value(State.IN_SYNC)),
        default=Value(State.PENDING),
        output_field=models.CharField(),
    )
