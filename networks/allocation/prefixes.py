"""Carving prefixes from a super network, and letting networks grow."""

from django.db import transaction

from networks import rules
from networks.allocation.locks import lock_prefixes
from networks.common.addressing import Cidr
from networks.common.audit import audited_as
from networks.common.locking import lock_keys
from networks.common.validation import refuse
from networks.common.violations import Violation
from networks.models import Network, Prefix
from networks.models.prefix import Plan
from networks.pools import free_blocks, next_child

NO_PREFIX = "Give a prefix; only a private network can take the next free one of a length."


def carve(pool: Network, family: int, length: int) -> Cidr:
    """The lowest free child prefix of that family and length in the super network (R13).

    Raises ValidationError on `prefix_length`.
    """
    # Those of both families are locked, in the one order.
    own = [prefix for prefix in lock_prefixes([pool.pk]) if prefix.cidr.version == family]
    for prefix in own:
        cidr = next_child(prefix.pk, prefix.cidr, length)
        if cidr is not None:
            return cidr
    refuse(_no_room(pool, family, length, own))


def _no_room(pool: Network, family: int, length: int, prefixes: list[Prefix]) -> Violation:
    children = Prefix.objects.filter(child=True, network__parent=pool, cidr__family=family)
    free = free_blocks([prefix.pk for prefix in prefixes])
    return rules.no_room(
        pool.id,
        family,
        length,
        [prefix.cidr for prefix in prefixes],
        taken=children.count(),
        largest=min((block.prefixlen for block in free), default=None),
    )


@audited_as(lambda arguments: f"{arguments['network']} grew")
@transaction.atomic
def grow(
    network: Network,
    *,
    prefix: Cidr | None = None,
    prefix_length: int | None = None,
    version: int = 4,
    plan: Plan | None = None,
) -> Prefix:
    """Give a network one more prefix: the one named, or else, if private, the next free one.

    `plan`: who gets which address of it, where machines are already.
    """
    # The network is locked before its super network, as everywhere.
    if not lock_keys(Network, [network.pk]):
        refuse(Violation("network", "gone", f"{network.pk} was removed meanwhile."))
    is_carved = prefix is None
    if prefix is None:
        if prefix_length is None or network.parent is None:
            refuse(Violation("prefix", "required", NO_PREFIX))
        prefix = carve(network.parent, version, prefix_length)
    row = Prefix(network=network, cidr=prefix)
    row.is_carved = is_carved
    row.plan = plan or Plan()
    row.save()
    return row
