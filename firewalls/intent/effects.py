"""What sharing, joining or leaving a network would change, before anybody does it. Nothing here is kept."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Generic, NamedTuple, TypeVar
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Count, Q

from firewalls.allocation import join, leave
from firewalls.configuration import plan
from firewalls.configuration.diffs import Files
from firewalls.configuration.render import render
from firewalls.intent.facts import facts
from firewalls.intent.foresight import Change
from firewalls.intent.revisions import rendered
from firewalls.models import Attachment, Firewall
from machines import rules
from machines.models import Machine
from networks.common.addressing import IP, Cidr
from networks.common.violations import Violation
from networks.models import Address, Network

T = TypeVar("T", bound=models.Model)


class Bridge(NamedTuple):
    """A firewall with the network and the machines behind it."""

    firewall: Firewall
    machines: int
    addresses: tuple[IP, ...] = ()  # where it has joined: what they hide behind there

    @property
    def network(self) -> Network:
        return self.firewall.primary


@dataclass(frozen=True, slots=True)
class ShareEffect:
    """What will be true once the network is shared, or which rules forbid it."""

    network: Network
    violations: tuple[Violation, ...]
    could_join: tuple[Bridge, ...]
    machines_by_project: Mapping[str, int]
    prefixes: tuple[Cidr, ...]
    own_firewalls: tuple[Firewall, ...]
    changes: tuple[Change, ...]

    @property
    def allowed(self) -> bool:
        return not self.violations

    @property
    def machines(self) -> int:
        """How many machines behind other firewalls could then reach the network."""
        return sum(self.machines_by_project.values())


class Choice(NamedTuple, Generic[T]):
    """A firewall or network to pick in a join, and if it may not be picked, why."""

    item: T
    allowed: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Preview:
    """What joining or leaving would do to one firewall: its addresses in that network, and its configuration."""

    addresses: tuple[IP, ...]
    change: Change


def share_effect(network: Network) -> ShareEffect:
    """What marking the network as shared would change. A constant number of queries for any number of firewalls."""
    violations = _refusals(network)
    own = tuple(Firewall.objects.with_relations().filter(machine__primary=network))
    could_join = () if violations else tuple(_could_join(network))
    return ShareEffect(
        network=network,
        violations=violations,
        could_join=could_join,
        machines_by_project=_machines_by_project(could_join),
        prefixes=tuple(prefix.cidr for prefix in network.prefixes.all()),
        own_firewalls=own,
        changes=() if violations or network.shared else tuple(_changes_by_sharing(own)),
    )


def _refusals(network: Network) -> tuple[Violation, ...]:
    """The rules that forbid sharing, asked of a copy with the same words that saving would use."""
    shared = copy(network)
    shared.shared = True
    try:
        shared.full_clean()
    except ValidationError as error:
        found = [(field, one) for field, errors in error.error_dict.items() for one in errors]
        return tuple(
            Violation(field, one.code or "invalid", " ".join(one.messages)) for field, one in found
        )
    return ()


def _could_join(network: Network) -> list[Bridge]:
    candidates = Firewall.objects.with_relations().filter(machine__partition=network.partition)
    candidates = candidates.exclude(machine__primary=network).exclude(attachments__network=network)
    return bridges(candidates)


def bridges(firewalls: Iterable[Firewall]) -> list[Bridge]:
    """The firewalls with the number of machines behind each, in one query."""
    rows = list(firewalls)
    primaries = {row.machine.primary_id for row in rows}
    counts = dict(
        Machine.objects.plain()
        .filter(primary__in=primaries)
        .order_by()
        .values_list("primary")
        .annotate(machines=Count("id"))
    )
    return [Bridge(row, counts.get(row.machine.primary_id, 0)) for row in rows]


def consumers(network: Network) -> list[Bridge]:
    """The firewalls that joined the network, with the machines behind each and the addresses that these hide behind."""
    own: dict[UUID | None, list[IP]] = {}
    for machine, address in (
        Address.objects.filter(prefix__network=network)
        .order_by("address")
        .values_list("machine", "address")
    ):
        own.setdefault(machine, []).append(address)
    found = bridges(
        Firewall.objects.with_relations().with_state().filter(attachments__network=network)
    )
    return [bridge._replace(addresses=tuple(own.get(bridge.firewall.pk, ()))) for bridge in found]


def _machines_by_project(found: Sequence[Bridge]) -> dict[str, int]:
    """Machines per project; those behind two firewalls of one network count once."""
    behind = {
        bridge.network.pk: (bridge.network.project_id or "", bridge.machines) for bridge in found
    }
    total: Counter[str] = Counter()
    for project, machines in behind.values():
        total[project] += machines
    return {project: total[project] for project in sorted(total) if total[project]}


def _changes_by_sharing(own: Sequence[Firewall]) -> Iterator[Change]:
    by_id = {firewall.pk: firewall for firewall in own}
    for pk, now in facts(by_id).items():
        before = render(plan.plan(now))
        after = render(plan.plan(replace(now, primary=replace(now.primary, shared=True))))
        if before != after:
            yield Change(by_id[pk], before, after)


def join_choices(firewall: Firewall) -> list[Choice[Network]]:
    """The networks the firewall may join, and why it may not join the others: shared, external, or of its project."""
    joined = set(firewall.attachments.values_list("network_id", flat=True))
    rows = (
        Network.objects.select_related("partition", "project")
        .prefetch_related("prefixes")
        .filter(
            Q(shared=True)
            | Q(kind=Network.Kind.EXTERNAL)
            | Q(kind=Network.Kind.PRIVATE, project=firewall.project)
        )
    )
    return _sorted(_choice(row, firewall, row, row.pk in joined) for row in rows)


def firewall_choices(network: Network, named: str = "") -> list[Choice[Firewall]]:
    """The firewalls whose name has this in it that may join the network, and why the others may not."""
    joined = set(Attachment.objects.filter(network=network).values_list("firewall_id", flat=True))
    rows = Firewall.objects.with_relations().with_state().filter(machine__name__icontains=named)
    return _sorted(_choice(row, row, network, row.pk in joined) for row in rows)


def _choice(item: T, firewall: Firewall, network: Network, joined: bool) -> Choice[T]:
    home = (firewall.primary.pk, firewall.project.pk, firewall.partition.pk)
    found = [*rules.not_explicit(network, "network")] or [*rules.may_join(network, *home)]
    if joined:
        return Choice(item, False, _joined_already())
    return Choice(item, not found, found[0].message if found else "")


def _joined_already() -> str:
    constraint = next(one for one in Attachment._meta.constraints if one.name == "joins_once")
    return str(constraint.violation_error_message)


def _sorted(choices: Iterator[Choice[T]]) -> list[Choice[T]]:
    return sorted(choices, key=lambda choice: (not choice.allowed, str(choice.item)))


def join_preview(
    firewall: Firewall, network: Network, *, auto: bool = True, addresses: Sequence[IP] = ()
) -> Preview:
    """What joining would do. Raises ValidationError with the same words as joining itself."""
    return _tried(
        firewall, network, lambda: join(firewall, network, auto=auto, addresses=addresses)
    )


def leave_preview(firewall: Firewall, network: Network) -> Preview:
    """What leaving would do. Raises ValidationError with the same words as leaving itself."""
    return _tried(firewall, network, lambda: leave(firewall, network))


def _tried(firewall: Firewall, network: Network, action: Callable[[], object]) -> Preview:
    """Do it, look, and roll it back: the same code decides here and there, so the two cannot disagree."""
    with transaction.atomic():
        had = _addresses(firewall, network)
        before = _files(firewall.pk)
        action()
        preview = Preview(
            had or _addresses(firewall, network), Change(firewall, before, _files(firewall.pk))
        )
        transaction.set_rollback(True)
    return preview


def _files(pk: UUID) -> Files:
    return rendered([pk]).get(pk, {})


def _addresses(firewall: Firewall, network: Network) -> tuple[IP, ...]:
    own = firewall.machine.addresses.filter(prefix__network=network).order_by("address")
    return tuple(own.values_list("address", flat=True))
