"""Making networks of any kind, with what nobody names picked for them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from django.db import transaction

from networks import pools
from networks.allocation.locks import lock_prefixes
from networks.allocation.prefixes import carve
from networks.common.addressing import Cidr
from networks.common.audit import audited_as
from networks.common.limits import MOST_PREFIXES, at_most
from networks.common.statements import Statement
from networks.common.validation import enforce, refuse
from networks.common.violations import Violation, with_article
from networks.models import Network, Partition, Prefix, Project
from networks.rules import EXTERNAL, PRIVATE, SUPER, lengths_fit

POOL = pools.POOL

# The kind is written out, for only then is a prepared statement planned with the index of these.
_BY_KIND = {
    kind: Statement(Network, f"WHERE partition_id = %s AND kind = '{kind}'")
    for kind in (Network.Kind.SUPER, Network.Kind.UNDERLAY)
}


def super_network(partition: Partition) -> Network:
    """What private networks are carved from. Raises ValidationError on `partition` (R8)."""
    return _only(partition, Network.Kind.SUPER)


def underlay(partition: Partition) -> Network:
    """The network of the fabric. Raises ValidationError on `partition` if it has none (R8)."""
    return _only(partition, Network.Kind.UNDERLAY)


def _only(partition: Partition, kind: Network.Kind) -> Network:
    for network in _BY_KIND[kind].rows(partition.pk):
        return network
    reason = f"Partition {partition.pk} has no {kind} network; add one first (R8)."
    refuse(Violation("partition", f"no_{kind}", reason))


def free_id(name: str, model: type[Network | Partition | Project] = Network) -> str:
    """A free id of a network, partition or project that reads like the name."""
    base = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._")[:50].rstrip("-._")
    kind = str(model._meta.model_name)
    return pools.free_id(kind, base or kind)


class Made(NamedTuple):
    """A network that was made just now, with its prefixes in order of address."""

    network: Network
    prefixes: list[Prefix]


@transaction.atomic
def create_network(**request: Any) -> Network:
    """Make a network, with what create_network_in_transaction takes. Raises ValidationError."""
    return create_network_in_transaction(**request).network


@audited_as(lambda arguments: f"{arguments.get('name') or arguments.get('id')} was made")
def create_network_in_transaction(
    *,
    prefixes: Sequence[Cidr] = (),
    prefix_length: Mapping[int, int] | None = None,
    by: str = "",
    **columns: Any,
) -> Made:
    """Make a network with these columns and prefixes; `by` is who shares it, if it is shared.

    Left out, the id reads like the name, a VRF id is the next free one, and a private network is
    carved from its partition's super network: the next free prefix per family, as long as
    `prefix_length` says or as the super network's defaults do. Raises ValidationError, which must
    end the caller's transaction: nothing is undone here, which spares a savepoint.
    """
    network = Network(**columns)
    _judge_prefixes(network, prefixes, prefix_length)
    _fill_in(network)
    if network.shared:
        network.shared_by = by
    network.save(force_insert=True)
    rows = _add_named(network, prefixes) if prefixes else _add_carved(network, prefix_length)
    made = sorted(rows, key=lambda row: (row.cidr.version, row.cidr))
    if network.kind == SUPER:
        enforce(lengths_fit(network, network.child_lengths, [row.cidr for row in made]))
    return Made(network, made)


def _judge_prefixes(
    network: Network, prefixes: Sequence[Cidr], prefix_length: Mapping[int, int] | None
) -> None:
    """Refuse too many, and a length where none is carved: in all but a private one without."""
    enforce(at_most("prefixes", prefixes, MOST_PREFIXES))
    if not prefix_length:
        return
    if prefixes:
        reason = "Give either prefixes, or the lengths of the next free ones."
        refuse(Violation("prefix_length", "either_or", reason))
    if network.kind != PRIVATE:
        reason = (
            f"The prefixes of {with_article(network.kind)} network are named; "
            "only those of a private one are carved by their length."
        )
        refuse(Violation("prefix_length", "not_carved", reason))


def _fill_in(network: Network) -> None:
    """Pick what nobody has named."""
    network.id = network.id or _id_like(network.name)
    if network.kind == PRIVATE and network.parent is None and network.partition is not None:
        network.parent = super_network(network.partition)
    if network.kind in (PRIVATE, EXTERNAL) and network.vrf is None:
        network.vrf = _free_vrf()


def _add_named(network: Network, cidrs: Sequence[Cidr]) -> Iterator[Prefix]:
    """In one order, for who adds one that overlaps waits for whoever adds it at the same time."""
    if network.parent_id:
        lock_prefixes([network.parent_id])
    for cidr in sorted(cidrs, key=lambda cidr: (cidr.version, cidr)):
        yield _add(Prefix(network=network, cidr=cidr))


def _add_carved(network: Network, prefix_length: Mapping[int, int] | None) -> Iterator[Prefix]:
    for cidr in _carved(network, prefix_length):
        prefix = Prefix(network=network, cidr=cidr)
        prefix.is_carved = True
        yield _add(prefix)


def _add(prefix: Prefix) -> Prefix:
    prefix.of_new_network = True
    prefix.save()
    return prefix


def _id_like(name: str) -> str:
    """A free id that reads like the name. Raises ValidationError on `name` if there is none."""
    if not name:
        refuse(Violation("name", "required", "Give a name, or an id."))
    return free_id(name)


def create_private_network(**columns: Any) -> Network:
    """Make a private network, as create_network does."""
    return create_network(kind=PRIVATE, **columns)


def _free_vrf() -> int:
    number = pools.next_number("vrf", POOL[0], POOL[-1])
    if number is None:
        reason = f"No VRF id is free any more: all of {POOL[0]} to {POOL[-1]} are taken (R14)."
        refuse(Violation("vrf", "exhausted", reason))
    return number


def _carved(network: Network, prefix_length: Mapping[int, int] | None) -> Iterator[Cidr]:
    """The next free prefix per family, IPv4 first; none for a network that is not private."""
    pool = network.parent
    if pool is not None:
        for family, length in sorted((prefix_length or _default_lengths(pool)).items()):
            yield carve(pool, family, length)


def _default_lengths(pool: Network) -> dict[int, int]:
    defaults = pool.default_child_prefix_length
    if not defaults:
        reason = f"{pool.id} has no default child prefix length; say how long the prefix shall be."
        refuse(Violation("prefix_length", "required", reason))
    return pool.child_lengths
