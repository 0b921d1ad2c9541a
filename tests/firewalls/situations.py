"""Situations that a firewall can be in, as facts.

What must be rendered for each lies in tests/golden/<name>/, beside these facts.
"""

from dataclasses import replace
from ipaddress import IPv4Address, ip_address, ip_network

from firewalls.configuration.offers import offer
from firewalls.configuration.plan import Endpoint, Facts, Net, Rule
from networks.common.addressing import IP, Cidr


def nets(*texts: str) -> tuple[Cidr, ...]:
    return tuple(map(ip_network, texts))


def ips(*texts: str) -> tuple[IP, ...]:
    return tuple(map(ip_address, texts))


SHOP = Net("shop-private", "shop", 3981, nets("10.128.64.0/22"), ips("10.128.64.2"), place=0)
SHOP_DUAL = replace(
    SHOP,
    prefixes=nets("10.128.64.0/22", "2001:db8:128:40::/64"),
    addresses=ips("10.128.64.2", "2001:db8:128:40::2"),
)
SHOP_V6 = replace(SHOP, prefixes=nets("2001:db8:128:40::/64"), addresses=ips("2001:db8:128:40::2"))
STORAGE = Net("storage-fra", "storage", 3982, nets("10.128.0.0/22"), ips("10.128.0.100"), place=1)
STORAGE_DUAL = replace(
    STORAGE,
    prefixes=nets("10.128.0.0/22", "2001:db8:128::/64"),
    addresses=ips("10.128.0.100", "2001:db8:128::100"),
)
STORAGE_V6 = replace(
    STORAGE, prefixes=nets("2001:db8:128::/64"), addresses=ips("2001:db8:128::100")
)
BACKUP = Net("backup-fra", "backup", 3984, nets("10.128.4.0/22"), ips("10.128.4.100"), place=2)
INTERNET = Net(
    "internet",
    "internet",
    104009,
    nets("203.0.113.0/24"),
    ips("203.0.113.3"),
    nets("0.0.0.0/0"),
    nat=True,
    place=3,
)
INTERNET_DUAL = replace(
    INTERNET,
    prefixes=nets("203.0.113.0/24", "2001:db8:113::/48"),
    addresses=ips("203.0.113.3", "2001:db8:113::3"),
    destination_prefixes=nets("0.0.0.0/0", "::/0"),
)
MPLS = Net(
    "mpls-fra",
    "MPLS",
    104010,
    nets("100.127.129.0/24"),
    ips("100.127.129.3"),
    nets("100.127.1.0/24"),
    nat=True,
    place=4,
)

HTTPS = Rule("egress", "tcp", ("443",), (), nets("0.0.0.0/0"), "allow apt update")
NFS = Rule("egress", "tcp", ("2049", "3260"), (), nets("10.128.0.0/22"), "allow storage")
SSH = Rule("ingress", "tcp", ("22",), nets("192.0.2.0/24"), (), "allow ssh")
DNS = Rule("egress", "udp", ("53", "123"), (), nets("0.0.0.0/0", "::/0"), "dns and ntp")
RANGES = Rule(
    "egress",
    "tcp",
    ("8000-8100", "8050-8200", "80", "81"),
    (),
    nets("198.51.100.0/24", "198.51.100.128/25"),
    "overlapping",
)

WEB = Endpoint(
    3982, ip_address("10.128.0.100"), 8080, "tcp", "shop-web-1", ip_address("10.128.64.7"), 80
)
WEB_V6 = Endpoint(
    3982,
    ip_address("2001:db8:128::100"),
    8080,
    "tcp",
    "shop-web-1",
    ip_address("2001:db8:128:40::7"),
    80,
)
PROXY = Endpoint(
    3984, ip_address("10.128.4.100"), 3128, "tcp", "shop-proxy", ip_address("10.128.64.9"), 3128
)
SYSLOG = Endpoint(
    3982, ip_address("10.128.0.100"), 514, "udp", "shop-log", ip_address("10.128.64.8"), 5514
)

ALONE = Facts(
    "shop-fw",
    4210000002,
    IPv4Address("10.4.1.3"),
    nets("10.4.0.0/16"),
    ("lan0", "lan1"),
    SHOP,
    management_prefixes=nets("192.0.2.0/24"),
)

