"""The ways in, each doing the same six things: whatever goes through one is judged as at the others.

A refusal is `{field: [(code, sentence)]}`. Names that a door gives to a model's field are translated back to the model's.
"""

from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

from django.core.exceptions import ValidationError
from django.forms import modelform_factory
from django.forms import models as model_forms
from django.test import Client
from django.urls import reverse

from firewalls.models import Attachment, Firewall
from networks.forms import WholeRowForm
from networks.models import Address, Network, Prefix, Project
from tests.api import Api, someone

Refusal = dict[str, list[tuple[str, str]]]


class Orm:
    """`Model.save()`"""

    def share(self, network: Network) -> Refusal:
        return self._change(network, shared=True)

    def unshare(self, network: Network) -> Refusal:
        return self._change(network, shared=False)

    def join(self, firewall: Firewall, network: Network) -> Refusal:
        return self._make(Attachment, firewall=firewall, network=network)

    def make(self, **fields: Any) -> Refusal:
        return self._make(Network, **fields)

    def add_prefix(self, network: Network, cidr: str) -> Refusal:
        return self._make(Prefix, network=network, cidr=cidr)

    def take(self, network: Network, project: Project, address: str) -> Refusal:
        return self._make(Address, address=ip_address(address), prefix=network.prefixes.get(), project=project, kind="static")

    def _change(self, network: Network, **fields: Any) -> Refusal:
        for name, value in fields.items():
            setattr(network, name, value)
        return _refused(network.save)

    def _make(self, model: type[Any], **fields: Any) -> Refusal:
        return _refused(model(**fields).save)


def _refused(action: Callable[[], object]) -> Refusal:
    try:
        action()
    except ValidationError as error:
        return _said(error.error_dict)
    return {}


def _said(errors: Any) -> Refusal:
    return {field: [(one.code, " ".join(one.messages)) for one in found] for field, found in errors.items()}


class Form(Orm):
    """A form with every field, as a page would have it."""

    def _change(self, network: Network, **fields: Any) -> Refusal:
        return self._filled(Network, {**model_forms.model_to_dict(network), **fields}, network)

    def _make(self, model: type[Any], **fields: Any) -> Refusal:
        return self._filled(model, {name: getattr(value, "pk", value) for name, value in fields.items()})

    def _filled(self, model: type[Any], data: dict[str, Any], instance: Any = None) -> Refusal:
        form: Any = modelform_factory(model, form=WholeRowForm, fields="__all__")(data=data, instance=instance)
        if form.is_valid():
            form.save()
        return _said(form.errors.as_data())


class Rest:
    """`/api/v1/`"""

    def __init__(self) -> None:
        self.api = Api("admin")

    def share(self, network: Network) -> Refusal:
        return self._answered(self.api.post(f"networks/{network.pk}/share/", {"confirm": network.pk}))

    def unshare(self, network: Network) -> Refusal:
        return self._answered(self.api.patch(f"networks/{network.pk}/", {"shared": False}))

    def join(self, firewall: Firewall, network: Network) -> Refusal:
        return self._answered(self.api.post(f"firewalls/{firewall.pk}/attachments/", {"network": network.pk}))

    def make(self, **fields: Any) -> Refusal:
        return self._answered(self.api.post("networks/", {name: getattr(value, "pk", value) for name, value in fields.items()}))

    def add_prefix(self, network: Network, cidr: str) -> Refusal:
        return self._answered(self.api.post(f"networks/{network.pk}/prefixes/", {"prefix": cidr}), prefix="cidr")

    def take(self, network: Network, project: Project, address: str) -> Refusal:
        body = {"network": network.pk, "project": project.pk, "address": address}
        return self._answered(self.api.post("ip-addresses/", body))

    def _answered(self, response: Any, **names: str) -> Refusal:
        if response.status_code < 300:
            return {}
        assert response.status_code == 400, response.content
        return {names.get(field, field): [(e["code"], e["message"]) for e in errors] for field, errors in response.json().items()}


class Admin:
    """`/admin/`, with the forms that its pages show."""

    def __init__(self) -> None:
        user = someone("admin", "support")
        user.is_staff = True
        user.save()
        self.client = Client()
        self.client.force_login(user)

    def share(self, network: Network) -> Refusal:
        return self._changed(network, shared="on")

    def unshare(self, network: Network) -> Refusal:
        return self._changed(network)  # a box that is not ticked is not sent

    def join(self, firewall: Firewall, network: Network) -> Refusal:
        return self._added("firewalls_attachment", firewall=firewall.pk, network=network.pk)

    def make(self, **fields: Any) -> Refusal:
        data = {name: getattr(value, "pk", value) for name, value in fields.items() if value is not None}
        return self._added("networks_network", default_child_prefix_length="{}", labels="{}", **data)

    def add_prefix(self, network: Network, cidr: str) -> Refusal:
        return self._changed(network, **{"prefixes-1-cidr": cidr, "prefixes-1-network": network.pk, "prefixes-TOTAL_FORMS": 2})

    def take(self, network: Network, project: Project, address: str) -> Refusal:
        return self._added("networks_address", network=network.pk, project=project.pk, address=address)

    def _added(self, page: str, **data: Any) -> Refusal:
        return self._sent(reverse(f"admin:{page}_add"), data)

    def _changed(self, network: Network, **data: Any) -> Refusal:
        prefixes = list(network.prefixes.all())
        inlines: dict[str, Any] = {"prefixes-TOTAL_FORMS": len(prefixes), "prefixes-INITIAL_FORMS": len(prefixes)}
        for number, prefix in enumerate(prefixes):
            inlines |= {
                f"prefixes-{number}-{name}": value for name, value in (("id", prefix.pk), ("network", network.pk), ("cidr", prefix))
            }
        shown = {"name": network.name, "project": network.project_id or "", "labels": "{}", "default_child_prefix_length": "{}"}
        return self._sent(reverse("admin:networks_network_change", args=[network.pk]), {**shown, **inlines, **data})

    def _sent(self, page: str, data: dict[str, Any]) -> Refusal:
        response = self.client.post(page, data)
        if response.status_code == 302:
            return {}
        assert response.status_code == 200 and response.context is not None, response.content
        found = _said(response.context["adminform"].form.errors.as_data())
        for inline in response.context["inline_admin_formsets"]:
            for form in inline.formset.forms:
                found |= _said(form.errors.as_data())
        return found


DOORS: dict[str, type[Any]] = {"orm": Orm, "form": Form, "rest": Rest, "admin": Admin}
