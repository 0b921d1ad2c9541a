"""Situations a firewall can be in, as facts; what must be rendered for each lies in tests/golden/<name>/."""

from dataclasses import replace
from ipaddress import IPv4Address, ip_address, ip_network

from firewalls.plan import Facts, Net, Rule
from networks.addressing import IP, Cidr


def nets(*texts: str) -> tuple[Cidr, ...]:
    return tuple(map(ip_network, texts))


def ips(*texts: str) -> tuple[IP, ...]:
    return tuple(map(ip_address, texts))


SHOP = Net("shop-private", "shop", 3981, nets("10.128.64.0/22"), ips("10.128.64.2"))
SHOP_DUAL = replace(SHOP, prefixes=nets("10.128.64.0/22", "2001:db8:128:40::/64"), addresses=ips("10.128.64.2", "2001:db8:128:40::2"))
SHOP_V6 = replace(SHOP, prefixes=nets("2001:db8:128:40::/64"), addresses=ips("2001:db8:128:40::2"))
STORAGE = Net("storage-fra", "storage", 3982, nets("10.128.0.0/22"), ips("10.128.0.100"), shared=True)
STORAGE_DUAL = replace(STORAGE, prefixes=nets("10.128.0.0/22", "2001:db8:128::/64"), addresses=ips("10.128.0.100", "2001:db8:128::100"))
STORAGE_V6 = replace(STORAGE, prefixes=nets("2001:db8:128::/64"), addresses=ips("2001:db8:128::100"))
BACKUP = Net("backup-fra", "backup", 3984, nets("10.128.4.0/22"), ips("10.128.4.100"), shared=True)
INTERNET = Net("internet", "internet", 104009, nets("203.0.113.0/24"), ips("203.0.113.3"), nets("0.0.0.0/0"), nat=True)
INTERNET_DUAL = replace(
    INTERNET, prefixes=nets("203.0.113.0/24", "2001:db8:113::/48"), addresses=ips("203.0.113.3", "2001:db8:113::3"),
    destination_prefixes=nets("0.0.0.0/0", "::/0"),
)  # fmt: skip
MPLS = Net("mpls-fra", "MPLS", 104010, nets("100.127.129.0/24"), ips("100.127.129.3"), nets("100.127.1.0/24"), nat=True)

HTTPS = Rule("egress", "tcp", ("443",), (), nets("0.0.0.0/0"), "allow apt update")
NFS = Rule("egress", "tcp", ("2049", "3260"), (), nets("10.128.0.0/22"), "allow storage")
SSH = Rule("ingress", "tcp", ("22",), nets("192.0.2.0/24"), (), "allow ssh")
DNS = Rule("egress", "udp", ("53", "123"), (), nets("0.0.0.0/0", "::/0"), "dns and ntp")
RANGES = Rule("egress", "tcp", ("8000-8100", "8050-8200", "80", "81"), (), nets("198.51.100.0/24", "198.51.100.128/25"), "overlapping")

ALONE = Facts(
    "shop-fw", 4210000002, IPv4Address("10.4.1.3"), nets("10.4.0.0/16"), ("lan0", "lan1"), SHOP, management_prefixes=nets("192.0.2.0/24")
)

SITUATIONS = {
    "nothing-joined": ALONE,
    "one-consumer": replace(ALONE, shared=(STORAGE,), externals=(INTERNET,), rules=(HTTPS,)),
    "two-shared-and-two-external": replace(ALONE, shared=(STORAGE, BACKUP), externals=(INTERNET, MPLS), rules=(HTTPS, SSH)),
    "owner-of-a-shared-network": replace(
        ALONE, hostname="storage-fw", asn=4210000001, primary=replace(STORAGE, addresses=ips("10.128.0.2")),
        externals=(replace(INTERNET, addresses=ips("203.0.113.2")),), rules=(HTTPS, SSH),
    ),
    "shared-later-while-consuming": replace(ALONE, primary=replace(SHOP, shared=True), shared=(STORAGE,), externals=(INTERNET,)),
    "no-external": replace(ALONE, shared=(STORAGE,)),
    "no-external-dual-stack": replace(ALONE, primary=SHOP_DUAL, shared=(STORAGE_DUAL,)),
    "ipv6-only": replace(ALONE, primary=SHOP_V6, shared=(STORAGE_V6,), externals=(INTERNET_DUAL,), rules=(DNS,)),
    "dual-stack": replace(ALONE, primary=SHOP_DUAL, shared=(STORAGE_DUAL,), externals=(INTERNET_DUAL,), rules=(HTTPS, DNS)),
    "dual-stack-consumer-of-ipv4": replace(ALONE, primary=SHOP_DUAL, shared=(STORAGE,), externals=(INTERNET_DUAL,)),
    "several-prefixes": replace(
        ALONE, primary=replace(SHOP, prefixes=nets("10.128.64.0/22", "10.128.72.0/24", "10.128.73.0/24")),
        shared=(replace(STORAGE, prefixes=nets("10.128.8.0/24", "10.128.0.0/22"), addresses=ips("10.128.8.7", "10.128.0.100")),),
    ),
    "external-without-nat": replace(ALONE, externals=(replace(INTERNET, nat=False),), rules=(HTTPS, SSH)),
    "external-without-default-route": replace(ALONE, shared=(STORAGE,), externals=(MPLS,), rules=(HTTPS,)),
    "rules-narrow-a-shared-network": replace(ALONE, shared=(STORAGE, BACKUP), externals=(INTERNET,), rules=(NFS,)),
    "ranges-and-overlapping-prefixes": replace(ALONE, externals=(INTERNET,), rules=(RANGES, DNS)),
}  # fmt: skip
