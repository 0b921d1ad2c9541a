"""A breach in words: who, from where, reaches what, and by which way."""

from collections.abc import Iterable, Mapping

from firewalls.reachability.laws import Breach
from firewalls.reachability.wording import service
from networks.common.addressing import IP
from networks.models import Address

Names = Mapping[IP, str]


def names_of(breaches: Iterable[Breach]) -> Names:
    """The machines that have an address of these; one query, none for none."""
    addresses = {ip for one in breaches for ip in (one.packet.source, one.packet.destination)}
    rows = Address.objects.filter(address__in=addresses, machine__isnull=False).order_by()
    return dict(rows.values_list("address", "machine__name")) if addresses else {}


def sentence(breach: Breach, names: Names) -> str:
    """As it stands: it is so while the law is broken."""
    return f"{flow(breach, names, 'reaches', 'does not reach')}{_way(breach)}"


def flow(breach: Breach, names: Names, does: str, does_not: str) -> str:
    """From whom to whom, and by which service; whether it reaches, in these words."""
    packet = breach.packet
    verb = does_not if breach.reason else does
    what = service(packet)
    on = f"by {what}" if packet.protocol == "icmp" else f"on {what}"
    return f"{_source(breach, names)} {verb} {_target(breach, names)} {on}"


def path(breach: Breach) -> list[dict[str, str]]:
    """Its hops, to be kept."""
    return [
        {
            "kind": hop.kind,
            "name": hop.name,
            "address": str(hop.address or ""),
            "rule": hop.rule,
            "note": hop.note,
        }
        for hop in breach.path
    ]


def _source(breach: Breach, names: Names) -> str:
    if breach.outside:
        return f"What comes from {breach.source}"
    address = breach.packet.source
    return f"{names.get(address, 'a machine')} ({address}) of {breach.source}"


def _target(breach: Breach, names: Names) -> str:
    if not breach.target:
        return "the internet"
    address = breach.packet.destination
    return f"{names.get(address, 'a machine')} ({address}) of {breach.target}"


def _way(breach: Breach) -> str:
    """Why not; or by which way."""
    if breach.reason:
        return f": {breach.reason}"
    return f", by {' → '.join(hop.name for hop in breach.path)}."
