"""Configurations from which what a scenario proves has been taken out.

    python -m tests.lab.faults "fw-shop no-import shop storage" …

runs beside a running stack (same VAR). It patches the product's own plan of these firewalls, keeps
what is rendered as revisions, and prints their numbers as JSON, so that the product can push them
as it pushes any other.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace

import django

from firewalls.configuration.filters import Flow
from firewalls.configuration.plan import Facts, Net, Plan, plan
from firewalls.configuration.render import digest, render
from firewalls.configuration.routes import Leak, Vrf
from tests import stack
from tests.lab.running import Lab


def no_import(facts: Facts, intact: Plan, target: str, source: str) -> Plan:
    """One routing table no longer imports another's routes."""
    number = _net(facts, source).vrf
    assert any(vrf.network == target for vrf in intact.vrfs)

    def without(vrf: Vrf) -> Vrf:
        if vrf.network != target:
            return vrf
        return _with_leaks(vrf, [leak for leak in vrf.leaks if leak.source != number])

    return _with_vrfs(intact, without)


def no_no_export(facts: Facts, intact: Plan) -> Plan:
    """Every leak with a shared network is announced."""
    shared = {net.vrf for net in facts.shared}

    def announced(leak: Leak) -> Leak:
        if shared.isdisjoint({leak.source, leak.target}):
            return leak
        return replace(leak, no_export=False)

    return _with_vrfs(intact, lambda vrf: _with_leaks(vrf, [announced(leak) for leak in vrf.leaks]))


def no_translation(facts: Facts, intact: Plan, target: str) -> Plan:
    """Nobody is hidden any more on the way into this network."""
    number = _net(facts, target).vrf
    kept = tuple(one for one in intact.translations if one.target != number)
    return replace(intact, translations=kept)


def no_default(facts: Facts, intact: Plan) -> Plan:
    """The firewall does not tell its machines that it is their way out."""

    def quiet(vrf: Vrf) -> Vrf:
        families = tuple(replace(family, floating_default=False) for family in vrf.families)
        return replace(vrf, families=families)

    return _with_vrfs(intact, quiet)


def as_if_alone(facts: Facts, intact: Plan) -> Plan:
    """The firewall does not know that its network has others."""
    return replace(intact, vrfs=plan(replace(facts, siblings=())).vrfs)


def no_endpoints(facts: Facts, intact: Plan) -> Plan:
    """What is published leads nowhere."""
    return replace(intact, port_forwards=())


def no_ipv6(facts: Facts, intact: Plan) -> Plan:
    """The second family is left out, as one who tries IPv4 only would leave it out."""
    translations = tuple(one for one in intact.translations if one.version == 4)
    ipv4_only = _with_vrfs(
        intact, lambda vrf: _with_leaks(vrf, [leak for leak in vrf.leaks if leak.version == 4])
    )
    return replace(ipv4_only, translations=translations)


def open_flow(facts: Facts, intact: Plan, source: str, target: str) -> Plan:
    """The filter lets through what nobody may open."""
    opened = Flow(_net(facts, source).vrf, _net(facts, target).vrf, 4, (), (), "", (), "fault")
    return replace(intact, flows=(*intact.flows, opened))


def _net(facts: Facts, name: str) -> Net:
    return next(net for net in (facts.primary, *facts.shared, *facts.externals) if net.id == name)


def _with_vrfs(intact: Plan, change: Callable[[Vrf], Vrf]) -> Plan:
    return replace(intact, vrfs=tuple(change(vrf) for vrf in intact.vrfs))


def _with_leaks(vrf: Vrf, leaks: list[Leak]) -> Vrf:
    """The VRF with these leaks, importing from where they come from."""
    families = []
    for family in vrf.families:
        sources = {leak.source for leak in leaks if leak.version == family.version}
        families.append(replace(family, sources=tuple(sorted(sources))))
    in_order = tuple(sorted(leaks, key=lambda leak: leak.sequence))
    return replace(vrf, leaks=in_order, families=tuple(families))


FAULTS: dict[str, Callable[..., Plan]] = {
    "no-import": no_import,
    "no-no-export": no_no_export,
    "no-translation": no_translation,
    "no-default": no_default,
    "as-if-alone": as_if_alone,
    "no-endpoints": no_endpoints,
    "no-ipv6": no_ipv6,
    "open": open_flow,
}


@dataclass(frozen=True)
class Fault:
    """A fault of one firewall, with the networks it is about: `fw-shop no-import shop storage`."""

    firewall: str
    name: str
    networks: list[str]

    @classmethod
    def parse(cls, text: str) -> "Fault":
        firewall, name, *networks = text.split()
        return cls(firewall, name, networks)


def faulty(facts: Facts, faults: list[Fault]) -> dict[str, str]:
    """The firewall's files with these faults, each of which must change something."""
    patched = plan(facts)
    for fault in faults:
        before = patched
        patched = FAULTS[fault.name](facts, before, *fault.networks)
        assert before != patched, f"{fault} takes nothing out of {facts.hostname}"
    return render(patched)


def revisions(lab: Lab, *faults: str) -> dict[str, int]:
    """The numbers of revisions with these faults, by firewall."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.lab.faults", *faults],
        cwd=stack.ROOT,
        env=stack.environment(lab.stack.var, lab.stack.port),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {str(name): int(number) for name, number in json.loads(done.stdout).items()}


def main(arguments: list[str]) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    # Models can be imported only now.
    from firewalls.intent.facts import facts
    from firewalls.models import Firewall

    faults = [Fault.parse(text) for text in arguments]
    names = {fault.firewall for fault in faults}
    firewalls = list(Firewall.objects.filter(machine__name__in=names))
    facts_by_name = {one.hostname: one for one in facts([one.pk for one in firewalls]).values()}
    numbers = {}
    for firewall in firewalls:
        own = [fault for fault in faults if fault.firewall == firewall.name]
        files = faulty(facts_by_name[firewall.name], own)
        number = 1 + max(firewall.revisions.values_list("number", flat=True), default=0)
        fields = {"number": number, "files": files, "cause": "a fault for the lab"}
        revision, _ = firewall.revisions.get_or_create(digest=digest(files), defaults=fields)
        numbers[firewall.name] = revision.number
    json.dump(numbers, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1:])
