"""Rendered configurations are as the golden files say, and the same for the same facts.

A change changes no other line than it must.
"""

import json
import os
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, fields, is_dataclass, replace
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firewalls.configuration.plan import Facts, plan
from firewalls.configuration.render import digest, render
from tests.firewalls.situations import (
    ALONE,
    BACKUP,
    DNS,
    HTTPS,
    INTERNET,
    INTERNET_DUAL,
    MPLS,
    NFS,
    RANGES,
    SHOP_DUAL,
    SITUATIONS,
    SSH,
    STORAGE,
    STORAGE_DUAL,
    ips,
    nets,
)

GOLDEN = Path(__file__).parent.parent / "golden"
T = TypeVar("T")
FRR, NFT = "/etc/frr/frr.conf", "/etc/nftables.conf"


def rendered(facts: Facts) -> dict[str, str]:
    return render(plan(facts))


def golden(name: str) -> dict[str, str]:
    """The files in the folder of a situation.

    They are the facts, the two files of most interest, and the others in one.
    """
    files = rendered(SITUATIONS[name])
    others = "".join(
        f"==> {path} <==\n{text}\n"
        for path, text in sorted(files.items())
        if path not in (FRR, NFT)
    )
    facts = json.dumps(asdict(SITUATIONS[name]), indent=1, default=str) + "\n"
    return {
        "facts.json": facts,
        "frr.conf": files[FRR],
        "nftables.conf": files[NFT],
        "others.txt": others,
    }


@pytest.mark.parametrize("name", SITUATIONS)
def test_every_situation_is_rendered_as_its_golden_files_say(name: str) -> None:
    """`GOLDEN=write make test` writes them anew; read the difference before it is committed."""
    for file, text in golden(name).items():
        path = GOLDEN / name / file
        if os.environ.get("GOLDEN") == "write":
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        assert text == path.read_text()


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_plan_holds_no_syntax(name: str) -> None:
    """The templates alone spell a configuration: text in a plan is one word, or a comment's."""
    for field, text in texts(plan(SITUATIONS[name])):
        assert field == "comment" or re.fullmatch(r"[\w.:-]*", text), (field, text)


def texts(value: object, field: str = "") -> Iterator[tuple[str, str]]:
    """All text in a plan, with the name of the field that it is in."""
    if isinstance(value, str):
        yield field, value
    elif isinstance(value, tuple):
        for item in value:
            yield from texts(item, field)
    elif is_dataclass(value):
        for part in fields(value):
            yield from texts(getattr(value, part.name), part.name)
    else:
        assert isinstance(value, int | IPv4Address | IPv6Address | IPv4Network | IPv6Network | None)


def test_no_golden_file_is_left_over() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == set(SITUATIONS)


