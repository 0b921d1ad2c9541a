"""What a firewall may have: written down before a push is sent, taken back once it has it no more.

Nobody else gets any of it meanwhile (R16). What a push brings that somebody else has by now, as an
older revision may, is not sent.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q

from firewalls.configuration.carried import Carries, carries
from firewalls.models import Firewall, Revision
from machines.allocation import lock_machine
from networks.common.addressing import IP
from networks.models import Address, Carried, CarriedQuerySet, Network

Homes = dict[IP, tuple[int, str]]
HAD = 0  # the revision that is not ours: what the firewall had before


def ours(revision: Revision | None) -> dict[str, str]:
    """The files of a revision that are ours."""
    return {} if revision is None or revision.number == HAD else revision.files


def begin(firewall: Firewall, files: Mapping[str, str]) -> str:
    """Write down what the firewall may have from now on.

    Returns why that must not be, as a sentence; empty if it may.
    """
    there = Carried.objects.filter(box=firewall.pk)
    known = set(there.values_list("address", "vrf", "asn"))
    wanted = carried([(firewall, files)])
    rows = [row for row in wanted if (row.address, row.vrf, row.asn) not in known]
    if not rows:
        return ""
    try:
        with transaction.atomic():
            if not lock_machine(firewall.machine):
                return f"{firewall.name} was freed meanwhile."
            Carried.objects.bulk_create(rows)
    except IntegrityError as error:
        reason = str(error).splitlines()[0]
        return f"It was not sent: {reason}"
    return ""


def carried(given: Sequence[tuple[Firewall, Mapping[str, str]]]) -> list[Carried]:
    """What these files give these firewalls, as rows, in two queries for all of them.

    Addresses come in the order of their prefixes, which are locked.
    """
    read = [(firewall, carries(files)) for firewall, files in given]
    names = _networks({vrf for _, has in read for vrf in has.vrfs})
    homes = _homes(ip for _, has in read for ip in (*has.addresses, *has.targets))
    rows = [row for firewall, has in read for row in _rows(firewall, has, names, homes)]
    return sorted(rows, key=lambda row: homes[row.address][0] if row.address else 0)


def _rows(
    firewall: Firewall, has: Carries, names: Mapping[int, str], homes: Homes
) -> Iterator[Carried]:
    of = {"box": firewall.pk, "firewall": firewall.name, "machine": firewall.pk}
    for asn in sorted(has.asns):
        yield Carried(**of, asn=asn)
    for vrf in sorted(has.vrfs):
        yield Carried(**of, vrf=vrf, network=names.get(vrf, ""))
    for address, vrf in has.addresses.items():
        network = names.get(vrf) or homes[address][1]
        yield Carried(**of, address=address, network=network)
    for address in sorted(has.targets, key=str):
        # Whose it is, the database knows.
        named = of | {"network": homes[address][1], "machine": None}
        yield Carried(**named, address=address)


def _networks(vrfs: Iterable[int]) -> dict[int, str]:
    rows = Network.objects.filter(vrf__in=set(vrfs)).order_by()
    return {vrf: name for vrf, name in rows.values_list("vrf", "pk") if vrf is not None}


def _homes(addresses: Iterable[IP]) -> Homes:
    """By address the prefix and the network that it is in; those that nobody has come last."""
    wanted = list(addresses)
    rows = Address.objects.filter(address__in=wanted).order_by()
    homes = {
        address: (prefix, network)
        for address, prefix, network in rows.values_list("address", "prefix", "prefix__network")
    }
    last = max((prefix for prefix, _ in homes.values()), default=0) + 1
    return {address: homes.get(address, (last, "")) for address in wanted}


def confirm(box: UUID, files: Mapping[str, str]) -> None:
    """It was seen that the firewall has these files and nothing else of ours."""
    has = carries(files)
    kept = Q(address__in=[*has.addresses, *has.targets]) | Q(vrf__in=has.vrfs) | Q(asn__in=has.asns)
    forget(Carried.objects.filter(box=box).exclude(kept))


def forget(rows: CarriedQuerySet) -> None:
    """Nobody may have these any more; in the order of their prefixes, which are locked."""
    order = {row.pk: row.address for row in rows}
    homes = _homes(address for address in order.values() if address is not None)
    for pk in sorted(order, key=lambda pk: homes[address][0] if (address := order[pk]) else 0):
        Carried.objects.filter(pk=pk).delete()
