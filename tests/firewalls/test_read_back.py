"""A configuration, read by another reader, does what the domain demands; and faults are found."""

import ast
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from firewalls.configuration.plan import Facts, Net, plan
from firewalls.configuration.render import render
from tests import reader
from tests.firewalls.partitions import partition
from tests.firewalls.situations import SITUATIONS, nets
from tests.reader import Unreadable
from tests.reader.domain import Comparison

FRR, NFT = "/etc/frr/frr.conf", "/etc/nftables.conf"
PARTITIONS, SLICES = 300, 10


Files = dict[str, str]


def rendered(facts: Facts) -> Files:
    return render(plan(facts))


def differences(facts: Facts, strangers: list[Net], files: Files) -> list[str]:
    return list(Comparison(facts, strangers, files).differences())


@pytest.mark.parametrize("part", range(SLICES))
def test_generated_partitions_do_what_the_domain_demands(part: int) -> None:
    for seed in range(part, PARTITIONS, SLICES):
        generated = partition(Random(seed))
        for facts in generated.firewalls:
            wrong = differences(facts, generated.strangers(facts), rendered(facts))
            assert not wrong, f"partition {seed}, {facts.hostname}: {wrong[:3]}"


KINDS = [
    *("dual stack", "IPv4", "IPv6"),
    *("0 shared", "1 shared", "2 shared", "primary shared"),
    *("0 externals", "1 externals", "2 externals", "default", "without nat"),
    *("egress tcp", "egress udp", "ingress tcp", "ingress udp"),
    *("endpoints", "no management"),
]


def test_the_partitions_are_of_every_kind() -> None:
    """What is generated would exercise everything that there is to be wrong."""
    counts: Counter[str] = Counter()
    for seed in range(PARTITIONS):
        generated = partition(Random(seed))
        for facts in generated.firewalls:
            families = {prefix.version for prefix in facts.primary.prefixes}
            reached = [cidr for net in facts.externals for cidr in net.destination_prefixes]
            counts["dual stack" if len(families) > 1 else f"IPv{families.pop()}"] += 1
            counts[f"{min(len(facts.shared), 2)} shared"] += 1
            counts[f"{min(len(facts.externals), 2)} externals"] += 1
            counts["primary shared"] += facts.primary.vrf in generated.shared
            counts["endpoints"] += bool(facts.endpoints)
            counts["no management"] += not facts.management_prefixes
            counts["default"] += any(cidr.prefixlen == 0 for cidr in reached)
            counts["without nat"] += any(not net.nat for net in facts.externals)
            counts.update(f"{rule.direction} {rule.protocol}" for rule in facts.rules)
    assert min(counts[kind] for kind in KINDS) >= 20, counts


@pytest.mark.parametrize("name", SITUATIONS)
def test_every_situation_does_what_the_domain_demands(name: str) -> None:
    assert not differences(SITUATIONS[name], [], rendered(SITUATIONS[name]))


FULL = SITUATIONS["endpoints-dual-stack-udp-and-proxy"]
FULL_WITH_RULES = SITUATIONS["dual-stack"]
ALONE = SITUATIONS["no-external-dual-stack"]
STRANGER = Net("stranger", "", 3999, nets("10.128.99.0/24", "2001:db8:128:99::/64"), place=9)
NARROW = SITUATIONS["rules-narrow-in-both-families"]
CLAUSE = (
    r"(route-map {} permit \d+\n match {} address prefix-list \S+\n match source-vrf {}\n)"
    r" set community no-export additive\n"
)
Fault = Callable[[Files], Files]


def cut(pattern: str, path: str = FRR, instead: str = "") -> Fault:
    """A fault: what matches the pattern is replaced."""

    def spoil(files: Files) -> Files:
        spoiled, count = re.subn(pattern, instead, files[path], flags=re.M)
        assert count, pattern
        return {**files, path: spoiled}

    return spoil


def known(fault: Fault) -> Fault:
    """A fault, where BGP runs in the stranger's VRF too: there would be nothing to import else."""
    begun = cut(r"\Afrr defaults", instead="router bgp 1 vrf vrf3999\nexit\nfrr defaults")
    return lambda files: fault(begun(files))


def rule(line: str) -> Fault:
    """A fault: one more line at the beginning of the forward chain."""
    return cut(
        r"(type filter hook forward priority filter; policy drop;\n)", NFT, rf"\1        {line}\n"
    )


def announced(route_map: str, family: str, source: str) -> Fault:
    """A fault: what is imported from there is announced to others."""
    return cut(CLAUSE.format(route_map, family, source), instead=r"\1")


