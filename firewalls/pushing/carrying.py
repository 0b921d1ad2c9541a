"""What a firewall may have: written down before a push is sent, taken back once it has it no more.

Nobody else gets any of it meanwhile (R16). What a push brings that somebody else has by now, as an
older revision may, is not sent.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.db.models.functions import Now

from firewalls.configuration.carried import Carries, carries
from firewalls.models import Firewall, Push, Revision
from firewalls.pushing.claiming import AT_IT
from machines.allocation import lock_machine
from machines.models import Machine
from networks.allocation import lock_prefixes
from networks.common.addressing import IP
from networks.models import Address, Carried, CarriedQuerySet, Network

HAD = 0  # the revision that is not ours: what the firewall had before


def ours(revision: Revision | None) -> dict[str, str]:
    """The files of a revision that are ours."""
    return {} if revision is None or revision.number == HAD else revision.files


def begin(firewall: Firewall, wanted: Iterable[Carried]) -> str:
    """Write down what the firewall may have from now on, as `carried` says.

    Returns why that must not be, as a sentence; empty if it may.
    """
    try:
        with transaction.atomic():
            if not lock_machine(firewall.machine):
                return f"{firewall.name} was freed meanwhile."
            there = Carried.objects.filter(box=firewall.pk)
            known = set(there.values_list("address", "vrf", "asn"))
            rows = [row for row in wanted if (row.address, row.vrf, row.asn) not in known]
            _write(rows)
    except IntegrityError as error:
        reason = str(error).splitlines()[0]
        return f"It was not sent: {reason}"
    return ""


def _write(rows: list[Carried]) -> None:
    if rows:
        lock_prefixes(sorted({row.network for row in rows}))
        Carried.objects.bulk_create(rows)


def carried(given: Iterable[tuple[Firewall, Mapping[str, str]]]) -> list[Carried]:
    """What these files give these firewalls, as rows, in two queries for all of them."""
    read = [(firewall, carries(files)) for firewall, files in given]
    by_vrf = _networks_by_vrf({vrf for _, has in read for vrf in has.vrfs})
    by_address = _networks_by_address(
        {ip for _, has in read for ip in (*has.addresses, *has.targets)}
    )
    return [row for firewall, has in read for row in _rows(firewall, has, by_vrf, by_address)]


def _rows(
    firewall: Firewall, has: Carries, by_vrf: Mapping[int, str], by_address: Mapping[IP, str]
) -> Iterator[Carried]:
    of = {"box": firewall.pk, "firewall": firewall.name, "machine": firewall.pk}
    for asn in sorted(has.asns):
        yield Carried(**of, asn=asn)
    for vrf in sorted(has.vrfs):
        yield Carried(**of, vrf=vrf, network=by_vrf.get(vrf, ""))
    for address, vrf in has.addresses.items():
        network = by_vrf.get(vrf) or by_address.get(address, "")
        yield Carried(**of, address=address, network=network)
    for address in sorted(has.targets, key=str):
        # Whose it is, the database knows.
        named = of | {"network": by_address.get(address, ""), "machine": None}
        yield Carried(**named, address=address)


def _networks_by_vrf(vrfs: Iterable[int]) -> dict[int, str]:
    rows = Network.objects.filter(vrf__in=vrfs).order_by()
    return {vrf: name for vrf, name in rows.values_list("vrf", "pk") if vrf is not None}


def _networks_by_address(addresses: Iterable[IP]) -> dict[IP, str]:
    rows = Address.objects.filter(address__in=addresses).order_by()
    return dict(rows.values_list("address", "prefix__network"))


def confirm(box: UUID, files: Mapping[str, str]) -> None:
    """It was seen that the firewall has these files and nothing else of ours.

    What it has no more is free once that is committed: whoever writes it down holds the firewall,
    and whoever allocates locks prefixes before firewalls. Should the process die in between, the
    next look does it.
    """
    transaction.on_commit(partial(_forget_others, box, carries(files)), robust=True)


def looked(box: UUID, files: Mapping[str, str]) -> None:
    """A look showed these files and nothing else of ours.

    It is not believed while an applier may still be at what was sent and not seen to its end.
    """
    if not may_be_at_it(box):
        confirm(box, files)


def may_be_at_it(box: UUID) -> bool:
    """Whether an applier may still be at what was sent and not seen to its end, or go back."""
    ended = Push.objects.filter(firewall=box).exclude(state=Push.State.CONFIRMED)
    return ended.filter(finished_at__gt=Now() - AT_IT).exists()


@transaction.atomic
def _forget_others(box: UUID, has: Carries) -> None:
    """Not while another push is on its way, which may bring it again: that one's end tells."""
    running = Push.objects.filter(firewall=box, state=Push.State.RUNNING)
    if not lock_machine(Machine(pk=box)) or running.exists():
        return
    addresses = Q(address__in=[*has.addresses, *has.targets])
    kept = addresses | Q(vrf__in=has.vrfs) | Q(asn__in=has.asns)
    forget(Carried.objects.filter(box=box).exclude(kept))


@transaction.atomic
def forget(rows: CarriedQuerySet) -> None:
    """The firewall has these no more."""
    found = dict(rows.values_list("pk", "network"))
    if found:
        lock_prefixes(sorted({*found.values()}))
        Carried.objects.filter(pk__in=found).delete()
