"""What an answer is computed from: networks, machines, and firewalls with their plans."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from firewalls.configuration.filters import Path
from firewalls.configuration.plan import Facts, Plan
from firewalls.configuration.render import ONCE, digest, render, template
from firewalls.configuration.routes import Vrf
from firewalls.configuration.values import FAMILIES
from firewalls.reachability.imports import Import, imported
from firewalls.reachability.places import Places
from networks.common.addressing import IP, Cidr

PRIVATE, EXTERNAL = "private", "external"
RULES = ONCE["/etc/nftables.conf"]
IN_SYNC = "in_sync"
TCP, ICMP = "tcp", "icmp"


@dataclass(frozen=True, slots=True)
class Network:
    """A private or external network; `machines` is how many live in it.

    Of an external one the project is the only one that it serves, if any (R7).
    """

    id: str
    kind: str
    vrf: int
    prefixes: tuple[Cidr, ...]
    project: str = ""
    shared: bool = False
    destination_prefixes: tuple[Cidr, ...] = ()
    nat: bool = False
    machines: int = 0
    partition: str = ""

    @property
    def partition_id(self) -> str | None:
        """As the rules ask for it (`networks.rules.Net`)."""
        return self.partition or None

    @property
    def project_id(self) -> str | None:
        """As the rules ask for it."""
        return self.project or None

    def prefixes_of(self, version: int) -> list[Cidr]:
        return [cidr for cidr in self.prefixes if cidr.version == version]

    def has(self, address: IP) -> bool:
        """Whether the address lies in one of its prefixes."""
        return any(address in cidr for cidr in self.prefixes)

    def leads_outside(self, version: int) -> bool:
        """Whether everything of that family is reached through it."""
        return any(
            cidr.version == version and cidr.prefixlen == 0 for cidr in self.destination_prefixes
        )


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine that is no firewall, with its addresses in its one network (R4)."""

    id: str
    name: str
    network: str
    project: str
    addresses: tuple[IP, ...]


@dataclass(frozen=True, slots=True)
class Packet:
    """A new connection: its first packet. Without a port it is any of its protocol.

    `anywhere`: its destination stands for the whole internet.
    """

    source: IP
    destination: IP
    protocol: str = TCP
    port: int | None = None
    anywhere: bool = False

    @property
    def version(self) -> int:
        return self.destination.version


@dataclass(frozen=True)
class Guard:
    """A firewall with the network that it guards, and what it does.

    Without a plan it was never pushed to, and passes nothing on. Where it is not `known`, what it
    runs is something else than any plan at hand. With its facts one can say what a change would do.
    """

    id: str
    name: str
    network: str
    plan: Plan | None
    facts: Facts | None = None
    state: str = IN_SYNC
    known: bool = True

    @cached_property
    def vrfs(self) -> dict[str, Vrf]:
        """Its VRFs by network."""
        return {vrf.network: vrf for vrf in self.plan.vrfs} if self.plan else {}

    @cached_property
    def networks(self) -> dict[int, str]:
        """Its networks by VRF."""
        return {vrf.number: network for network, vrf in self.vrfs.items()}

    @cached_property
    def imports(self) -> dict[tuple[str, int], list[Import]]:
        """What each of its networks' VRFs imports, by network and family."""
        return imported(self.vrfs, self.networks)

    @cached_property
    def paths(self) -> tuple[Path, ...]:
        return self.plan.paths if self.plan else ()

    @cached_property
    def digest(self) -> str:
        """Of its files, as a revision has it; empty without a plan."""
        return digest(render(self.plan)) if self.plan else ""

    @cached_property
    def rules(self) -> list[str]:
        """The lines of its rules, as they are rendered."""
        text = template(RULES).render(plan=self.plan) if self.plan else ""
        return text.splitlines()

    @cached_property
    def announced(self) -> dict[int, list[Cidr]]:
        """What it draws from the machines of its network, by family.

        A route with no-export stays on the firewall (RFC 1997), so machines do not follow it.
        """
        own = self.vrfs.get(self.network)
        prefixes: dict[int, list[Cidr]] = {version: [] for version in FAMILIES}
        for leak in own.leaks if own else ():
            if not leak.no_export:
                permitted = [entry.prefix for entry in leak.entries if entry.permitted]
                prefixes[leak.version] += permitted
        for family in own.families if own else ():
            if family.floating_default:
                prefixes[family.version].append(family.default_route)
        return prefixes

    @cached_property
    def told_elsewhere(self) -> dict[str, dict[int, list[Cidr]]]:
        """What it announces into private networks that it only uses, by network and family.

        Nothing, by the rules here; other software announces its own network's prefixes there.
        """
        told: dict[str, dict[int, list[Cidr]]] = {}
        for network, vrf in self.vrfs.items():
            for leak in vrf.leaks if network != self.network else ():
                if not leak.no_export:
                    permitted = [entry.prefix for entry in leak.entries if entry.permitted]
                    families = told.setdefault(network, {version: [] for version in FAMILIES})
                    families[leak.version] += permitted
        return told

    def announced_in(self, network: str) -> dict[int, list[Cidr]]:
        """What it draws from the machines of one of its networks, by family."""
        return self.announced if network == self.network else self.told_elsewhere[network]