CONSUMER = replace(ALONE, shared=(STORAGE,), externals=(INTERNET,), rules=(HTTPS,))
ANALYTICS = Net(
    "analytics-private", "analytics", 3985, nets("10.128.68.0/22"), ips("10.128.68.2"), place=0
)
OWNER = replace(
    ALONE,
    hostname="storage-fw",
    asn=4210000001,
    router_id=IPv4Address("10.4.1.2"),
    primary=replace(STORAGE, addresses=ips("10.128.0.2"), place=0),
    externals=(replace(INTERNET, addresses=ips("203.0.113.2")),),
    rules=(HTTPS, SSH),
)
SECOND = replace(
    CONSUMER,
    hostname="analytics-fw",
    asn=4210000003,
    router_id=IPv4Address("10.4.1.4"),
    primary=ANALYTICS,
    shared=(replace(STORAGE, addresses=ips("10.128.0.101")),),
    externals=(replace(INTERNET, addresses=ips("203.0.113.4")),),
)
TWIN = replace(
    ALONE,
    hostname="shop-fw-2",
    asn=4210000005,
    router_id=IPv4Address("10.4.1.6"),
    primary=replace(SHOP, addresses=ips("10.128.64.3")),
)
TWIN_STORAGE = replace(STORAGE, addresses=ips("10.128.0.103"))
TWIN_INTERNET = replace(INTERNET, addresses=ips("203.0.113.5"))


def beside(facts: Facts, *others: Facts) -> Facts:
    """This firewall as one of several in its primary network."""
    offers = {offer(one.primary, one.shared, one.externals) for one in others}
    return replace(facts, siblings=tuple(sorted(offers)))


