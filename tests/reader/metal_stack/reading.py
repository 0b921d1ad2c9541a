"""One firewall's files, read, and judged by our audit as a partition with this firewall alone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from firewalls.configuration.filters import Access
from firewalls.configuration.plan import Plan
from firewalls.reachability import Guard, Partition
from firewalls.reachability.auditing import audit
from firewalls.reachability.audits import Audit
from tests.reader.frr import Routing
from tests.reader.metal_stack import frr, install, nft, routes
from tests.reader.metal_stack.account import Account
from tests.reader.metal_stack.flows import SVI, flows, ways
from tests.reader.metal_stack.install import Install
from tests.reader.metal_stack.judging import Box, openings, strange_flows, strange_imports
from tests.reader.metal_stack.nft import Rules
from tests.reader.metal_stack.translating import name_forwards, translations

FABRIC_MTU, MTU = 9216, 9000  # not said there, nor asked for by the audit


@dataclass
class Reading:
    """What was read of one firewall, or of a machine, which has no VRF and nothing to audit."""

    accounts: list[Account]
    install: Install
    routing: Routing
    rules: Rules

    @cached_property
    def plan(self) -> Plan:
        """As we would have planned it. Who may talk to the firewall itself is not in it."""
        install = self.install
        vrfs = routes.vrfs(self.routing, install.networks, install.addresses, install.primary)
        name_forwards(self.rules, vrfs)
        return Plan(
            hostname=install.hostname,
            asn=0,
            router_id=install.router_id,
            mac="",
            uplinks=tuple(sorted(self.routing.uplinks)),
            vrfs=vrfs,
            access=Access((), (), (), 0),
            flows=flows(self.rules, ways(vrfs)),
            translations=translations(self.rules, vrfs),
            port_forwards=(),
            origins=(),
            dns_servers=(),
            ntp_servers=(),
            fabric_mtu=FABRIC_MTU,
            mtu=MTU,
        )

    @cached_property
    def box(self) -> Box:
        return Box(self.install.networks, self.install.primary, self.plan.vrfs, self.rules, SVI)

    @cached_property
    def audit(self) -> Audit:
        """What our audit finds."""
        name = self.install.hostname
        guard = Guard(name, name, self.install.primary, self.plan)
        return audit(Partition(self.install.networks, (guard,)))

    def beyond_the_audit(self) -> Iterator[str]:
        """What else the domain forbids."""
        yield from strange_imports(self.box)
        yield from strange_flows(self.box, self.plan.flows)
        yield from openings(self.box)


def read(routes_text: tuple[str, str], rules: Mapping[str, str], facts: tuple[str, str]) -> Reading:
    """From frr.conf, files of rules and install.yaml, each with its name."""
    of_routes, of_facts = Account(routes_text[0]), Account(facts[0])
    texts = [(text, Account(name)) for name, text in rules.items()]
    return Reading(
        accounts=[of_routes, *(account for _, account in texts), of_facts],
        install=install.read(facts[1], of_facts),
        routing=frr.read(routes_text[1], of_routes),
        rules=nft.read(texts),
    )
