"""Allocating addresses and releasing them."""

from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from networks import rules
from networks.allocation.locks import lock_networks, lock_prefixes
from networks.common.addressing import IP, versions
from networks.common.audit import audited_as
from networks.common.locking import lock_keys
from networks.common.validation import enforce, refuse
from networks.common.violations import Violation
from networks.models import Address, Network, Prefix, Project
from networks.pools import counts, next_address


@dataclass(frozen=True, kw_only=True)
class AddressRequest:
    """One address to allocate: for whom, and which one if not just any."""

    network: Network
    project: Project
    machine: Any = None  # on this machine, of the app above; else reserved for the project
    ip: IP | None = None  # this address; else the lowest free one is picked
    version: int | None = None  # of the one to pick: 4 or 6; else the network's lower family
    kind: str | None = None  # else ephemeral if it is picked, static if it is named (R16)
    name: str = ""


@transaction.atomic
def allocate(network: Network, **request: Any) -> Address:
    """Allocate one address, with the fields of an AddressRequest.

    Raises ValidationError on `address` if it is taken, reserved or outside the network, on
    `network` if none is free.
    """
    return allocate_in_transaction(AddressRequest(network=network, **request))


@audited_as(lambda arguments: f"an address of {arguments['request'].network} was taken")
def allocate_in_transaction(request: AddressRequest) -> Address:
    """Allocate in the caller's transaction, which an error must end: nothing is undone here.

    That spares the two statements of a savepoint.
    """
    return allocate_from(lock_prefixes([request.network.pk]), request)


def allocate_from(prefixes: list[Prefix], request: AddressRequest) -> Address:
    """Allocate in a network whose prefixes, which are these, are locked already."""
    network = request.network
    enforce(rules.allocatable(network, for_machine=request.machine is not None))
    for prefix in prefixes:
        prefix.network = network  # or each would fetch it anew
    _refuse_other_family(request)
    if request.ip is None:
        prefix, ip = _pick(network, prefixes, request.version)
        kind = Address.Kind.EPHEMERAL
    else:
        prefix, ip = _prefix_of(network, prefixes, request.ip), request.ip
        kind = Address.Kind.STATIC
    address = Address(
        address=ip,
        prefix=prefix,
        project=request.project,
        machine=request.machine,
        kind=request.kind or kind,
        name=request.name,
    )
    address.prefix_is_locked = True
    address.save()
    address.prefix_is_locked = False
    return address


def _refuse_other_family(request: AddressRequest) -> None:
    """An address that is named is of the family that is asked for, if one is."""
    if request.ip is not None and request.version not in (None, request.ip.version):
        reason = f"{request.ip} is an IPv{request.ip.version} address; leave one of the two out."
        refuse(Violation("version", "other_family", reason))


def _pick(network: Network, prefixes: list[Prefix], version: int | None) -> tuple[Prefix, IP]:
    """The lowest free address of the family, and its prefix."""
    cidrs = [prefix.cidr for prefix in prefixes]
    enforce(rules.has_prefix(network, cidrs, version))
    family = version or versions(cidrs)[0]
    own = [prefix for prefix in prefixes if prefix.cidr.version == family]
    for prefix in own:
        ip = next_address(prefix.pk, prefix.cidr)
        if ip is not None:
            return prefix, ip
    refuse(_exhausted(network, family, own))


def _exhausted(network: Network, family: int, prefixes: list[Prefix]) -> Violation:
    used = Address.objects.filter(prefix__in=prefixes).count()
    capacity = sum(prefix.capacity for prefix in prefixes)
    kept_back = counts([prefix.pk for prefix in prefixes]).kept_back.total()
    return rules.exhausted("network", network.id, family, used, capacity, kept_back=kept_back)


def _prefix_of(network: Network, prefixes: list[Prefix], ip: IP) -> Prefix:
    enforce(rules.in_network(network, [prefix.cidr for prefix in prefixes], ip))
    return next(prefix for prefix in prefixes if ip in prefix.cidr)


@transaction.atomic
def release(addresses: QuerySet[Address]) -> None:
    """Release all of these; their networks and prefixes are locked first."""
    unordered = addresses.order_by()
    # A network that grows by an address family gives whoever is there an address: not meanwhile.
    lock_networks(Network.objects.filter(prefixes__addresses__in=unordered).distinct())
    lock_keys(Prefix, unordered.values_list("prefix", flat=True))
    lock_keys(Address, unordered.values_list("pk", flat=True))
    rows = addresses.select_related("prefix__network", "project").order_by("address")
    for address in rows:
        address.release()