# The facts, the fault, and words of the sentence that must be yielded about it.
FAULTS: dict[str, tuple[Facts, Fault, str]] = {
    "shared prefixes imported without no-export": (
        FULL,
        announced("vrf3981-import-map", "ip", "vrf3982"),
        "shop-private imports",
    ),
    "private prefixes announced in the shared network": (
        FULL,
        announced("vrf3982-import-map", "ip", "vrf3981"),
        "storage-fra imports",
    ),
    "the same in IPv6": (
        FULL,
        announced("vrf3982-import-map", "ipv6", "vrf3981"),
        "storage-fra imports 2001:db8:128:40::",
    ),
    "private prefixes announced outside": (
        FULL,
        announced("vrf104009-import-map", "ip", "vrf3981"),
        "internet imports",
    ),
    "hidden behind the wrong address": (
        FULL,
        cut("snat ip to 10.128.0.100", NFT, "snat ip to 10.128.0.101"),
        "shows itself in storage-fra",
    ),
    "not hidden at all": (
        FULL,
        cut(r"^.*snat ip6 to 2001:db8:128::100.*\n", NFT),
        "shows itself in storage-fra as 2001:db8:128:40:",
    ),
    "a shared network reaches the private one": (
        FULL,
        rule('iifname "vrf3982" oifname "bridge3981" counter accept'),
        "from storage-fra to shop-private is not met with drop",
    ),
    "a shared network reaches another": (
        FULL,
        rule('iifname "vrf3982" oifname "bridge3984" accept'),
        "from storage-fra to backup-fra",
    ),
    "a shared network reaches the internet": (
        FULL,
        rule('iifname "vrf3982" oifname "bridge104009" accept'),
        "from storage-fra to internet",
    ),
    "the internet reaches a shared network": (
        FULL,
        rule('iifname "vrf104009" oifname "bridge3982" accept'),
        "from internet to storage-fra",
    ),
    "the private network leaves unasked": (
        FULL,
        rule('iifname "vrf3981" accept'),
        "from shop-private to internet",
    ),
    "what was taken away goes on": (
        FULL,
        cut(" ct mark @current", NFT),
        "running flows are not met with drop",
    ),
    "what is still allowed ends with the rule that let it in": (
        FULL,
        cut("ct direction reply", NFT, "ct state new ct direction reply"),
        "running flows are not met with accept",
    ),
    "what was hidden behind another address goes on": (
        FULL,
        cut(r"^.*hidden behind another address.*\n", NFT),
        "what is hidden behind another address goes on",
    ),
    "a forged source leaves": (
        FULL_WITH_RULES,
        cut(r"^.*no address of a machine here.*\n", NFT),
        "from shop-private to internet is not met with drop",
    ),
    "a machine bears the firewall's own address": (
        FULL_WITH_RULES,
        cut(r"^.*the firewall's own address.*\n", NFT),
        "from shop-private to internet is not met with drop",
    ),
    "a machine finds its own firewall's endpoint closed": (
        FULL,
        cut(', "bridge3981", "vrf3981" } ip daddr', NFT, " } ip daddr"),
        "from shop-private becomes",
    ),
    "a machine answers another past its endpoint": (
        FULL,
        cut(r"^.*hidden from the own endpoints.*\n", NFT),
        "is seen from 10.128.67.254",
    ),
    "VXLAN is tracked": (
        FULL,
        cut(r"^.*notrack.*\n", NFT),
        "is tracked in output",
    ),
    "machines' own VXLAN passes by the rules": (
        FULL,
        cut(r'iifname { "lan0", "lan1" } (udp dport 4789 notrack)', NFT, r"\1"),
        "is tracked in prerouting",
    ),
    "routes of a network that was not joined": (
        FULL,
        known(cut(r"^(  import vrf) route-map vrf3981-import-map\n", instead=r"\1 vrf3999\n")),
        "imports 10.128.99.0/24 of stranger",
    ),
    "import from a network that was not joined": (
        FULL,
        known(cut(r"^(  import vrf vrf3982\n)", instead=r"\1  import vrf vrf3999\n")),
        "vrf3981 imports from vrf3999",
    ),
    "shared networks import from each other": (
        FULL,
        cut(
            r"^( address-family ipv4 unicast\n  redistribute connected\n)"
            r"(  import vrf route-map vrf3984)",
            instead=r"\1  import vrf vrf3982\n\2",
        ),
        "vrf3984 imports from vrf3982",
    ),
    "a shared network imports the internet": (
        FULL,
        cut(r"^  import vrf route-map vrf3982-import-map\n", instead="  import vrf vrf104009\n"),
        "storage-fra imports 0.0.0.0/0",
    ),
    "an empty list, which permits everything": (
        FULL,
        cut(r"^ match ip address prefix-list vrf3982-import-from-vrf3981-no-export\n"),
        "storage-fra imports",
    ),
    "an import without its map": (
        FULL,
        cut(r"^  import vrf route-map vrf3982-import-map\n"),
        "storage-fra imports",
    ),
    "a map that ends by permitting": (
        FULL,
        cut(
            r"route-map vrf3982-import-map deny 65535",
            instead="route-map vrf3982-import-map permit 65535",
        ),
        "storage-fra imports",
    ),
    "IPv6 left out of the imports": (
        FULL,
        cut(
            r"^ address-family ipv6 unicast\n(?:  (?:network|redistribute|import) .*\n)+",
            instead=" address-family ipv6 unicast\n",
        ),
        "imports 2001:db8:128::/64",
    ),
    "IPv6 left out of the filter": (FULL, cut(r"^.*meta nfproto ipv6.*\n", NFT), "2001:db8:128"),
    "IPv6 not advertised": (FULL, cut(r"^  advertise ipv6 unicast\n"), "not advertised"),
    "the own public address imported": (
        FULL,
        cut(r"^ip prefix-list .* deny 203.0.113.3/32\n"),
        "imports 203.0.113.3/32",
    ),
    "a private subnet only": (
        FULL,
        cut(r"permit 10.128.64.0/22 le 32", instead="permit 10.128.64.0/22"),
        "imports 10.128.64.0/24",
    ),
    "a prefix that is too wide": (
        FULL,
        cut(r"permit 10.128.0.0/22 le 32", instead="permit 10.128.0.0/21 le 32"),
        "shop-private imports 10.128.0.0/21",
    ),
    "nobody is the way out": (
        ALONE,
        cut(r"^  network ::/0 route-map floating\n"),
        "of its own",
    ),
    "the way out is not announced": (
        ALONE,
        cut(r"^ no bgp network import-check\n"),
        "only where the kernel has one",
    ),
    "the way out beside the internet": (FULL, cut(r"^ set weight 0\n"), "come first"),
    "two firewalls that yield to each other": (
        FULL,
        cut(r"^ set local-preference 20\n", instead=" set local-preference 60\n"),
        "come first",
    ),
    "an endpoint that leads elsewhere": (
        FULL,
        cut("dnat ip to 10.128.64.7:80", NFT, "dnat ip to 10.128.64.6:80"),
        "becomes",
    ),
    "an endpoint that is open from everywhere": (
        FULL,
        cut(r'iifname { "bridge3982",[^}]*} (ip daddr 10.128.0.100 tcp)', NFT, r"\1"),
        "from internet becomes",
    ),
    "a machine reached past its endpoint": (
        FULL,
        cut(
            r" ct status dnat \S+ \S+ tcp ct original ip daddr \S+ ct original proto-dst 8080", NFT
        ),
        "from storage-fra to shop-private",
    ),
    "rules that do not narrow": (
        NARROW,
        rule(
            'iifname "vrf3981" oifname "bridge3982" meta nfproto ipv6 '
            "ip6 daddr { 2001:db8:128::/64 } accept"
        ),
        "not met with drop",
    ),
    "everything forwarded": (
        FULL,
        cut(
            "hook forward priority filter; policy drop;((?:\n.*)*?)\n        counter jump refuse.*",
            NFT,
            r"hook forward priority filter; policy accept;\1",
        ),
        "not met with drop",
    ),
    "replies dropped": (
        FULL,
        cut(r"^(.*hook forward.*\n.*\n).*established.*\n", NFT, r"\1"),
        "established",
    ),
    "SSH from a shared network": (
        FULL,
        cut(r"^.*no SSH from storage-fra.*\n", NFT),
        "the firewall itself meets",
    ),
    "SSH from anywhere": (
        FULL,
        cut(r"ip saddr { 192.0.2.0/24 } (tcp dport 22)", NFT, r"\1"),
        "the firewall itself meets",
    ),
    "VXLAN from anywhere": (
        FULL,
        cut(r"ip saddr { 10.4.0.0/16 } (udp)", NFT, r"\1"),
        "the firewall itself meets",
    ),
    "metrics for everybody": (
        FULL,
        cut(r'iifname "vrf3981" (tcp dport { 9100)', NFT, r"\1"),
        "the firewall itself meets",
    ),
    "a network too many": (
        FULL,
        cut(r"\Afrr defaults", instead="vrf vrf3999\n vni 3999\nexit-vrf\nfrr defaults"),
        "VRFs are",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found(name: str) -> None:
    facts, fault, words = FAULTS[name]
    files = rendered(facts)
    assert not differences(facts, [STRANGER], files)
    wrong = differences(facts, [STRANGER], fault(files))
    assert any(words in sentence for sentence in wrong), wrong[:5]


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (FRR, "ip route 0.0.0.0/0 10.0.0.1"),
        (FRR, "route-map x permit"),
        (FRR, "  import vrf a b"),
        (FRR, "  import vrf vrf-not-begun"),
        (NFT, 'include "/x"'),
        (NFT, "flush ruleset"),
    ],
)
def test_nothing_goes_unread(path: str, line: str) -> None:
    files = rendered(FULL)
    with pytest.raises(Unreadable):
        Comparison(FULL, [], {**files, path: files[path] + line + "\n"})


def test_the_reader_shares_no_code_with_the_renderer() -> None:
    for path in Path(str(reader.__file__)).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            packages = {name.split(".")[0] for name in imported_modules(node)}
            assert not packages & {"firewalls", "machines", "networks", "django"}


def imported_modules(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [str(node.module)] if isinstance(node, ast.ImportFrom) else []
