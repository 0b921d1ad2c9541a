"""A model of networks and addresses as plain values: the rules once more, by brute force.

Nothing of the product is used here but the codes of its refusals. A request works on a copy, so
whatever is refused halfway leaves nothing.
"""

from copy import deepcopy
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any, Self
from uuid import UUID

IP = IPv4Address | IPv6Address
Cidr = IPv4Network | IPv6Network
Refusal = dict[str, list[str]]


@dataclass
class Net:
    kind: str
    partition: str | None
    project: str | None
    parent: str | None
    vrf: int | None
    shared: bool
    prefixes: list[Cidr] = field(default_factory=list)

    @property
    def versions(self) -> list[int]:
        return sorted({prefix.version for prefix in self.prefixes})


@dataclass
class Taken:
    network: str
    project: str
    kind: str
    machine: str | None


@dataclass
class Box:
    """A machine, or a firewall with what it joined (its underlay too)."""

    id: UUID
    project: str
    partition: str
    primary: str
    asn: int
    joined: set[str] | None = None


class Refused(Exception):
    def __init__(self, *found: tuple[str, str]) -> None:
        self.by_field: Refusal = {}
        for name, code in found:
            self.by_field.setdefault(name, []).append(code)
        super().__init__(self.by_field)


def hosts(prefix: Cidr) -> list[IP]:
    """The addresses that hosts may have, lowest first."""
    every: list[IP] = list(prefix)
    if len(every) <= 2:
        return every
    return every[1:-1] if prefix.version == 4 else every[1:]


def inside(inner: Cidr, outer: Cidr) -> bool:
    return inner.network_address in outer and inner.broadcast_address in outer


def lowest_missing(first: int, numbers: set[Any]) -> int:
    return next(
        number for number in range(first, first + len(numbers) + 1) if number not in numbers
    )


def refuse(broken: Any) -> None:
    if found := list(broken):
        raise Refused(*found)


@dataclass
class Space:
    """Networks, and who has which address."""

    nets: dict[str, Net] = field(default_factory=dict)
    taken: dict[IP, Taken] = field(default_factory=dict)
    boxes: dict[str, Box] = field(default_factory=dict)

    def after(self, request: str, *arguments: Any) -> tuple[Self, Refusal]:
        """What there is after the request, and with what it is refused."""
        changed = deepcopy(self)
        try:
            getattr(changed, request)(*arguments)
        except Refused as refused:
            return self, refused.by_field
        return changed, {}

    # Networks and prefixes

    def make_network(
        self, id: str, project: str, partition: str, lengths: dict[int, int] | None, shared: bool
    ) -> None:
        pool = next(
            id
            for id, net in self.nets.items()
            if net.kind == "super" and net.partition == partition
        )
        vrf = lowest_missing(1, {net.vrf for net in self.nets.values()})
        net = self.nets[id] = Net("private", partition, project, pool, vrf, shared)
        default = {4: 29, 6: 125}
        for version, length in sorted((lengths or default).items()):
            net.prefixes.append(self.carved(pool, version, length))

    def carved(self, pool: str, version: int, length: int) -> Cidr:
        children = [
            prefix for net in self.nets.values() if net.parent == pool for prefix in net.prefixes
        ]
        for outer in sorted(p for p in self.nets[pool].prefixes if p.version == version):
            for inner in outer.subnets(new_prefix=length) if length >= outer.prefixlen else ():
                if not any(
                    inner.version == child.version and inner.overlaps(child) for child in children
                ):
                    return inner
        raise Refused(("prefix_length", "exhausted"))

    def share(self, id: str) -> None:
        if self.nets[id].kind != "private":
            raise Refused(("shared", "not_private"))
        self.nets[id].shared = True

    def remove_network(self, id: str) -> None:
        addresses = any(one.network == id for one in self.taken.values())
        children = any(net.parent == id for net in self.nets.values())
        if addresses or children:
            raise Refused(*[("network", "in_use")] * (addresses + children))
        del self.nets[id]

    def grow(self, id: str, version: int, length: int) -> None:
        parent = self.nets[id].parent
        assert parent is not None
        self._open(id, self.carved(parent, version, length))

    def add_prefix(self, id: str, cidr: Cidr) -> None:
        net = self.nets[id]
        parents = self.nets[net.parent].prefixes if net.parent else None
        if parents is not None and not any(inside(cidr, parent) for parent in parents):
            raise Refused(("prefix", "outside_super"))
        level = [
            prefix
            for other in self.nets.values()
            if (other.parent is None) == (net.parent is None)
            for prefix in other.prefixes
        ]
        if any(cidr.version == prefix.version and cidr.overlaps(prefix) for prefix in level):
            raise Refused(("prefix", "overlap"))
        self._open(id, cidr)

    def _open(self, id: str, cidr: Cidr) -> None:
        """A new family reaches everything that is in the network already."""
        net = self.nets[id]
        net.prefixes = sorted([*net.prefixes, cidr], key=lambda p: (p.version, p))
        there = {one.machine for one in self.taken.values() if one.network == id and one.machine}
        served = {
            one.machine
            for ip, one in self.taken.items()
            if one.network == id and ip.version == cidr.version
        }
        for name in sorted(there - served, key=lambda name: self.boxes[name].id):
            free = [ip for ip in hosts(cidr) if ip not in self.taken]
            if not free:
                raise Refused(("prefix", "exhausted"))
            self.taken[free[0]] = Taken(id, self.boxes[name].project, "ephemeral", name)

    def remove_prefix(self, id: str, cidr: Cidr) -> None:
        addresses = any(ip in cidr for ip in self.taken)
        children = any(
            inside(inner, cidr)
            for net in self.nets.values()
            if net.parent == id
            for inner in net.prefixes
        )
        if addresses or children:
            raise Refused(*[("prefix", "in_use")] * (addresses + children))
        self.nets[id].prefixes.remove(cidr)

    # Addresses

    def allocate(
        self,
        id: str,
        project: str,
        version: int | None,
        ip: IP | None,
        kind: str | None,
        *,
        machine: str | None = None,
    ) -> None:
        net = self.nets[id]
        if net.kind == "super" or (net.kind == "underlay" and machine is None):
            raise Refused(("network", f"{net.kind}_given"))
        if ip is None:
            ip = self._lowest(net, version)
            kind = kind or "ephemeral"
        elif not any(ip in prefix for prefix in net.prefixes):
            raise Refused(("address", "outside_network"))
        broken = []
        if not any(ip in hosts(prefix) for prefix in net.prefixes):
            broken.append(("address", "reserved"))
        elif ip in self.taken:
            broken.append(("address", "taken"))
        if (net.kind == "private" and not net.shared and net.project != project) or (
            net.kind == "external" and net.project not in (None, project)
        ):
            broken.append(("project", "other_project"))
        if broken:
            raise Refused(*broken)
        self.taken[ip] = Taken(id, project, kind or "static", machine)

    def _lowest(self, net: Net, version: int | None) -> IP:
        if not net.prefixes or version not in (None, *net.versions):
            raise Refused(("network", "no_prefix"))
        family = version or net.versions[0]
        for prefix in (p for p in net.prefixes if p.version == family):
            for ip in hosts(prefix):
                if ip not in self.taken:
                    return ip
        raise Refused(("network", "exhausted"))

    def release(self, ip: IP) -> None:
        if self.taken[ip].machine is not None:
            raise Refused(("address", "in_use"))
        del self.taken[ip]