class TestSharing:
    consumer = replace(ALONE, shared=(STORAGE,), externals=(INTERNET,), rules=(HTTPS,))

    def rules(self) -> str:
        return rendered(self.consumer)[NFT]

    def leak(self, target: int, source: int) -> list[tuple[bool, list[str]]]:
        (vrf,) = (vrf for vrf in plan(self.consumer).vrfs if vrf.number == target)
        return [
            (leak.no_export, [str(entry.prefix) for entry in leak.entries])
            for leak in vrf.leaks
            if leak.source == source
        ]

    def test_leaks_go_both_ways_and_are_announced_to_nobody_else(self) -> None:
        assert self.leak(3981, 3982) == [(True, ["10.128.0.0/22"])]
        assert self.leak(3982, 3981) == [(True, ["10.128.64.0/22"])]

    def test_a_shared_network_never_learns_of_an_external_one(self) -> None:
        assert self.leak(3982, 104009) == self.leak(104009, 3982) == []

    def test_the_firewalls_own_external_address_is_not_imported(self) -> None:
        denied_first = ["203.0.113.3/32", "0.0.0.0/0", "203.0.113.0/24"]
        assert self.leak(3981, 104009) == [(False, denied_first)]
        assert " deny 203.0.113.3/32" in rendered(self.consumer)[FRR]

    def test_only_public_addresses_are_announced_outside(self) -> None:
        assert self.leak(104009, 3981) == [(True, ["10.128.64.0/22"]), (False, ["203.0.113.0/24"])]

    def test_the_consumer_hides_behind_its_own_address(self) -> None:
        hidden = [
            (str(translation.address), [str(source) for source in translation.sources])
            for translation in plan(self.consumer).translations
            if translation.target == 3982
        ]
        assert hidden == [("10.128.0.100", ["10.128.64.0/22"])]

    def test_nothing_enters_from_a_shared_network(self) -> None:
        both = replace(self.consumer, shared=(STORAGE, BACKUP))
        assert {flow.source for flow in plan(both).flows} == {3981}
        assert {(flow.source, flow.target) for flow in plan(both).flows} == {
            (3981, 3982),
            (3981, 3984),
            (3981, 104009),
        }

    def test_ssh_never_comes_from_where_tenants_are(self) -> None:
        lines = re.findall(
            r"^ +(.*)tcp dport 22 .*counter (jump refuse|accept) comment", self.rules(), re.M
        )
        assert lines == [
            ('iifname { "bridge3981", "vrf3981" } ', "jump refuse"),
            ('iifname { "bridge3982", "vrf3982" } ', "jump refuse"),
            ("ip saddr { 192.0.2.0/24 } ", "accept"),
        ]

    def test_a_consumer_has_a_floating_default_route_in_each_family_of_what_it_joined(self) -> None:
        def floating(facts: Facts) -> list[str]:
            return re.findall(r"^  network (\S+) route-map floating$", rendered(facts)[FRR], re.M)

        dual = replace(ALONE, primary=SHOP_DUAL, shared=(STORAGE_DUAL,))
        assert floating(dual) == ["0.0.0.0/0", "::/0"]
        assert floating(replace(dual, externals=(INTERNET_DUAL,))) == floating(dual)
        assert floating(replace(dual, shared=(STORAGE,))) == ["0.0.0.0/0"]
        assert floating(replace(ALONE, externals=(INTERNET_DUAL,))) == floating(ALONE) == []

    def test_what_the_primary_imports_has_stand_ins_behind_any_route_of_frr(self) -> None:
        def stand_ins(facts: Facts) -> set[tuple[str, ...]]:
            pattern = r"Type=unicast\nDestination=(\S+)\nTable=(\d+)\nMetric=(\d+)\n"
            return {
                (re.sub(r".*-sn-|\.network", "", path), *match)
                for path, text in rendered(facts).items()
                for match in re.findall(pattern, text)
            }

        facts = replace(
            ALONE, primary=SHOP_DUAL, shared=(STORAGE_DUAL,), externals=(INTERNET_DUAL, MPLS)
        )
        # By place; the first byte of a metric is FRR's administrative distance.
        assert stand_ins(facts) == {
            ("vrf3982", "10.128.0.0/22", "1003981", str(0xFF000001)),
            ("vrf3982", "2001:db8:128::/64", "1003981", str(0xFF000001)),
            ("vrf104009", "0.0.0.0/0", "1003981", str(0xFF000003)),
            ("vrf104009", "::/0", "1003981", str(0xFF000003)),
            ("vrf104010", "100.127.1.0/24", "1003981", str(0xFF000004)),
            ("vrf104010", "100.127.129.0/24", "1003981", str(0xFF000004)),
        }

    @pytest.mark.parametrize("name", SITUATIONS)
    def test_no_rule_lets_anything_begin_over_a_stand_in(self, name: str) -> None:
        """A packet leaves by the bridge of a network; over a stand-in, by the VRF itself."""
        ways_out = re.findall(r"oifname (\{[^}]*\}|\S+)", rendered(SITUATIONS[name])[NFT])
        assert not any('"vrf' in names for names in ways_out)


@given(st.randoms(), st.sampled_from(sorted(SITUATIONS)))
def test_the_order_of_the_facts_does_not_matter(chance: random.Random, name: str) -> None:
    facts = SITUATIONS[name]

    def mixed(items: tuple[T, ...]) -> tuple[T, ...]:
        return tuple(chance.sample(items, len(items)))

    shuffled = replace(
        facts,
        shared=mixed(facts.shared),
        externals=mixed(facts.externals),
        uplinks=mixed(facts.uplinks),
        primary=replace(
            facts.primary,
            prefixes=mixed(facts.primary.prefixes),
            addresses=mixed(facts.primary.addresses),
        ),
    )
    assert rendered(shuffled) == rendered(facts)


def changed(before: Facts, after: Facts) -> tuple[set[str], set[str]]:
    """The lines that a change takes away, and those that it adds, each with its file."""
    old, new = lines(before), lines(after)
    return old - new, new - old