SITUATIONS = {
    "nothing-joined": ALONE,
    # The proposal's drawings: one consumer of a shared network; and several, with the shared
    # network's own firewall and the internet.
    "drawing-1-one-consumer": CONSUMER,
    "drawing-2-first-consumer": replace(CONSUMER, rules=(HTTPS, DNS)),
    "drawing-2-second-consumer": SECOND,
    "drawing-2-own-firewall": OWNER,
    "two-shared-networks": replace(
        ALONE, shared=(STORAGE, BACKUP), externals=(INTERNET,), rules=(HTTPS,)
    ),
    "two-shared-and-two-external": replace(
        ALONE, shared=(STORAGE, BACKUP), externals=(INTERNET, MPLS), rules=(HTTPS, SSH)
    ),
    "owner-and-consumer": replace(OWNER, shared=(BACKUP,)),
    # Its primary network was shared since then. Facts do not say so: no line depends on it.
    "shared-after-allocation": replace(ALONE, shared=(STORAGE,), externals=(INTERNET,)),
    "no-external": replace(ALONE, shared=(STORAGE,)),
    "no-external-dual-stack": replace(ALONE, primary=SHOP_DUAL, shared=(STORAGE_DUAL,)),
    "no-external-ipv6-only": replace(ALONE, primary=SHOP_V6, shared=(STORAGE_V6,)),
    "default-route-in-one-family": replace(
        ALONE, primary=SHOP_DUAL, shared=(STORAGE_DUAL,), externals=(INTERNET,)
    ),
    "ipv6-only": replace(
        ALONE, primary=SHOP_V6, shared=(STORAGE_V6,), externals=(INTERNET_DUAL,), rules=(DNS,)
    ),
    "dual-stack": replace(
        ALONE,
        primary=SHOP_DUAL,
        shared=(STORAGE_DUAL,),
        externals=(INTERNET_DUAL,),
        rules=(HTTPS, DNS),
    ),
    "dual-stack-consumer-of-ipv4": replace(
        ALONE, primary=SHOP_DUAL, shared=(STORAGE,), externals=(INTERNET_DUAL,)
    ),
    "ipv6-consumer-of-dual-stack": replace(
        ALONE, primary=SHOP_V6, shared=(STORAGE_DUAL,), externals=(INTERNET_DUAL,)
    ),
    "several-prefixes": replace(
        ALONE,
        primary=replace(SHOP, prefixes=nets("10.128.64.0/22", "10.128.72.0/24", "10.128.73.0/24")),
        shared=(
            replace(
                STORAGE,
                prefixes=nets("10.128.8.0/24", "10.128.0.0/22"),
                addresses=ips("10.128.8.7", "10.128.0.100"),
            ),
        ),
    ),
    "external-without-nat": replace(
        ALONE, externals=(replace(INTERNET, nat=False),), rules=(HTTPS, SSH)
    ),
    "external-without-default-route": replace(
        ALONE, shared=(STORAGE,), externals=(MPLS,), rules=(HTTPS,)
    ),
    "external-only-without-default-route": replace(ALONE, externals=(MPLS,), rules=(HTTPS,)),
    "external-cannot-hide-ipv6": replace(
        ALONE,
        primary=SHOP_DUAL,
        externals=(replace(INTERNET, destination_prefixes=nets("0.0.0.0/0", "::/0")),),
        rules=(DNS,),
    ),
    "rules-narrow-a-shared-network": replace(
        ALONE, shared=(STORAGE, BACKUP), externals=(INTERNET,), rules=(NFS,)
    ),
    "rules-narrow-in-both-families": replace(
        ALONE, primary=SHOP_DUAL, shared=(STORAGE_DUAL,), rules=(NFS, DNS)
    ),
    "rules-with-sources": replace(
        ALONE,
        shared=(STORAGE,),
        externals=(INTERNET,),
        rules=(replace(NFS, sources=nets("10.128.64.8/29", "192.0.2.0/24")), HTTPS),
    ),
    "ranges-and-overlapping-prefixes": replace(ALONE, externals=(INTERNET,), rules=(RANGES, DNS)),
    "endpoint": replace(CONSUMER, endpoints=(WEB,)),
    "endpoints-dual-stack-udp-and-proxy": replace(
        ALONE,
        primary=SHOP_DUAL,
        shared=(STORAGE_DUAL, BACKUP),
        externals=(INTERNET_DUAL,),
        endpoints=(WEB, WEB_V6, SYSLOG, PROXY),
    ),
    "endpoint-without-external": replace(ALONE, shared=(BACKUP,), endpoints=(PROXY,)),
    "dns-and-ntp": replace(
        CONSUMER,
        dns_servers=ips("10.0.0.53", "2001:db8::53"),
        ntp_servers=("0.pool.ntp.org", "192.0.2.123"),
    ),
    "high-vrf-numbers": replace(
        ALONE,
        primary=replace(SHOP, vrf=16777215),
        shared=(replace(STORAGE, vrf=4095), replace(BACKUP, vrf=1)),
        externals=(INTERNET,),
    ),
    "uplinks-as-kernels-name-them": replace(
        CONSUMER, uplinks=("enP2p1s0f0np0", "eth_up", "Slot-3.100"), fabric_mtu=1500
    ),
    "rules-for-icmp": replace(
        ALONE,
        primary=SHOP_DUAL,
        externals=(INTERNET_DUAL, MPLS),
        rules=(
            Rule("egress", "icmp", comment="ping"),
            Rule("ingress", "icmp", (), nets("192.0.2.0/24", "2001:db8:ffff::/48")),
        ),
    ),
    "four-uplinks-and-no-management": replace(
        CONSUMER, uplinks=("lan3", "lan0", "lan10", "lan1"), management_prefixes=()
    ),
    # Several firewalls in one network, each situation being that of one of them.
    "alike": beside(
        replace(TWIN, shared=(TWIN_STORAGE,), externals=(TWIN_INTERNET,)),
        CONSUMER,
    ),
    "unlike-by-a-shared-network": beside(
        replace(TWIN, shared=(TWIN_STORAGE, BACKUP), externals=(TWIN_INTERNET,)), CONSUMER
    ),
    "unlike-by-an-external-network": beside(replace(TWIN, shared=(TWIN_STORAGE,)), CONSUMER),
    "unlike-without-a-way-outside": beside(
        replace(TWIN, shared=(TWIN_STORAGE, BACKUP)), replace(ALONE, shared=(STORAGE,))
    ),
    "unlike-in-one-family": beside(
        replace(
            TWIN,
            primary=replace(SHOP_DUAL, addresses=ips("10.128.64.3", "2001:db8:128:40::3")),
            shared=(replace(STORAGE_DUAL, addresses=ips("10.128.0.103", "2001:db8:128::103")),),
            externals=(TWIN_INTERNET,),
        ),
        replace(ALONE, primary=SHOP_DUAL, shared=(STORAGE_DUAL,), externals=(INTERNET_DUAL,)),
    ),
    "three-firewalls": beside(
        replace(TWIN, shared=(TWIN_STORAGE,), externals=(TWIN_INTERNET, MPLS)), CONSUMER, ALONE
    ),
}
