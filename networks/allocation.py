"""Taking networks, prefixes and addresses, and giving them back. Nothing is half done: an error leaves nothing behind."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

from networks import rules
from networks.common.addressing import IP, Cidr, versions
from networks.common.audit import audited_as
from networks.common.statements import Statement
from networks.common.validation import enforce
from networks.common.violations import Violation, named
from networks.models import Address, Network, Partition, Prefix, Project
from networks.pools import POOL, free_blocks, next_address, next_child, next_number

_LOCKED_PREFIXES = Statement(Prefix, "WHERE network_id = ANY(%s) ORDER BY id FOR NO KEY UPDATE")


def super_network(partition: Partition) -> Network:
    """The partition's pool. Raises ValidationError on `partition` if it has none (R8)."""
    return _only(partition, Network.Kind.SUPER)


def underlay(partition: Partition) -> Network:
    """The partition's underlay network. Raises ValidationError on `partition` if it has none (R8)."""
    return _only(partition, Network.Kind.UNDERLAY)


def _only(partition: Partition, kind: str) -> Network:
    network = Network.objects.filter(partition=partition, kind=kind).first()
    if network is None:
        reason = f"Partition {partition.pk} has no {kind} network; add one first (R8)."
        enforce([Violation("partition", f"no_{kind}", reason)])
        raise AssertionError  # unreachable: enforce() raised
    return network


def free_id(name: str, model: type[Network | Partition | Project] = Network) -> str:
    """A free id of a network, partition or project that reads like the name."""
    base = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._")[:50].rstrip("-._") or str(
        model._meta.model_name
    )
    taken = set(model._default_manager.filter(id__startswith=base).values_list("id", flat=True))
    numbered = (f"{base}-{number}" for number in range(2, len(taken) + 3))
    return next(candidate for candidate in (base, *numbered) if candidate not in taken)


@audited_as(lambda given: f"{given.get('name') or given.get('id')} was made")
@transaction.atomic
def create_network(
    *, kind: str, prefix_length: Mapping[int, int] | None = None, **fields: Any
) -> Network:
    """Make a network of any kind: a private one as create_private_network does, another one with the prefixes given."""
    if kind == Network.Kind.PRIVATE:
        return create_private_network(prefix_length=prefix_length, **fields)
    if kind == Network.Kind.EXTERNAL and fields.get("vrf") is None:
        fields["vrf"] = _free_vrf()
    prefixes, by = fields.pop("prefixes", ()), fields.pop("by", "")
    fields["id"] = fields.get("id") or free_id(fields.get("name", ""))
    network = Network(kind=kind, shared_by=by if fields.get("shared") else "", **fields)
    network.save(force_insert=True)
    for cidr in prefixes:
        Prefix(network=network, cidr=cidr).save()
    return network


@audited_as(lambda given: f"{given['name']} was made")
@transaction.atomic
def create_private_network(
    *,
    name: str,
    partition: Partition | None,
    project: Project | None,
    id: str = "",
    parent: Network | None = None,
    prefix_length: Mapping[int, int] | None = None,
    prefixes: Sequence[Cidr] = (),
    vrf: int | None = None,
    shared: bool = False,
    by: str = "",
    **fields: Any,
) -> Network:
    """Carve a private network from its partition's super network: the prefixes given, or the next free one per family.

    `prefix_length` names the length per family; without it the super network's defaults count. Raises ValidationError.
    """
    pool = parent or (super_network(partition) if partition else None)
    network = Network(
        id=id or free_id(name),
        name=name,
        kind=Network.Kind.PRIVATE,
        partition=partition,
        project=project,
        parent=pool,
        vrf=vrf if vrf is not None else _free_vrf(),
        shared=shared,
        shared_by=by if shared else "",
        **fields,
    )
    network.save(force_insert=True)
    assert (
        pool is not None
    )  # saving refuses a private network without a partition, and so without a pool
    for cidr in prefixes or _carved(pool, prefix_length or _default_lengths(pool)):
        Prefix(network=network, cidr=cidr).save()
    return network


def _free_vrf() -> int | None:
    number = next_number(Network, "vrf", POOL[0], POOL[-1])
    if number is None:
        reason = f"No VRF id is free any more: all of {POOL[0]} to {POOL[-1]} are taken (R14)."
        enforce([Violation("vrf", "exhausted", reason)])
    return number


def _default_lengths(pool: Network) -> dict[int, int]:
    lengths = {
        int(family): int(length) for family, length in pool.default_child_prefix_length.items()
    }
    if not lengths:
        reason = f"{pool.id} has no default child prefix length; say how long the prefix shall be."
        enforce([Violation("prefix_length", "required", reason)])
    return lengths


def _carved(pool: Network, lengths: Mapping[int, int]) -> list[Cidr]:
    return [carve(pool, family, length) for family, length in sorted(lengths.items())]


def carve(pool: Network, family: int, length: int) -> Cidr:
    """The lowest free child prefix of that family and length. Raises ValidationError on `prefix_length` (R13)."""
    locked = pool.prefixes.select_for_update(no_key=True).order_by(
        "pk"
    )  # those of both families, in the one order
    pools = sorted(
        (prefix for prefix in locked if prefix.cidr.version == family),
        key=lambda prefix: prefix.cidr,
    )
    for prefix in pools:
        if (found := next_child(prefix.pk, prefix.cidr, length)) is not None:
            return found
    taken = Prefix.objects.filter(child=True, network__parent=pool, cidr__family=family).count()
    left = [block.prefixlen for block in free_blocks([prefix.pk for prefix in pools])]
    enforce(
        [
            rules.no_room(
                pool.id,
                family,
                length,
                [prefix.cidr for prefix in pools],
                taken=taken,
                largest=min(left, default=None),
            )
        ]
    )
    raise AssertionError  # unreachable: enforce() raised


