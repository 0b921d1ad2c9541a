"""`/admin/`, with the forms that its pages show."""

import json
from typing import Any

from django.test import Client
from django.urls import reverse

from firewalls.models import Firewall
from machines.models import Machine
from networks.models import Address, Network, Project
from tests.api import someone
from tests.doors.programs import MANAGED, SERVICE, first_partition
from tests.doors.refusals import IN_USE, Refusal, by_field, renamed, values


class Admin:
    def __init__(self) -> None:
        user = someone("admin", "support")
        user.is_staff = True
        user.save()
        self.client = Client()
        self.client.force_login(user)

    def share(self, network: Network) -> Refusal:
        return self.change(network, shared="on")

    def unshare(self, network: Network) -> Refusal:
        return self.change(network)  # a box that is not ticked is not sent

    def make(self, **fields: Any) -> Refusal:
        lengths = json.dumps(fields.pop("default_child_prefix_length", {}))
        return self._added(
            "networks_network", default_child_prefix_length=lengths, labels="{}", **fields
        )

    def carve(self, **fields: Any) -> Refusal:
        return self.make(kind="private", **fields)

    def add_prefix(self, network: Network, cidr: str) -> Refusal:
        number = network.prefixes.count()
        return self.change(
            network,
            **{
                f"prefixes-{number}-cidr": cidr,
                f"prefixes-{number}-network": network.pk,
                "prefixes-TOTAL_FORMS": number + 1,
            },
        )

    def allocate(
        self, network: Network, project: Project, address: str = "", version: int | None = None
    ) -> Refusal:
        return self._added(
            "networks_address", network=network, project=project, address=address, version=version
        )

    def machine(
        self,
        project: Project,
        *networks: Network,
        addresses: str = "",
        auto: bool = True,
        partition: Any = None,
    ) -> Refusal:
        place = partition or first_partition(networks)
        sent = {
            "name": "new",
            "partition": place,
            "project": project,
            "network": networks[0],
            "addresses": addresses,
        }
        return renamed(self._added("machines_machine", **sent), network="networks")

    def firewall(
        self,
        project: Project,
        *networks: Network,
        addresses: str = "",
        auto: bool = True,
        primary: Any = None,
        partition: Any = None,
    ) -> Refusal:
        place = partition or first_partition(networks)
        sent = {
            "name": "new",
            "partition": place,
            "project": project,
            "networks": [n.pk for n in networks],
            "addresses": addresses,
        }
        return self._added("firewalls_firewall", **sent, **MANAGED, primary=primary)

    def join(
        self, firewall: Firewall, network: Network, addresses: str = "", auto: bool = True
    ) -> Refusal:
        return self._added(
            "firewalls_attachment", firewall=firewall, network=network, addresses=addresses
        )

    def leave(self, firewall: Firewall, network: Network) -> Refusal:
        joined = firewall.attachments.filter(network=network).first()
        return (
            self.remove(joined) if joined else IN_USE
        )  # its primary is not among the rows to delete

    def publish(self, address: Address, machine: Machine) -> Refusal:
        return self._added(
            "firewalls_endpoint",
            address=address,
            machine=machine,
            port=80,
            target_port=8080,
            **SERVICE,
        )

    def free(self, machine: Machine) -> Refusal:
        return self.remove(getattr(machine, "firewall", machine))

    def remove(self, row: Any) -> Refusal:
        page = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_delete", args=[row.pk])
        response = self.client.post(page, {"post": "yes"})
        if response.status_code == 302 and response["Location"] != page:
            return {}
        assert response.status_code == 302 or response.context["protected"], response.content
        return IN_USE

    def change(self, row: Any, **data: Any) -> Refusal:
        assert isinstance(row, Network)
        prefixes = list(row.prefixes.all())
        inlines: dict[str, Any] = {
            "prefixes-TOTAL_FORMS": len(prefixes),
            "prefixes-INITIAL_FORMS": len(prefixes),
        }
        for number, prefix in enumerate(prefixes):
            inlines |= {
                f"prefixes-{number}-{name}": value
                for name, value in (("id", prefix.pk), ("network", row.pk), ("cidr", prefix))
            }
        shown = {
            "name": row.name,
            "project": row.project_id or "",
            "labels": "{}",
            "default_child_prefix_length": "{}",
        }
        return self._sent(
            reverse("admin:networks_network_change", args=[row.pk]),
            {**shown, **inlines, **values(data)},
        )

    def _added(self, page: str, **data: Any) -> Refusal:
        return self._sent(reverse(f"admin:{page}_add"), values(data))

    def _sent(self, page: str, data: dict[str, Any]) -> Refusal:
        response = self.client.post(page, data)
        if response.status_code == 302:
            return {}
        assert response.status_code == 200 and response.context is not None, response.content
        refusal = by_field(response.context["adminform"].form.errors.as_data())
        for inline in response.context["inline_admin_formsets"]:
            for form in inline.formset.forms:
                refusal |= by_field(form.errors.as_data())
        return refusal
