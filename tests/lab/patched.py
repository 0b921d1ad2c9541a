"""Configurations from which what a scenario proves has been taken out: the product's own facts and plan, patched, and rendered.

    python -m tests.lab.patched "fw-shop no-import shop storage" …

beside a running stack (same VAR) keeps them as revisions of their firewalls, and tells their numbers as JSON, so that the product
can push them as it pushes any other.
"""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import replace

from firewalls.configuration.filters import Flow
from firewalls.configuration.plan import Facts, Net, Plan, plan
from firewalls.configuration.render import digest, render
from firewalls.configuration.routes import Leak, Vrf


def _leaks(vrf: Vrf, leaks: tuple[Leak, ...]) -> Vrf:
    """The VRF with these leaks, importing from where they come from."""
    families = tuple(
        replace(
            family,
            sources=tuple(
                sorted({leak.source for leak in leaks if leak.version == family.version})
            ),
        )
        for family in vrf.families
    )
    return replace(
        vrf, leaks=tuple(sorted(leaks, key=lambda leak: leak.sequence)), families=families
    )


def no_import(facts: Facts, good: Plan, target: str, source: str) -> Plan:
    """One routing table no longer imports another's routes."""
    number = _net(facts, source).vrf
    return _with_vrf(
        good,
        target,
        lambda vrf: _leaks(vrf, tuple(leak for leak in vrf.leaks if leak.source != number)),
    )


def no_no_export(facts: Facts, good: Plan) -> Plan:
    """Every leak with a shared network is announced."""
    shared = {net.vrf for net in facts.shared}

    def loud(vrf: Vrf) -> Vrf:
        return _leaks(
            vrf,
            tuple(
                replace(leak, no_export=False) if {leak.source, leak.target} & shared else leak
                for leak in vrf.leaks
            ),
        )

    return replace(good, vrfs=tuple(map(loud, good.vrfs)))


def no_translation(facts: Facts, good: Plan, target: str) -> Plan:
    """Nobody hides any more on the way into this network."""
    number = _net(facts, target).vrf
    return replace(
        good, translations=tuple(one for one in good.translations if one.target != number)
    )


def no_default(facts: Facts, good: Plan) -> Plan:
    """The firewall does not tell its machines that it is their way out."""
    quiet = tuple(
        replace(
            vrf, families=tuple(replace(family, default_originate=False) for family in vrf.families)
        )
        for vrf in good.vrfs
    )
    return replace(good, vrfs=quiet)


def no_endpoints(facts: Facts, good: Plan) -> Plan:
    """What is published leads nowhere."""
    return replace(good, port_forwards=())


def no_ipv6(facts: Facts, good: Plan) -> Plan:
    """The second family is left out, as one who tries IPv4 only would leave it out."""
    vrfs = tuple(
        _leaks(vrf, tuple(leak for leak in vrf.leaks if leak.version == 4)) for vrf in good.vrfs
    )
    return replace(
        good, vrfs=vrfs, translations=tuple(one for one in good.translations if one.version == 4)
    )


def open_flow(facts: Facts, good: Plan, source: str, target: str) -> Plan:
    """The filter lets through what nobody may open."""
    return replace(
        good,
        flows=(
            *good.flows,
            Flow(_net(facts, source).vrf, _net(facts, target).vrf, 4, (), (), "", (), "fault"),
        ),
    )


def _net(facts: Facts, name: str) -> Net:
    return next(net for net in (facts.primary, *facts.shared, *facts.externals) if net.id == name)


def _with_vrf(good: Plan, network: str, change: Callable[[Vrf], Vrf]) -> Plan:
    assert any(vrf.network == network for vrf in good.vrfs)
    return replace(
        good, vrfs=tuple(change(vrf) if vrf.network == network else vrf for vrf in good.vrfs)
    )


FAULTS: dict[str, Callable[..., Plan]] = {
    "no-import": no_import,
    "no-no-export": no_no_export,
    "no-translation": no_translation,
    "no-default": no_default,
    "no-endpoints": no_endpoints,
    "no-ipv6": no_ipv6,
    "open": open_flow,
}


def faulty(facts: Facts, faults: list[list[str]]) -> dict[str, str]:
    """The firewall's files with these faults."""
    made = plan(facts)
    for name, *words in faults:
        before, made = made, FAULTS[name](facts, made, *words)
        assert before != made, f"{name} {words} takes nothing out of {facts.hostname}"
    return render(made)


def main(faults: list[str]) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    from firewalls.intent.facts import facts
    from firewalls.models import Firewall

    asked = [fault.split() for fault in faults]
    firewalls = {
        firewall.name: firewall
        for firewall in Firewall.objects.filter(machine__name__in={name for name, *_ in asked})
    }
    known = {
        one.hostname: one
        for one in facts([firewall.pk for firewall in firewalls.values()]).values()
    }
    numbers = {}
    for name, firewall in firewalls.items():
        files = faulty(known[name], [words for of, *words in asked if of == name])
        number = 1 + max(firewall.revisions.values_list("number", flat=True), default=0)
        kept = {"number": number, "files": files, "cause": "a fault for the lab"}
        numbers[name] = firewall.revisions.get_or_create(digest=digest(files), defaults=kept)[
            0
        ].number
    json.dump(numbers, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1:])