def lines(facts: Facts) -> set[str]:
    files = rendered(facts).items()
    return {f"{path}: {line}" for path, text in files for line in text.splitlines()}


def marked(lines: set[str], *words: str) -> set[str]:
    """The lines with one of these words, and those with the marks that such lines have."""
    named = {line for line in lines if any(word in line for word in words)}
    marks = set(re.findall(r"0x[0-9a-f]{8}", "\n".join(named)))
    return {line for line in lines if line in named or any(mark in line for mark in marks)}


class TestOneChange:
    """What is there already keeps its line, number for number, wherever the new one sorts."""

    full = replace(
        SITUATIONS["endpoints-dual-stack-udp-and-proxy"],
        externals=(INTERNET_DUAL, MPLS),
        rules=(HTTPS, NFS, SSH, DNS),
    )

    @pytest.mark.parametrize("vrf", [1, 3980, 3983, 104008, 200000])
    def test_joining_a_shared_network_takes_nothing_away(self, vrf: int) -> None:
        other = replace(
            STORAGE_DUAL,
            id="other",
            vrf=vrf,
            prefixes=nets("10.128.16.0/22", "2001:db8:128:9::/64"),
            addresses=ips("10.128.16.9", "2001:db8:128:9::9"),
            place=5,
        )
        gone, new = changed(self.full, replace(self.full, shared=(*self.full.shared, other)))
        new -= marked(new, f"-to-vrf{vrf}-", "10.128.16.", "2001:db8:128:9:")
        own = [f"vrf{vrf}", f"vni{vrf}", f"bridge{vrf}", f" vni {vrf}", "import-map permit"]
        assert not gone
        assert all(any(word in line for word in own) for line in new)

    def test_joining_a_network_touches_no_unit_of_another_device(self) -> None:
        joined = replace(self.full, shared=(*self.full.shared, replace(STORAGE, vrf=7, place=5)))
        before, after = rendered(self.full), rendered(joined)
        units = {path for path in after if "/systemd/network/" in path}
        other = {path for path in units if not re.search(r"/30-sn-(vrf|vni|bridge)7\.", path)}
        assert {path: before.get(path) for path in other} == {path: after[path] for path in other}
        assert len(units) - len(other) == 6

    def test_a_further_prefix_changes_its_own_entries_and_matches(self) -> None:
        further = nets("10.128.1.0/24", "10.127.0.0/24")
        more = replace(STORAGE_DUAL, prefixes=(*STORAGE_DUAL.prefixes, *further))
        gone, new = changed(self.full, replace(self.full, shared=(more, BACKUP)))
        gone -= marked(gone, "10.128.0.0/22")
        assert not gone
        assert [line for line in new if "frr.conf" in line] == [
            line for line in new if "permit 10.127.0.0/24 le 32" in line
        ]

    def test_a_rule_or_an_endpoint_adds_its_own_lines(self) -> None:
        gone, new = changed(self.full, replace(self.full, rules=(*self.full.rules, RANGES)))
        assert not gone and new and new == marked(new, "overlapping")
        another = replace(self.full.endpoints[0], port=81)
        gone, new = changed(
            self.full, replace(self.full, endpoints=(*self.full.endpoints, another))
        )
        assert not gone and all(
            any(word in line for word in ("10.128.0.100", "vrf3981-to", "vrf3982-to"))
            for line in new - marked(new, "to shop-web-1")
        )

    def test_leaving_is_joining_backwards(self) -> None:
        before = replace(self.full, endpoints=())
        after = replace(before, shared=(STORAGE_DUAL,))
        gone, new = changed(before, after)
        assert gone == changed(after, before)[1] and not new


def test_the_digest_tells_configurations_apart() -> None:
    digests = {digest(rendered(facts)) for facts in SITUATIONS.values()}
    assert len(digests) == len(SITUATIONS)
    assert digest({"/a": "bc"}) != digest({"/ab": "c"}) != digest({"/a": "b", "/c": ""})


def test_the_core_knows_no_django() -> None:
    pure = [f"firewalls.configuration.{name}" for name in ("plan", "render", "diffs")]
    modules = ["networks.rules", "networks.common.addressing", "machines.rules", *pure]
    code = f"import {', '.join(modules)}, sys; print('django' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=GOLDEN.parent.parent,
    )
    assert done.stdout.strip() == "False"
