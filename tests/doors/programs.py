"""Doors inside the process: the models with the allocation, and the forms."""

import json
from ipaddress import ip_address
from typing import Any
from uuid import uuid4

from django.forms import modelform_factory
from django.forms import models as model_forms

from firewalls.admin import FirewallAddForm
from firewalls.allocation import NewFirewall, create_firewall, free_firewall, join, leave
from firewalls.models import Attachment, Endpoint, Firewall
from machines.admin import MachineAddForm
from machines.allocation import Order, Request, create_machine, free_machine
from machines.models import Machine
from networks.allocation import allocate, create_network, grow
from networks.common.forms import AllocationForm, WholeRowForm
from networks.models import Address, Network, Prefix, Project
from tests.api import someone
from tests.doors.refusals import Refusal, by_field, refused, removal_refused, renamed, values


class Orm:
    """`Model.save()`, and the allocation where a row alone is not enough."""

    def share(self, network: Network) -> Refusal:
        return self.change(network, shared=True)

    def unshare(self, network: Network) -> Refusal:
        return self.change(network, shared=False)

    def change(self, row: Any, **fields: Any) -> Refusal:
        for name, value in fields.items():
            setattr(row, name, value)
        return refused(row.save)

    def make(self, **fields: Any) -> Refusal:
        return self._make(Network, **fields)

    def carve(self, **fields: Any) -> Refusal:
        """A private network; what is left out is picked."""
        return refused(lambda: create_network(kind="private", **fields))

    def grow(self, network: Network, length: int, version: int = 4) -> Refusal:
        return refused(lambda: grow(network, prefix_length=length, version=version))

    def add_prefix(self, network: Network, cidr: str) -> Refusal:
        return self._make(Prefix, network=network, cidr=cidr)

    def allocate(
        self, network: Network, project: Project, address: str = "", version: int | None = None
    ) -> Refusal:
        ip = ip_address(address) if address else None
        return refused(lambda: allocate(network, project=project, ip=ip, version=version))

    def machine(
        self,
        project: Project,
        *networks: Network,
        addresses: str = "",
        auto: bool = True,
        partition: Any = None,
    ) -> Refusal:
        order = Order(
            name="new",
            partition=partition or first_partition(networks),
            project=project,
            networks=[Request(network, auto) for network in networks],
            addresses=[ip_address(text) for text in addresses.split()],
        )
        return refused(lambda: create_machine(order))

    def firewall(
        self,
        project: Project,
        *networks: Network,
        addresses: str = "",
        auto: bool = True,
        primary: Any = None,
        partition: Any = None,
    ) -> Refusal:
        new = NewFirewall(
            name="new",
            partition=partition or first_partition(networks),
            project=project,
            networks=[Request(network, auto, network == primary) for network in networks],
            addresses=[ip_address(text) for text in addresses.split()],
        )
        return refused(lambda: create_firewall(new))

    def join(
        self, firewall: Firewall, network: Network, addresses: str = "", auto: bool = True
    ) -> Refusal:
        if not addresses and auto:
            return self._make(Attachment, firewall=firewall, network=network)
        ips = [ip_address(text) for text in addresses.split()]
        return refused(lambda: join(firewall, network, auto=auto, addresses=ips))

    def leave(self, firewall: Firewall, network: Network) -> Refusal:
        return removal_refused(lambda: leave(firewall, network))

    def publish(self, address: Address, machine: Machine) -> Refusal:
        return self._make(
            Endpoint,
            id=uuid4(),
            address=address,
            machine=machine,
            port=80,
            target_port=8080,
            **SERVICE,
        )

    def free(self, machine: Machine) -> Refusal:
        return removal_refused(
            lambda: (
                free_firewall(machine.firewall)
                if hasattr(machine, "firewall")
                else free_machine(machine)
            )
        )

    def remove(self, row: Any) -> Refusal:
        return removal_refused(row.delete)

    def _make(self, model: type[Any], **fields: Any) -> Refusal:
        return refused(model(**fields).save)


def first_partition(networks: tuple[Network, ...]) -> Any:
    """Where the first of the networks is that is anywhere."""
    return next(network.partition for network in networks if network.partition)


class Form(Orm):
    """A form with every field, as a page would have it; for allocating, the form that allocates."""

    def change(self, row: Any, **fields: Any) -> Refusal:
        return self._filled(type(row), {**model_forms.model_to_dict(row), **fields}, row)

    def allocate(
        self, network: Network, project: Project, address: str = "", version: int | None = None
    ) -> Refusal:
        inside = [
            prefix
            for prefix in network.prefixes.all()
            if not address or ip_address(address) in prefix.cidr
        ]
        prefix = (inside or list(network.prefixes.all()))[0]
        return self._make(Address, address=address, prefix=prefix, project=project, kind="static")

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
            "partition": place.pk,
            "project": project.pk,
            "network": networks[0].pk,
            "addresses": addresses,
        }
        return renamed(self._allocated(MachineAddForm, sent), network="networks")

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
            "partition": place.pk,
            "project": project.pk,
            "networks": [n.pk for n in networks],
            "addresses": addresses,
        }
        return self._allocated(FirewallAddForm, {**sent, **MANAGED, **values({"primary": primary})})

    def _make(self, model: type[Any], **fields: Any) -> Refusal:
        return self._filled(
            model, {name: getattr(value, "pk", value) for name, value in fields.items()}
        )

    def _filled(self, model: type[Any], data: dict[str, Any], instance: Any = None) -> Refusal:
        sent = {
            name: json.dumps(value) if isinstance(value, dict) else value
            for name, value in values(data).items()
        }
        form: Any = modelform_factory(model, form=WholeRowForm, fields="__all__")(
            data=sent, instance=instance
        )
        if form.is_valid():
            form.save()
        return by_field(form.errors.as_data())

    def _allocated(self, form_class: type[AllocationForm], data: dict[str, Any]) -> Refusal:
        model = form_class.Meta.model  # type: ignore[attr-defined]
        form: Any = modelform_factory(model, form=form_class)(data=data)
        form.user = someone("admin", "support")
        if form.is_valid():
            form.save()
        return by_field(form.errors.as_data())


SERVICE = {"protocol": "tcp", "purpose": "service"}
MANAGED = {"uplinks": "lan0,lan1", "port": "22", "user": "shared-networks"}
