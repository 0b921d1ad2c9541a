"""What the real parsers miss in a configuration: names that nothing defines, prefixes spelled or listed twice."""

import re
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_network

UNITS = "/etc/systemd/network/"
_ENTRY = re.compile(r"^(?:ip|ipv6) prefix-list (\S+) seq (\d+) \S+ (\S+?)(?: le (\d+))?$", re.M)
# A kind of name in frr.conf: how it is defined, and how it is used.
_NAMES = {
    "prefix list": (
        r"^(?:ip|ipv6) prefix-list (\S+) seq",
        r"^ match (?:ip|ipv6) address prefix-list (\S+)$",
    ),
    "route map": (r"^route-map (\S+) (?:permit|deny) \d+$", r"^.* route-map (\S+)(?: out| in)?$"),
    "VRF": (
        r"^vrf (\S+)$",
        r"^(?:  import vrf|router bgp \d+ vrf| match source-vrf) ((?!route-map)\S+)$",
    ),
    "AS path list": (r"^bgp as-path access-list (\S+) seq", r"^ match as-path (\S+)$"),
    "peer group": (r"^ neighbor (\S+) peer-group$", r"^ neighbor \S+ interface peer-group (\S+)$"),
}


def unresolved(files: Mapping[str, str]) -> Iterator[str]:
    """One sentence per mistake."""
    routes, rules = files.get("/etc/frr/frr.conf", ""), files.get("/etc/nftables.conf", "")
    units = {
        path.removeprefix(UNITS): text for path, text in files.items() if path.startswith(UNITS)
    }
    for kind, (definition, use) in _NAMES.items():
        yield from _undefined(
            f"frr.conf uses the {kind}", _all(use, routes), _all(definition, routes)
        )
    yield from _prefix_lists(routes)
    yield from _chains(rules)
    if units:
        yield from _interfaces(routes, rules, units)


def _undefined(says: str, used: Iterable[str], defined: Iterable[str]) -> Iterator[str]:
    for name in sorted(set(used) - set(defined)):
        yield f"{says} {name}, which is not defined."


def _prefix_lists(routes: str) -> Iterator[str]:
    """Prefixes are canonical, each once per list, matched no shorter than they are, and numbers are not given twice."""
    seen: set[tuple[str, str]] = set()
    for name, sequence, text, longest in _ENTRY.findall(routes):
        for what in (text, f"seq {sequence}"):
            if (name, what) in seen:
                yield f"The prefix list {name} has {what} twice."
            seen.add((name, what))
        try:
            prefix = ip_network(text)
        except ValueError:
            yield f"The prefix list {name} has {text}, which is no canonical prefix."
            continue
        if longest and not prefix.prefixlen < int(longest) <= prefix.max_prefixlen:
            yield f"The prefix list {name} matches {text} up to /{longest}."


def _chains(rules: str) -> Iterator[str]:
    """Translations stand in the chains where they work."""
    chain = ""
    for line in rules.splitlines():
        if found := re.match(r"\s+type (\w+) hook (\w+) ", line):
            chain = f"{found[1]} {found[2]}"
        for verb, where in (("snat", "nat postrouting"), ("dnat", "nat prerouting")):
            if re.search(rf" {verb} ip6? to ", line) and chain != where:
                yield f"nftables.conf has {verb} in a {chain} chain."


def _interfaces(routes: str, rules: str, units: Mapping[str, str]) -> Iterator[str]:
    """Every interface that something names is made, or is there, according to the units."""
    made = {
        name
        for unit, text in units.items()
        if unit.endswith(".netdev")
        for name in _all(r"^Name=(.+)$", text)
    }
    there = {
        name
        for unit, text in units.items()
        if unit.endswith(".network")
        for name in _all(r"^Name=(.+)$", text)
    }
    used = {
        name
        for names in re.findall(r"[io]ifname(?: !=)? (\{[^}]*\}|\"[^\"]*\")", rules)
        for name in re.findall(r'"([^"]*)"', names)
    }
    yield from _undefined("nftables.conf names the interface", used, there)
    yield from _undefined("frr.conf names the interface", _all(r"^interface (\S+)$", routes), there)
    yield from _undefined("frr.conf names the VRF", _all(r"^vrf (\S+)$", routes), made)
    for unit, text in sorted(units.items()):
        yield from _undefined(
            f"{unit} names", _all(r"^(?:VRF|Bridge|VLAN)=([a-z]\S*)$", text), made
        )


def _all(pattern: str, text: str) -> set[str]:
    return set(re.findall(pattern, text, re.M))
