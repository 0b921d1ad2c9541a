"""The two doors of the traffic, functions and REST; both answer `{field: [code]}`."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import ProtectedError

from firewalls.allocation import NewFirewall, create_firewall, join, leave
from machines import allocation
from machines.allocation import Request, create_machine, free_machine
from machines.models import Machine
from networks.allocation import allocate, create_private_network, grow
from networks.common.validation import reported_on
from networks.models import Address, Network, Partition, Prefix, Project
from tests.api import Api
from tests.properties.model import Order
from tests.properties.space import IP, Cidr, Refusal


def refused(action: Callable[[], object]) -> Refusal:
    try:
        with reported_on(cidr="prefix"):
            action()
    except ProtectedError:
        return {"non_field_errors": ["in_use"]}
    except ValidationError as error:
        return {
            name: [str(one.code) for one in errors] for name, errors in error.error_dict.items()
        }
    return {}


class InProcess:
    def make_network(
        self, id: str, project: str, partition: str, lengths: Mapping[int, int] | None, shared: bool
    ) -> Refusal:
        where, owner = Partition.objects.get(pk=partition), Project.objects.get(pk=project)
        return refused(
            lambda: create_private_network(
                id=id, name=id, partition=where, project=owner, prefix_length=lengths, shared=shared
            )
        )

    def share(self, id: str) -> Refusal:
        return refused(lambda: network(id).share("ada"))

    def remove_network(self, id: str) -> Refusal:
        return refused(network(id).delete)

    def grow(self, id: str, version: int, length: int) -> Refusal:
        return refused(lambda: grow(network(id), version=version, prefix_length=length))

    def add_prefix(self, id: str, cidr: Cidr) -> Refusal:
        return refused(lambda: grow(network(id), prefix=cidr))

    def remove_prefix(self, id: str, cidr: Cidr) -> Refusal:
        return refused(Prefix.objects.get(network=id, cidr=cidr).delete)

    def allocate(
        self, id: str, project: str, version: int | None, ip: IP | None, kind: str | None
    ) -> Refusal:
        owner = Project.objects.get(pk=project)
        return refused(
            lambda: allocate(network(id), project=owner, version=version, ip=ip, kind=kind)
        )

    def release(self, ip: IP) -> Refusal:
        return refused(Address.objects.get(address=ip).delete)

    def make_machine(self, order: Order) -> Refusal:
        return self._allocated(lambda **fields: create_machine(allocation.Order(**fields)), order)

    def make_firewall(self, order: Order) -> Refusal:
        return self._allocated(lambda **new: create_firewall(NewFirewall(**new)), order)

    def _allocated(self, make: Callable[..., object], order: Order) -> Refusal:
        named = order._asdict() | {
            "partition": Partition.objects.get(pk=order.partition),
            "project": Project.objects.get(pk=order.project),
        }
        networks = [
            Request(network(want.network), want.auto, want.primary) for want in named.pop("wants")
        ]
        return refused(lambda: make(networks=networks, **named))

    def join(self, firewall: str, id: str, ips: Sequence[IP]) -> Refusal:
        return refused(lambda: join(machine_named(firewall).firewall, network(id), addresses=ips))

    def leave(self, firewall: str, id: str) -> Refusal:
        return refused(lambda: leave(machine_named(firewall).firewall, network(id)))

    def free(self, machine: str) -> Refusal:
        return refused(lambda: free_machine(machine_named(machine)))


def network(id: str) -> Network:
    return Network.objects.get(pk=id)


def machine_named(name: str) -> Machine:
    return Machine.objects.select_related("firewall").get(name=name)


class OverRest:
    def __init__(self) -> None:
        self.api = Api("admin")

    def make_network(
        self, id: str, project: str, partition: str, lengths: Mapping[int, int] | None, shared: bool
    ) -> Refusal:
        body: dict[str, Any] = {
            "id": id,
            "name": id,
            "partition": partition,
            "project": project,
            "shared": shared,
        }
        return self._post(
            "networks/",
            body | ({"prefix_length": {str(v): n for v, n in lengths.items()}} if lengths else {}),
        )

    def share(self, id: str) -> Refusal:
        return self._post(f"networks/{id}/share/", {"confirm": id})

    def remove_network(self, id: str) -> Refusal:
        return self._delete(f"networks/{id}/")

    def grow(self, id: str, version: int, length: int) -> Refusal:
        return self._post(f"networks/{id}/prefixes/", {"prefix_length": {str(version): length}})

    def add_prefix(self, id: str, cidr: Cidr) -> Refusal:
        return self._post(f"networks/{id}/prefixes/", {"prefix": str(cidr)})

    def remove_prefix(self, id: str, cidr: Cidr) -> Refusal:
        return self._delete(f"networks/{id}/prefixes/{cidr}/")

    def allocate(
        self, id: str, project: str, version: int | None, ip: IP | None, kind: str | None
    ) -> Refusal:
        optional = {"version": version, "address": ip and str(ip), "kind": kind}
        return self._post(
            "ip-addresses/",
            {"network": id, "project": project}
            | {name: value for name, value in optional.items() if value},
        )

    def release(self, ip: IP) -> Refusal:
        return self._delete(f"ip-addresses/{ip}/")

    def make_machine(self, order: Order) -> Refusal:
        return self._post("machines/", order_body(order))

    def make_firewall(self, order: Order) -> Refusal:
        return self._post("firewalls/", order_body(order))

    def join(self, firewall: str, id: str, ips: Sequence[IP]) -> Refusal:
        return self._post(
            f"firewalls/{machine_named(firewall).pk}/attachments/",
            {"network": id, "addresses": [str(ip) for ip in ips]},
        )

    def leave(self, firewall: str, id: str) -> Refusal:
        return self._delete(f"firewalls/{machine_named(firewall).pk}/attachments/{id}/")

    def free(self, machine: str) -> Refusal:
        kind = "firewalls" if hasattr(machine_named(machine), "firewall") else "machines"
        return self._delete(f"{kind}/{machine_named(machine).pk}/")

    def _post(self, path: str, body: object) -> Refusal:
        return self._read(self.api.post(path, body), 400)

    def _delete(self, path: str) -> Refusal:
        return self._read(self.api.delete(path), 409)

    def _read(self, response: Any, refusal: int) -> Refusal:
        if response.status_code < 300:
            return {}
        assert response.status_code == refusal, (response.status_code, response.content)
        return {name: [one["code"] for one in errors] for name, errors in response.json().items()}


def order_body(order: Order) -> dict[str, Any]:
    fields = order._asdict() | {
        "id": str(order.id),
        "addresses": [str(ip) for ip in order.addresses],
    }
    return fields | {"networks": [want._asdict() for want in fields.pop("wants")]}
