"""Publishing what runs behind a firewall in the shared networks that it has joined."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from firewalls import rules
from firewalls.intent import revisions
from firewalls.models import Endpoint, Firewall, lock_firewall, lock_firewalls
from networks.common.addressing import IP
from networks.common.audit import audited_as
from networks.common.validation import enforce
from networks.models import Address, Network


def own_address(firewall: Firewall, network: Network, ip: IP) -> Address:
    """The firewall's own address in a shared network that it has joined (R6).

    Raises ValidationError on `network` or `address`.
    """
    joined = network.shared and firewall.attachments.filter(network=network).exists()
    violations = rules.at_own_shared_address(ip, network.pk, firewall.name, joined)
    enforce(violation._replace(field="network") for violation in violations)
    row = firewall.machine.addresses.filter(prefix__network=network, address=ip).first()
    if row is None:
        reason = f"{ip} is no address of {firewall.name} in {network.pk} (R6)."
        raise ValidationError({"address": ValidationError(reason, code="not_there")})
    return row


@audited_as(
    lambda arguments: f"{arguments['firewall']} published an endpoint in {arguments['network']}"
)
@transaction.atomic
def publish(
    *, firewall: Firewall, network: Network, address: IP, by: str = "", **fields: Any
) -> Endpoint:
    """Publish a machine's port at the firewall's own address in a shared network.

    Raises ValidationError (R5, R6, R10).
    """
    lock_firewall(firewall)
    endpoint = Endpoint(address=own_address(firewall, network, address), **fields)
    endpoint.save(force_insert=True)
    revisions.refresh([firewall.pk], cause=f"{firewall.name} published {endpoint}", by=by)
    return endpoint


@audited_as(lambda arguments: f"the endpoint {arguments['endpoint']} was changed")
@transaction.atomic
def amend(endpoint: Endpoint, *, by: str = "", **changes: Any) -> Endpoint:
    """Give the endpoint these values; `firewall`, `network` and `address` are found together.

    Raises ValidationError.
    """
    before = endpoint.firewall
    after = changes.pop("firewall", before)
    lock_firewalls({before.pk, after.pk})
    endpoint.address = own_address(
        after,
        changes.pop("network", endpoint.network),
        changes.pop("address", endpoint.address.address),
    )
    for name, value in changes.items():
        setattr(endpoint, name, value)
    endpoint.save()
    revisions.refresh({before.pk, endpoint.firewall.pk}, cause=f"{endpoint} was changed", by=by)
    return endpoint


@audited_as(lambda arguments: f"the endpoint {arguments['endpoint']} was removed")
@transaction.atomic
def withdraw(endpoint: Endpoint, *, by: str = "") -> None:
    """Take the endpoint back: nothing leads there any more."""
    firewall = endpoint.firewall
    cause = f"{endpoint} was removed"
    endpoint.delete()
    revisions.refresh([firewall.pk], cause=cause, by=by)