@audited_as(lambda given: f"{given['network']} grew")
@transaction.atomic
def grow(
    network: Network,
    *,
    prefix: Cidr | None = None,
    prefix_length: int | None = None,
    version: int = 4,
) -> Prefix:
    """Give a network one more prefix: the one given, or for a private network the next free one of that length."""
    if (
        Network.objects.select_for_update(no_key=True).filter(pk=network.pk).first() is None
    ):  # and before its super network, as everywhere
        enforce([Violation("network", "gone", f"{network.pk} was removed meanwhile.")])
    if prefix is None:
        if prefix_length is None or network.parent is None:
            reason = "Give a prefix; only a private network can take the next free one of a length."
            enforce([Violation("prefix", "required", reason)])
        assert network.parent is not None and prefix_length is not None
        prefix = carve(network.parent, version, prefix_length)
    row = Prefix(network=network, cidr=prefix)
    row.save()
    return row


@transaction.atomic
def allocate(network: Network, **given: Any) -> Address:
    """Take one address: the one given, or the lowest free one. A picked address is ephemeral, a brought one static (R16).

    Takes what `allocate_in_transaction` takes. Raises ValidationError on `address` if it is taken, reserved or outside, or if none is free.
    """
    return allocate_in_transaction(network, **given)


@audited_as(lambda given: f"an address of {given['network']} was taken")
def allocate_in_transaction(
    network: Network,
    *,
    project: Project,
    ip: IP | None = None,
    version: int | None = None,
    kind: str | None = None,
    name: str = "",
    machine: Any = None,
) -> Address:
    """Allocate as part of the caller's transaction, which an error must end: nothing is taken back here."""
    return allocate_from(
        network,
        lock_prefixes([network.pk]),
        project=project,
        ip=ip,
        version=version,
        kind=kind,
        name=name,
        machine=machine,
    )


def allocate_from(
    network: Network,
    prefixes: list[Prefix],
    *,
    project: Project,
    ip: IP | None = None,
    version: int | None = None,
    kind: str | None = None,
    name: str = "",
    machine: Any = None,
) -> Address:
    """Take an address as `allocate` does, where the network's prefixes are locked already."""
    kind = kind or (Address.Kind.EPHEMERAL if ip is None else Address.Kind.STATIC)
    enforce(rules.not_given(network, for_machine=machine is not None))
    for prefix in prefixes:
        prefix.network = network
    if ip is None:
        prefix, ip = _pick(network, prefixes, version)
    else:
        prefix = _prefix_of(network, prefixes, ip)
    address = Address(
        address=ip, prefix=prefix, project=project, kind=kind, name=name, machine=machine
    )
    address.home_is_locked = True
    address.save()
    address.home_is_locked = False
    return address


def lock_networks(networks: Iterable[Network]) -> None:
    """Keep these networks from being removed, shared or grown until this transaction ends; others may hold them too.

    What may have changed since they were read is brought up to date. Raises ValidationError on `networks` if one was removed.
    """
    held = list(networks)
    with connection.cursor() as cursor:
        query = "SELECT id, shared, project_id FROM networks_network WHERE id = ANY(%s) ORDER BY id FOR SHARE"
        cursor.execute(query, [[network.pk for network in held]])
        found = {id: now for id, *now in cursor.fetchall()}
    if gone := {network.pk for network in held} - found.keys():
        enforce([Violation("networks", "gone", f"{named(gone)} was removed meanwhile.")])
    for network in held:
        network.shared, network.project_id = found[network.pk]


def lock_prefixes(networks: Collection[str]) -> list[Prefix]:
    """The prefixes of these networks, each locked against others who take from it or give back to it, in order of address.

    They are locked in the one order that everybody keeps, so that nobody waits for each other in a circle.
    """
    return sorted(
        _LOCKED_PREFIXES.rows(list(networks)), key=lambda prefix: (prefix.cidr.version, prefix.cidr)
    )


def _pick(network: Network, prefixes: list[Prefix], version: int | None) -> tuple[Prefix, IP]:
    enforce(rules.no_prefix(network, [prefix.cidr for prefix in prefixes], version))
    family = version or versions(prefix.cidr for prefix in prefixes)[0]
    own = [prefix for prefix in prefixes if prefix.cidr.version == family]
    for prefix in own:
        if (ip := next_address(prefix.pk, prefix.cidr)) is not None:
            return prefix, ip
    used = Address.objects.filter(prefix__in=own).count()
    enforce(
        [
            rules.exhausted(
                "network", network.id, family, used, sum(prefix.capacity for prefix in own)
            )
        ]
    )
    raise AssertionError  # unreachable: enforce() raised


def _prefix_of(network: Network, prefixes: list[Prefix], ip: IP) -> Prefix:
    enforce(rules.in_network(network, [prefix.cidr for prefix in prefixes], ip))
    return next(prefix for prefix in prefixes if ip in prefix.cidr)


@transaction.atomic
def release(addresses: QuerySet[Address]) -> None:
    """Release all of these; their networks and prefixes are locked first, in the one order that everybody keeps."""
    lock_networks(
        Network.objects.filter(prefixes__addresses__in=addresses.order_by()).distinct()
    )  # who is there shares in their growth
    list(
        Prefix.objects.select_for_update(no_key=True)
        .filter(pk__in=addresses.order_by().values("prefix"))
        .order_by("pk")
    )
    for address in (
        addresses.select_for_update(no_key=True, of=("self",))
        .select_related("prefix__network", "project")
        .order_by("address")
    ):
        address.release()
