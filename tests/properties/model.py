"""What machines and firewalls ask for, as the model sees it: on top of networks and addresses."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from tests.properties.space import IP, Box, Refused, Space, lowest_missing, refuse

FIRST_ASN = 4_210_000_001


class Want(NamedTuple):
    network: str
    auto: bool = True
    primary: bool = False


class Order(NamedTuple):
    """What a machine or a firewall is allocated from."""

    id: UUID
    name: str
    project: str
    partition: str
    wants: Sequence[Want]
    addresses: Sequence[IP]


@dataclass
class State(Space):
    """All there is."""

    def make_machine(self, order: Order) -> None:
        id, name, project, partition, wants, addresses = order
        broken = [*self._requested(wants)]
        if len(wants) > 1:
            broken.append(("networks", "several_networks"))
        refuse(broken)
        home = wants[0].network
        refuse(self._home(home, project, partition))
        refuse(self._addressed(wants, addresses))
        self.boxes[name] = Box(id, project, partition, home, self._asn())
        self._assign(name, wants, addresses, "networks")

    def make_firewall(self, order: Order) -> None:
        id, name, project, partition, wants, addresses = order
        refuse(self._requested(wants))
        home = self._primary(wants, project)
        refuse(self._home(home, project, partition))
        others = [want.network for want in wants if want.network != home]
        refuse(
            found
            for other in others
            for found in self._further(other, home, project, partition, "networks")
        )
        refuse(self._addressed(wants, addresses))
        fabric = next(
            fabric
            for fabric, net in self.nets.items()
            if net.kind == "underlay" and net.partition == partition
        )
        self.boxes[name] = Box(id, project, partition, home, self._asn(), {*others, fabric})
        self._assign(name, [*wants, Want(fabric)], addresses, "networks")

    def join(self, name: str, id: str, addresses: Sequence[IP]) -> None:
        box = self.boxes[name]
        assert box.joined is not None
        if self.nets[id].kind in ("super", "underlay"):
            raise Refused(("network", "not_explicit"))
        refuse(self._further(id, box.primary, box.project, box.partition, "network"))
        if id in box.joined:
            raise Refused(("network", "joined_already"))
        box.joined.add(id)
        wants = [Want(id, auto=not addresses)]
        refuse(
            (("network" if name == "networks" else name), code)
            for name, code in self._addressed(wants, addresses)
        )
        self._assign(name, wants, addresses, "network")

    def leave(self, name: str, id: str) -> None:
        box = self.boxes[name]
        if id == box.primary:
            raise Refused(("network", "primary"))
        if self.nets[id].kind == "underlay":
            raise Refused(("network", "underlay"))
        assert box.joined is not None
        box.joined.remove(id)
        self._release(
            ip for ip, one in self.taken.items() if one.machine == name and one.network == id
        )

    def free(self, name: str) -> None:
        self._release(ip for ip, one in self.taken.items() if one.machine == name)
        del self.boxes[name]

    def _release(self, ips: Iterator[IP]) -> None:
        for ip in list(ips):
            self.taken[ip].machine = None
            if self.taken[ip].kind == "ephemeral":
                del self.taken[ip]

    def _requested(self, wants: Sequence[Want]) -> Iterator[tuple[str, str]]:
        if len({want.network for want in wants}) < len(wants):
            yield "networks", "not_distinct"
        kinds = [self.nets[want.network].kind for want in wants]
        yield from [("networks", "not_explicit") for kind in kinds if kind in ("super", "underlay")]
        if "private" not in kinds:
            yield "networks", "no_private"

    def _primary(self, wants: Sequence[Want], project: str) -> str:
        private = [want for want in wants if self.nets[want.network].kind == "private"]
        unshared = [want.network for want in private if not self.nets[want.network].shared]
        marked = [want.network for want in private if want.primary]
        own = [want.network for want in private if self.nets[want.network].project == project]
        if len(unshared) > 1:
            raise Refused(("networks", "second_unshared"))
        for some in (unshared, marked, own):
            if len(some) > 1:
                raise Refused(("networks", "ambiguous_primary"))
            if some:
                return some[0]
        raise Refused(("networks", "no_primary"))

    def _home(self, id: str, project: str, partition: str) -> Iterator[tuple[str, str]]:
        if self.nets[id].partition != partition:
            yield "networks", "other_partition"
        if self.nets[id].project != project:
            yield "networks", "other_project"

    def _further(
        self, id: str, home: str, project: str, partition: str, name: str
    ) -> Iterator[tuple[str, str]]:
        net = self.nets[id]
        if net.kind == "private" and not net.shared:
            yield name, "second_unshared"
        elif id == home:
            yield name, "own_primary"
        if net.partition not in (None, partition):
            yield name, "other_partition"
        if net.kind == "external" and net.project not in (None, project):
            yield name, "other_project"

    def _addressed(self, wants: Sequence[Want], addresses: Sequence[IP]) -> list[tuple[str, str]]:
        inside = {
            want.network: [ip for ip in addresses if self._in(ip, want.network)] for want in wants
        }
        strange = [ip for ip in addresses if not any(ip in ips for ips in inside.values())]
        broken = [("addresses", "outside_networks") for _ in strange]
        for want in wants if not strange else ():
            versions, here = (
                self.nets[want.network].versions,
                {ip.version for ip in inside[want.network]},
            )
            if not versions:
                broken.append(("networks", "no_prefix"))
            if here or not want.auto:
                broken += [
                    ("addresses", "no_address") for version in versions if version not in here
                ]
        return broken

    def _assign(self, name: str, wants: Sequence[Want], addresses: Sequence[IP], on: str) -> None:
        project = self.boxes[name].project
        for want in wants:
            own = [ip for ip in addresses if self._in(ip, want.network)]
            for ip in own:
                self._assign_named(name, want.network, ip)
            for version in self.nets[want.network].versions if not own else ():
                try:
                    self.allocate(want.network, project, version, None, None, machine=name)
                except Refused as refused:
                    raise Refused(
                        *[
                            (on if f == "network" else f, c)
                            for f, codes in refused.by_field.items()
                            for c in codes
                        ]
                    ) from refused

    def _assign_named(self, name: str, id: str, ip: IP) -> None:
        project, one = self.boxes[name].project, self.taken.get(ip)
        if one is None:
            try:
                self.allocate(id, project, None, ip, None, machine=name)
            except Refused as refused:
                raise Refused(
                    *[("addresses", code) for codes in refused.by_field.values() for code in codes]
                ) from refused
        elif one.project != project:
            raise Refused(("addresses", "other_project"))
        elif one.machine is not None:
            raise Refused(("addresses", "taken"))
        else:
            one.machine, one.kind = name, "static"

    def _in(self, ip: IP, id: str) -> bool:
        return any(ip in prefix for prefix in self.nets[id].prefixes)

    def _asn(self) -> int:
        return lowest_missing(FIRST_ASN, {box.asn for box in self.boxes.values()})
