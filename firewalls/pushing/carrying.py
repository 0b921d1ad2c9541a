"""What a firewall may have: written down before a push is sent, taken back once it has it no more.

Nobody else gets any of it meanwhile (R16). What a push brings that somebody else has by now, as an
older revision may, is not sent.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q

from firewalls.configuration.carried import Carries, carries
from firewalls.models import Firewall, Revision
from networks.models import Address, Carried, Network

HAD = 0  # the revision that is not ours: what the firewall had before


def ours(revision: Revision | None) -> dict[str, str]:
    """The files of a revision that are ours."""
    return {} if revision is None or revision.number == HAD else revision.files


def begin(firewall: Firewall, files: Mapping[str, str]) -> str:
    """Write down what the firewall may have from now on.

    Returns why that must not be, as a sentence; empty if it may.
    """
    wanted = carries(files)
    there = Carried.objects.filter(box=firewall.pk)
    known = set(there.values_list("address", "vrf", "asn"))
    rows = [row for row in _rows(firewall, wanted) if (row.address, row.vrf, row.asn) not in known]
    if not rows:
        return ""
    try:
        with transaction.atomic():
            Carried.objects.bulk_create(rows)
    except IntegrityError as error:
        reason = str(error).splitlines()[0]
        return f"It was not sent: {reason}"
    return ""


def _rows(firewall: Firewall, wanted: Carries) -> Iterator[Carried]:
    """What is to be written down; addresses in the order of their prefixes, which are locked."""
    of = {"box": firewall.pk, "firewall": firewall.name, "machine": firewall.pk}
    for asn in sorted(wanted.asns):
        yield Carried(asn=asn, **of)
    names = _networks(wanted.vrfs)
    for vrf in sorted(wanted.vrfs):
        yield Carried(vrf=vrf, network=names.get(vrf, ""), **of)
    homes = _homes([*wanted.addresses, *wanted.targets])
    for address in sorted(homes, key=lambda one: homes[one]):
        network = names.get(wanted.addresses.get(address, 0)) or homes[address][1]
        machine = firewall.pk if address in wanted.addresses else None  # None: whoever has it
        yield Carried(**of | {"address": address, "network": network, "machine": machine})


def _networks(vrfs: frozenset[int]) -> dict[int, str]:
    rows = Network.objects.filter(vrf__in=vrfs).order_by()
    return {vrf: name for vrf, name in rows.values_list("vrf", "pk") if vrf is not None}


def _homes(addresses: list[Any]) -> dict[Any, tuple[int, str]]:
    """By address the prefix and the network that it is in; those that nobody has come last."""
    rows = Address.objects.filter(address__in=addresses).order_by()
    homes = {
        address: (prefix, network)
        for address, prefix, network in rows.values_list("address", "prefix", "prefix__network")
    }
    last = max((prefix for prefix, _ in homes.values()), default=0) + 1
    return {address: homes.get(address, (last, "")) for address in addresses}


def confirm(box: UUID, files: Mapping[str, str]) -> None:
    """It was seen that the firewall has these files and nothing else of ours."""
    has = carries(files)
    kept = Q(address__in=[*has.addresses, *has.targets]) | Q(vrf__in=has.vrfs) | Q(asn__in=has.asns)
    forget(Carried.objects.filter(box=box).exclude(kept))


def forget(rows: Any) -> None:
    """Nobody may have these any more; in the order of their prefixes, which are locked."""
    order = {row.pk: row.address for row in rows}
    homes = _homes([address for address in order.values() if address is not None])
    for pk in sorted(order, key=lambda pk: homes.get(order[pk], (0, ""))[0]):
        Carried.objects.filter(pk=pk).delete()
