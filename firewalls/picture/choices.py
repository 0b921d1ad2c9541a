"""What somebody wants to see of it: all that is chosen stands in the URL."""

from collections.abc import Container, Mapping
from dataclasses import dataclass, fields, replace
from urllib.parse import urlencode

from firewalls.picture.values import Consumer, Uses


@dataclass(frozen=True, slots=True)
class Choice:
    """The firewalls and networks to show; what is empty chooses nothing.

    `like`: a firewall whose set of networks others have joined too.
    `view` and `fold`: how to show them; empty: as fits. `pick`: what is to stand out.
    `open`: the rows of the matrix that are unfolded.
    """

    tenant: str = ""
    project: str = ""
    network: str = ""
    state: str = ""
    firewall: str = ""
    like: str = ""
    view: str = ""
    fold: str = ""
    order: str = ""
    pick: str = ""
    open: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether fewer than all are chosen."""
        return any(getattr(self, name) for name in NARROWING)

    def query(self, **changes: object) -> str:
        """The query of a URL for this choice with these changes."""
        changed = replace(self, **changes)  # type: ignore[arg-type] # strings, and `open`
        values = {one.name: getattr(changed, one.name) for one in fields(changed)}
        set_ones = [(name, value) for name, value in values.items() if value]
        return "?" + urlencode(set_ones, doseq=True)


NARROWING = ("tenant", "project", "network", "state", "firewall", "like")
NO_TENANT = "none"  # how a URL says that a project has no tenant


def read(given: Mapping[str, str], opened: tuple[str, ...] = ()) -> Choice:
    """What a URL says; nothing that it does not know."""
    names = [one.name for one in fields(Choice) if one.name != "open"]
    return Choice(**{name: given.get(name, "").strip() for name in names}, open=opened)


def tenant_key(tenant: str) -> str:
    """How a URL names a tenant."""
    return tenant or NO_TENANT


def tenant_of(key: str) -> str:
    """The tenant that a URL names."""
    return "" if key == NO_TENANT else key


def chosen(uses: Uses, choice: Choice) -> Uses:
    """The part of it that is chosen: firewalls with what they use, and networks that are used.

    Of a network: those that have joined it, with that alone, and those that live in it.
    """
    firewalls = [one for one in uses.firewalls if _is_chosen(one, choice)]
    if choice.network:
        firewalls = [_with_network(one, choice.network) for one in firewalls]
    if choice.like:
        set_of = {one.key: frozenset(one.joined) for one in uses.firewalls}
        wanted = set_of.get(choice.like)
        firewalls = [one for one in firewalls if set_of[one.key] == wanted]
    shared = {one.key for one in uses.services}
    firewalls = [one for one in firewalls if one.joins or _is_meant(one, choice, shared)]
    if not choice:
        return Uses(tuple(firewalls), uses.services)
    used = {network for one in firewalls for network in one.joined} | {choice.network}
    return Uses(tuple(firewalls), tuple(one for one in uses.services if one.key in used))


def _is_chosen(one: Consumer, choice: Choice) -> bool:
    return all(
        (
            choice.tenant in ("", tenant_key(one.tenant)),
            choice.project in ("", one.project),
            choice.state in ("", one.state),
            choice.firewall in ("", one.key),
            choice.network in ("", one.network, *one.joined),
        )
    )


def _is_meant(one: Consumer, choice: Choice, shared: Container[str]) -> bool:
    """Whether it is to be seen although it has joined nothing: it, or its network, was asked for.

    A firewall of a shared network stands beside the machines of that network.
    """
    return one.key == choice.firewall or (
        one.network == choice.network and one.network not in shared
    )


def _with_network(one: Consumer, network: str) -> Consumer:
    """It with its join of this network alone, unless it lives there."""
    if one.network == network:
        return one
    return replace(one, joins=tuple(join for join in one.joins if join.network == network))