@dataclass(frozen=True)
class Partition:
    """What one partition has, or the part of it that a question is about.

    Of what is not at hand, `inner` is what is inside all the same, and no internet; and `held` are
    addresses of firewalls, which are no machine's.
    """

    networks: Mapping[str, Network]
    guards: tuple[Guard, ...]
    machines: tuple[Machine, ...] = ()
    inner: tuple[Cidr, ...] = ()
    held: frozenset[IP] = frozenset()

    @cached_property
    def guards_of(self) -> dict[str, list[Guard]]:
        """The firewalls by the network that they guard."""
        guards: dict[str, list[Guard]] = {}
        for guard in self.guards:
            guards.setdefault(guard.network, []).append(guard)
        return guards

    @cached_property
    def joined(self) -> dict[str, list[Guard]]:
        """The firewalls by every network that they have joined, or live in."""
        guards: dict[str, list[Guard]] = {}
        for guard in self.guards:
            for network in guard.vrfs:
                guards.setdefault(network, []).append(guard)
        return guards

    @cached_property
    def drawing(self) -> dict[str, list[Guard]]:
        """The firewalls that announce anything in a network: its own, and any that tell it more."""
        guards = {network: [*own] for network, own in self.guards_of.items()}
        for guard in self.guards:
            for network in guard.told_elsewhere:
                guards.setdefault(network, []).append(guard)
        return guards

    @cached_property
    def holders(self) -> dict[IP, tuple[Guard, str]]:
        """Firewalls by the addresses that are their own, each with the network of that address."""
        return {
            address: (guard, network)
            for guard in self.guards
            for network, vrf in guard.vrfs.items()
            for address in vrf.addresses
        }

    @cached_property
    def machine_at(self) -> dict[IP, Machine]:
        return {address: machine for machine in self.machines for address in machine.addresses}

    @cached_property
    def places(self) -> Places[Network]:
        """The prefixes of its networks."""
        networks = self.networks.values()
        return Places((cidr, one) for one in networks for cidr in one.prefixes)

    @cached_property
    def free(self) -> dict[tuple[Cidr, int, int], tuple[IP, ...]]:
        """First free addresses that were found, by prefix and where the search begins and ends."""
        return {}

    def network_of(self, address: IP) -> Network | None:
        """The network that has this address; None of one outside."""
        place = self.places.at(address)
        return place[1] if place else None

    def prefix_of(self, address: IP) -> Cidr | None:
        """The prefix of a network that has this address; None of one outside."""
        place = self.places.at(address)
        return place[0] if place else None
