"""Reads install.yaml: which networks a firewall has, and which addresses of its own in each."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, ip_address, ip_network
from itertools import combinations
from typing import Any

import yaml

from firewalls.reachability.values import EXTERNAL, PRIVATE, Network
from networks.common.addressing import IP, Cidr
from tests.reader.metal_stack.account import Account

NAMELESS = "firewall"
SHARED = {"privateprimaryshared", "privatesecondaryshared"}
KINDS = {
    **dict.fromkeys((*SHARED, "privateprimaryunshared", "privatesecondaryunshared"), PRIVATE),
    "external": EXTERNAL,
}
UNDERLAY = "underlay"
KNOWN = {
    *("hostname", "networks", "firewall_rules", "vpn", "nics", "machineuuid", "timestamp"),
    *("sshpublickey", "password", "devmode", "console"),
}
KNOWN_OF_NETWORK = {
    *("networkid", "networktype", "vrf", "prefixes", "destinationprefixes", "ips", "nat", "asn"),
    *("private", "privateprimary", "underlay"),  # the type says the same
}


@dataclass
class Install:
    """What one machine is told of itself. `primary` is the id of its primary network."""

    hostname: str = NAMELESS
    primary: str = ""
    router_id: IPv4Address = field(default_factory=lambda: IPv4Address(0))
    networks: dict[str, Network] = field(default_factory=dict)
    addresses: dict[str, tuple[IP, ...]] = field(default_factory=dict)


def read(text: str, account: Account) -> Install:
    """Read a whole install.yaml; keys that are not known are in the account."""
    list(account.lines(text))
    try:
        document, nodes = yaml.safe_load(text), yaml.compose(text)
    except yaml.YAMLError as error:
        account.not_read(1, "the whole file", str(error))
        return Install()
    if not (isinstance(document, dict) and isinstance(nodes, yaml.MappingNode)):
        account.not_read(1, "the whole file", "it is no mapping")
        return Install()
    install = Install(hostname=document.get("hostname") or NAMELESS)
    _name_strangers(nodes, KNOWN, account)
    listed = next((value for key, value in nodes.value if key.value == "networks"), None)
    rows = document.get("networks") or ()
    for node, row in zip(listed.value if listed else (), rows, strict=True):
        _name_strangers(node, KNOWN_OF_NETWORK, account)
        _read_network(install, row, node.start_mark.line + 1, account)
    _name_overlaps(install.networks.values(), account)
    return install


def _name_strangers(node: yaml.MappingNode, known: set[str], account: Account) -> None:
    for key, _ in node.value:
        if key.value not in known:
            account.not_read(key.start_mark.line + 1, f"{key.value}:")


def _read_network(install: Install, row: Mapping[str, Any], line: int, account: Account) -> None:
    kind, id = row.get("networktype"), row.get("networkid", "")
    addresses = tuple(map(ip_address, row.get("ips") or ()))
    if kind == UNDERLAY:
        install.router_id = next(one for one in addresses if one.version == 4)
        return
    if kind not in KINDS:
        account.not_read(line, f"networktype: {kind}")
        return
    prefixes = tuple(_prefixes(row.get("prefixes") or (), line, account))
    install.networks[id] = Network(
        id=id,
        kind=KINDS[kind],
        vrf=row["vrf"],
        prefixes=prefixes,
        project=id,  # it is not said whose it is
        shared=kind in SHARED,
        destination_prefixes=tuple(map(ip_network, row.get("destinationprefixes") or ())),
        nat=bool(row.get("nat")),
    )
    install.addresses[id] = addresses
    if kind.startswith("privateprimary"):
        install.primary = id


def _prefixes(texts: Iterable[str], line: int, account: Account) -> Iterator[Cidr]:
    for text in texts:
        prefix = ip_network(text, strict=False)
        if str(prefix) != text:
            account.not_judged(line, text, f"it has host bits set, and is read as {prefix}")
        yield prefix


def _name_overlaps(networks: Iterable[Network], account: Account) -> None:
    """R13: where prefixes overlap, nobody can tell which of two networks an address is in."""
    for one, other in combinations(networks, 2):
        if any(a.overlaps(b) for a in one.prefixes for b in other.prefixes):
            why = f"it overlaps with {other.id}: what passes between them cannot be told"
            account.not_judged(1, f"networkid: {one.id}", why)
