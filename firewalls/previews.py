"""What sharing, joining, leaving, freeing and publishing would do, for those who decide on it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError

from firewalls.allocation import add_rule, free_firewall, join, leave, replace_rules
from firewalls.allocation.joining import Joins, attempt
from firewalls.intent.consumers import Bridge, bridges, with_versions
from firewalls.intent.effects import Effect, foresee
from firewalls.models import Endpoint, Firewall, Rule
from firewalls.publishing import amend, publish, withdraw
from networks.common.addressing import IP, Cidr
from networks.common.violations import Violation
from networks.models import Network


@dataclass(frozen=True, slots=True)
class SharePreview:
    """What would be true if the network were shared, or which rules forbid it."""

    network: Network
    violations: tuple[Violation, ...]
    could_join: tuple[Bridge, ...]
    machines_by_project: Mapping[str, int]
    prefixes: tuple[Cidr, ...]
    own_firewalls: tuple[Firewall, ...]
    effect: Effect[None]

    @property
    def allowed(self) -> bool:
        return not self.violations

    @property
    def machines(self) -> int:
        """How many machines behind other firewalls could then reach the network."""
        return sum(self.machines_by_project.values())

    @property
    def apart(self) -> int:
        """How many firewalls could join in vain: no address family is common to both networks."""
        return sum(not one.versions for one in self.could_join)

    @property
    def machines_by_tenant(self) -> list[tuple[str, int, int]]:
        """The tenants with machines that could reach it: how many projects and machines each has.

        Most machines first.
        """
        tenants = {one.network.project_id: _tenant(one) for one in self.could_join}
        projects = Counter(tenants[project] for project in self.machines_by_project)
        machines: Counter[str] = Counter()
        for project, number in self.machines_by_project.items():
            machines[tenants[project]] += number
        return [(name, projects[name], number) for name, number in machines.most_common()]


def share_preview(network: Network) -> SharePreview:
    """What sharing would do. A constant number of queries for any number of firewalls."""
    effect, violations = _share(network)
    could_join = () if violations else tuple(with_versions(network, _could_join(network)))
    return SharePreview(
        network=network,
        violations=violations,
        could_join=could_join,
        machines_by_project=_machines_by_project([one for one in could_join if one.versions]),
        prefixes=tuple(prefix.cidr for prefix in network.prefixes.all()),
        own_firewalls=tuple(
            Firewall.objects.with_relations().filter(machine__primary=network),
        ),
        effect=effect,
    )


def _share(network: Network) -> tuple[Effect[None], tuple[Violation, ...]]:
    """The effect, none where rules forbid it; a copy is shared, for sharing changes the object."""
    try:
        return foresee(lambda: copy(network).share(by="")), ()
    except ValidationError as error:
        violations = [
            Violation(field, one.code or "invalid", " ".join(one.messages))
            for field, errors in error.error_dict.items()
            for one in errors
        ]
        return Effect(None, {}, {}), tuple(violations)


def _could_join(network: Network) -> list[Bridge]:
    rows = Firewall.objects.select_related("machine__project", "machine__primary")
    candidates = rows.filter(machine__partition=network.partition)
    candidates = candidates.exclude(machine__primary=network).exclude(attachments__network=network)
    return bridges(candidates)


def _tenant(bridge: Bridge) -> str:
    project = bridge.firewall.machine.project
    return project.tenant if project else ""


def _machines_by_project(could_join: Sequence[Bridge]) -> dict[str, int]:
    """Machines per project; those behind two firewalls of one network count once."""
    by_network = {bridge.network.pk: bridge for bridge in could_join}
    total: Counter[str] = Counter()
    for bridge in by_network.values():
        total[bridge.network.project_id or ""] += bridge.machines
    return {project: total[project] for project in sorted(total) if total[project]}


def join_preview(
    firewall: Firewall, network: Network, *, addresses: Sequence[IP] = ()
) -> Effect[tuple[IP, ...]]:
    """What joining would do, and the addresses that the firewall would get there.

    Raises ValidationError with the same words as joining itself.
    """

    def action() -> tuple[IP, ...]:
        join(firewall, network, addresses=addresses)
        return _addresses(firewall, network)

    return foresee(action)


def joins_preview(firewalls: Sequence[Firewall], network: Network) -> Effect[Joins]:
    """What it would do if these joined together, as far as each of them may."""
    return foresee(lambda: attempt(firewalls, network))


def leave_preview(firewall: Firewall, network: Network) -> Effect[tuple[IP, ...]]:
    """What leaving would do, and the addresses that the firewall would give back.

    Raises ValidationError with the same words as leaving itself.
    """

    def action() -> tuple[IP, ...]:
        addresses = _addresses(firewall, network)
        leave(firewall, network)
        return addresses

    return foresee(action)


def rule_preview(rule: Rule) -> Effect[None]:
    """What adding the rule would do. Raises ValidationError with the same words."""
    return foresee(lambda: add_rule(copy(rule)))


def rules_preview(firewall: Firewall, rules: Sequence[Mapping[str, Any]]) -> Effect[None]:
    """What having these rules instead would do. Raises ValidationError with the same words."""
    return foresee(lambda: replace_rules(firewall, rules))


def free_preview(firewall: Firewall) -> Effect[None]:
    """What freeing it would change on others. Raises ValidationError with the same words."""

    def action() -> None:
        free_firewall(Firewall.objects.get(pk=firewall.pk))

    return foresee(action)


def publish_preview(wish: Mapping[str, Any]) -> Effect[None]:
    """What publishing an endpoint would change. Raises ValidationError as publishing does."""

    def action() -> None:
        publish(**wish)

    return foresee(action)


def amend_preview(endpoint: Endpoint, wish: Mapping[str, Any]) -> Effect[None]:
    """What changing an endpoint would change. Raises ValidationError as changing does."""

    def action() -> None:
        amend(endpoint, **wish)

    return foresee(action)


def withdraw_preview(endpoint: Endpoint) -> Effect[None]:
    """What removing an endpoint would change."""

    def action() -> None:
        withdraw(endpoint)

    return foresee(action)


def _addresses(firewall: Firewall, network: Network) -> tuple[IP, ...]:
    own = firewall.machine.addresses.filter(prefix__network=network).order_by("address")
    return tuple(own.values_list("address", flat=True))
