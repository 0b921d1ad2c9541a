"""What the real parsers overlook: names that nothing defines, prefixes misspelled or repeated."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_network

UNITS = "/etc/systemd/network/"
_PREFIX_LIST = re.compile(
    r"^(?:ip|ipv6) prefix-list (\S+) seq (\d+) \S+ (\S+?)(?: le (\d+))?$", re.M
)
_HOOK = re.compile(r"\s+type (\w+) hook (\w+) ")
# By the kind of name in frr.conf: how it is defined, and how it is used.
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
    """One sentence per mistake in the files, by path."""
    routing, rules = files.get("/etc/frr/frr.conf", ""), files.get("/etc/nftables.conf", "")
    for kind, (definition, use) in _NAMES.items():
        user = f"frr.conf uses the {kind}"
        yield from _undefined(user, _all(use, routing), _all(definition, routing))
    yield from _prefix_lists(routing)
    yield from _repeated(r"^(route-map \S+) (?:permit|deny) (\d+)$", routing)
    yield from _translations(rules)
    units = {
        path.removeprefix(UNITS): text for path, text in files.items() if path.startswith(UNITS)
    }
    if units:
        yield from _interfaces(routing, rules, units)


def _undefined(user: str, used: Iterable[str], defined: Iterable[str]) -> Iterator[str]:
    for name in sorted(set(used) - set(defined)):
        yield f"{user} {name}, which is not defined."


def _prefix_lists(routing: str) -> Iterator[str]:
    """Prefixes are canonical, once per list, and matched no shorter than they are.

    Sequence numbers are given once per list.
    """
    listed: set[tuple[str, str]] = set()
    for name, sequence, text, longest in _PREFIX_LIST.findall(routing):
        for entry in (text, f"seq {sequence}"):
            if (name, entry) in listed:
                yield f"The prefix list {name} has {entry} twice."
            listed.add((name, entry))
        try:
            prefix = ip_network(text)
        except ValueError:
            yield f"The prefix list {name} has {text}, which is no canonical prefix."
            continue
        if longest and not prefix.prefixlen < int(longest) <= prefix.max_prefixlen:
            yield f"The prefix list {name} matches {text} up to /{longest}."


def _repeated(entry: str, text: str) -> Iterator[str]:
    """Entries of one list that have the same number, of which FRR would make one."""
    entries = Counter(re.findall(entry, text, re.M))
    for (name, number), times in sorted(entries.items()):
        if times > 1:
            yield f"The {name} has entry {number} twice."


def _translations(rules: str) -> Iterator[str]:
    """Addresses are translated only in the chains where that works."""
    chain = ""
    for line in rules.splitlines():
        if hook := _HOOK.match(line):
            chain = f"{hook[1]} {hook[2]}"
        for verb, works_in in (("snat", "nat postrouting"), ("dnat", "nat prerouting")):
            if re.search(rf" {verb} ip6? to ", line) and chain != works_in:
                yield f"nftables.conf has {verb} in a {chain} chain."


def _interfaces(routing: str, rules: str, units: Mapping[str, str]) -> Iterator[str]:
    """Every interface that something names is made by a unit, or set up by one."""
    made = _named(units, ".netdev")
    set_up = _named(units, ".network")
    matched = _interfaces_of_rules(rules)
    yield from _undefined("nftables.conf names the interface", matched, set_up)
    interfaces, vrfs = _all(r"^interface (\S+)$", routing), _all(r"^vrf (\S+)$", routing)
    yield from _undefined("frr.conf names the interface", interfaces, set_up)
    yield from _undefined("frr.conf names the VRF", vrfs, made)
    for unit, text in sorted(units.items()):
        devices = _all(r"^(?:VRF|Bridge)=([a-z]\S*)$", text)
        yield from _undefined(f"{unit} names", devices, made)


def _named(units: Mapping[str, str], suffix: str) -> set[str]:
    names: set[str] = set()
    for unit, text in units.items():
        if unit.endswith(suffix):
            names |= _all(r"^Name=(.+)$", text)
    return names


def _interfaces_of_rules(rules: str) -> set[str]:
    names: set[str] = set()
    for quoted in re.findall(r"[io]ifname(?: !=)? (\{[^}]*\}|\"[^\"]*\")", rules):
        names |= _all(r'"([^"]*)"', quoted)
    return names


def _all(pattern: str, text: str) -> set[str]:
    return set(re.findall(pattern, text, re.M))
