"""`/api/v1/`"""

from typing import Any

from firewalls.models import Firewall
from machines.models import Machine
from networks.models import Address, Network, Prefix, Project
from tests.api import Api
from tests.doors.programs import first_partition
from tests.doors.refusals import IN_USE, Refusal, values

PATHS = {
    "partition": "partitions",
    "project": "projects",
    "network": "networks",
    "machine": "machines",
    "firewall": "firewalls",
}


class Rest:
    def __init__(self) -> None:
        self.api = Api("admin")

    def share(self, network: Network) -> Refusal:
        return self._answered(
            self.api.post(f"networks/{network.pk}/share/", {"confirm": network.pk})
        )

    def unshare(self, network: Network) -> Refusal:
        return self.change(network, shared=False)

    def change(self, row: Any, **fields: Any) -> Refusal:
        return self._answered(self.api.patch(path(row), values(fields)))

    def make(self, **fields: Any) -> Refusal:
        sent = {name: getattr(value, "pk", value) for name, value in fields.items()}
        return self._answered(self.api.post("networks/", sent))

    def carve(self, **fields: Any) -> Refusal:
        lengths = {
            "prefix_length": {
                str(family): length for family, length in fields.pop("prefix_length", {}).items()
            }
        }
        return self.make(kind="private", **fields, **(lengths if lengths["prefix_length"] else {}))

    def grow(self, network: Network, length: int, version: int = 4) -> Refusal:
        return self._answered(
            self.api.post(
                f"networks/{network.pk}/prefixes/", {"prefix_length": {str(version): length}}
            )
        )

    def add_prefix(self, network: Network, cidr: str) -> Refusal:
        return self._answered(
            self.api.post(f"networks/{network.pk}/prefixes/", {"prefix": cidr}), prefix="cidr"
        )

    def allocate(
        self, network: Network, project: Project, address: str = "", version: int | None = None
    ) -> Refusal:
        body = values({"network": network, "project": project, "version": version}) | (
            {"address": address} if address else {}
        )
        return self._answered(self.api.post("ip-addresses/", body))

    def machine(
        self,
        project: Project,
        *networks: Network,
        addresses: str = "",
        auto: bool = True,
        partition: Any = None,
    ) -> Refusal:
        return self._answered(
            self.api.post(
                "machines/",
                order_body(
                    project,
                    networks,
                    addresses=addresses,
                    auto=auto,
                    primary=None,
                    partition=partition,
                ),
            )
        )

    def firewall(
        self,
        project: Project,
        *networks: Network,
        addresses: str = "",
        auto: bool = True,
        primary: Any = None,
        partition: Any = None,
    ) -> Refusal:
        return self._answered(
            self.api.post(
                "firewalls/",
                order_body(
                    project,
                    networks,
                    addresses=addresses,
                    auto=auto,
                    primary=primary,
                    partition=partition,
                ),
            )
        )

    def join(
        self, firewall: Firewall, network: Network, addresses: str = "", auto: bool = True
    ) -> Refusal:
        body = {"network": network.pk, "addresses": addresses.split(), "auto": auto}
        return self._answered(self.api.post(f"firewalls/{firewall.pk}/attachments/", body))

    def leave(self, firewall: Firewall, network: Network) -> Refusal:
        return self._removed(f"firewalls/{firewall.pk}/attachments/{network.pk}/")

    def publish(self, address: Address, machine: Machine) -> Refusal:
        where = {
            "firewall": str(address.machine_id),
            "network": address.network.pk,
            "address": str(address),
        }
        body = where | {"machine": str(machine.pk), "port": 80, "target_port": 8080}
        return self._answered(self.api.post("endpoints/", body), network="address")

    def free(self, machine: Machine) -> Refusal:
        return self._removed(
            f"{'firewalls' if hasattr(machine, 'firewall') else 'machines'}/{machine.pk}/"
        )

    def remove(self, row: Any) -> Refusal:
        return self._removed(path(row))

    def _removed(self, where: str) -> Refusal:
        response = self.api.delete(where)
        assert response.status_code in (204, 409), response.content
        return IN_USE if response.status_code == 409 else {}

    def _answered(self, response: Any, **names: str) -> Refusal:
        if response.status_code < 300:
            return {}
        assert response.status_code == 400, response.content
        return {
            names.get(field, field): [(e["code"], e["message"]) for e in errors]
            for field, errors in response.json().items()
        }


def order_body(
    project: Project,
    networks: tuple[Network, ...],
    *,
    addresses: str,
    auto: bool,
    primary: Any,
    partition: Any,
) -> dict[str, Any]:
    place = partition or first_partition(networks)
    wanted = [
        {"network": network.pk, "auto": auto, "primary": network == primary} for network in networks
    ]
    return {
        "name": "new",
        "partition": place.pk,
        "project": project.pk,
        "networks": wanted,
        "addresses": addresses.split(),
    }


def path(row: Any) -> str:
    if isinstance(row, Address):
        return f"ip-addresses/{row}/"
    if isinstance(row, Prefix):
        return f"networks/{row.network_id}/prefixes/{row}/"
    return f"{PATHS[row._meta.model_name]}/{row.pk}/"
