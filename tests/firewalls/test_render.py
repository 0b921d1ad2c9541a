"""Rendered configurations: as the golden files say, accepted by the real parsers, the same for the same facts."""

import os
import random
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firewalls.plan import Facts, plan
from firewalls.render import digest, render
from tests.conftest import needs
from tests.firewalls.situations import ALONE, BACKUP, HTTPS, INTERNET, INTERNET_DUAL, SHOP_DUAL, SITUATIONS, STORAGE, STORAGE_DUAL

GOLDEN = Path(__file__).parent.parent / "golden"
T = TypeVar("T")
FRR, NFT = "/etc/frr/frr.conf", "/etc/nftables.conf"


def rendered(facts: Facts) -> dict[str, str]:
    return render(plan(facts))


@pytest.mark.parametrize("name", SITUATIONS)
def test_golden(name: str) -> None:
    """`GOLDEN=write make test` writes them anew; read the difference before it is committed."""
    files = rendered(SITUATIONS[name])
    for path, text in files.items():
        golden = GOLDEN / name / Path(path).name
        if os.environ.get("GOLDEN") == "write":
            golden.parent.mkdir(parents=True, exist_ok=True)
            golden.write_text(text)
        assert text == golden.read_text()


def accepted(files: dict[str, str], folder: Path) -> None:
    """The parsers of FRR and nftables take both files."""
    for path, text in files.items():
        (folder / Path(path).name).write_text(text)
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    for command in (["vtysh", "-C", "-f", str(folder / "frr.conf")], ["unshare", "-Urn", "nft", "-c", "-f", str(folder / "nftables.conf")]):
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PATH": path}, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", SITUATIONS)
def test_the_real_parsers_accept(name: str, tmp_path: Path) -> None:
    needs("vtysh", "nft", "unshare")
    accepted(rendered(SITUATIONS[name]), tmp_path)


@pytest.mark.parametrize("name", SITUATIONS)
def test_every_name_that_is_used_is_defined(name: str) -> None:
    """What vtysh does not see: route-maps, prefix lists and VRFs that do not exist."""
    text = rendered(SITUATIONS[name])[FRR]
    lists = set(re.findall(r"^(?:ip|ipv6) prefix-list (\S+) seq", text, re.M))
    assert set(re.findall(r"match (?:ip|ipv6) address prefix-list (\S+)", text)) == lists
    maps = set(re.findall(r"^route-map (\S+) ", text, re.M))
    assert set(re.findall(r"route-map (\S+)$", text, re.M)) | set(re.findall(r"route-map (\S+) out", text)) == maps
    vrfs = set(re.findall(r"^vrf (\S+)$", text, re.M))
    assert set(re.findall(r"import vrf (vrf\S+)", text)) <= vrfs and set(re.findall(r"source-vrf (\S+)", text)) <= vrfs
    interfaces = set(re.findall(r'"(?:vrf|vlan)(\d+)"', rendered(SITUATIONS[name])[NFT]))
    assert interfaces <= {vrf.removeprefix("vrf") for vrf in vrfs}


@pytest.mark.parametrize("name", SITUATIONS)
def test_every_import_map_ends_by_refusing(name: str) -> None:
    text = rendered(SITUATIONS[name])[FRR]
    for number in re.findall(r"import vrf route-map (\S+)", text):
        actions = re.findall(rf"^route-map {number} (permit|deny) (\d+)$", text, re.M)
        assert actions[-1][0] == "deny" and all(action == "permit" for action, _ in actions[:-1])
        assert [int(sequence) for _, sequence in actions] == sorted(int(sequence) for _, sequence in actions)


class TestSharing:
    consumer = replace(ALONE, shared=(STORAGE,), externals=(INTERNET,), rules=(HTTPS,))

    def leak(self, target: int, source: int) -> list[tuple[bool, list[str]]]:
        (vrf,) = (vrf for vrf in plan(self.consumer).vrfs if vrf.number == target)
        return [(leak.no_export, [str(entry.prefix) for entry in leak.entries]) for leak in vrf.leaks if leak.source == source]

    def test_leaks_both_ways_unheard_by_others(self) -> None:
        assert self.leak(3981, 3982) == [(True, ["10.128.0.0/22"])]
        assert self.leak(3982, 3981) == [(True, ["10.128.64.0/22"])]

    def test_a_shared_network_never_learns_of_an_external_one(self) -> None:
        assert self.leak(3982, 104009) == self.leak(104009, 3982) == []

    def test_the_firewalls_own_external_address_is_not_imported(self) -> None:
        assert self.leak(3981, 104009) == [(False, ["203.0.113.3/32", "0.0.0.0/0", "203.0.113.0/24"])]
        assert " deny 203.0.113.3/32" in rendered(self.consumer)[FRR]

    def test_only_public_addresses_are_announced_outside(self) -> None:
        assert self.leak(104009, 3981) == [(True, ["10.128.64.0/22"]), (False, ["203.0.113.0/24"])]

    def test_the_consumer_hides_behind_its_own_address(self) -> None:
        found = [(str(t.address), [str(s) for s in t.sources]) for t in plan(self.consumer).translations if t.target == 3982]
        assert found == [("10.128.0.100", ["10.128.64.0/22"])]

    def test_nothing_enters_from_a_shared_network(self) -> None:
        both = replace(self.consumer, shared=(STORAGE, BACKUP))
        assert {flow.source for flow in plan(both).flows} == {3981}
        assert {(flow.source, flow.target) for flow in plan(both).flows} == {(3981, 3982), (3981, 3984), (3981, 104009)}

    def test_ssh_never_comes_from_where_tenants_are(self) -> None:
        (ssh,) = (line.match for line in plan(self.consumer).inputs if "dport 22" in line.match)
        assert all(f'"{name}"' in ssh for name in ("vrf3981", "vlan3981", "vrf3982", "vlan3982")) and "192.0.2.0/24" in ssh

    def test_without_a_default_route_outside_the_firewall_is_the_way_out_in_each_family(self) -> None:
        def originates(facts: Facts) -> list[str]:
            return re.findall(r"default-originate (\S+)", rendered(facts)[FRR])

        dual = replace(ALONE, primary=SHOP_DUAL, shared=(STORAGE_DUAL,))
        assert originates(dual) == ["ipv4", "ipv6"]
        assert originates(replace(dual, externals=(INTERNET,))) == ["ipv6"]
        assert originates(replace(dual, externals=(INTERNET_DUAL,))) == originates(ALONE) == []


@given(st.randoms(), st.sampled_from(sorted(SITUATIONS)))
def test_the_order_of_the_facts_does_not_matter(chance: random.Random, name: str) -> None:
    facts = SITUATIONS[name]

    def mixed(items: tuple[T, ...]) -> tuple[T, ...]:
        return tuple(chance.sample(items, len(items)))

    shuffled = replace(
        facts, shared=mixed(facts.shared), externals=mixed(facts.externals), uplinks=mixed(facts.uplinks),
        primary=replace(facts.primary, prefixes=mixed(facts.primary.prefixes), addresses=mixed(facts.primary.addresses)),
    )  # fmt: skip
    assert rendered(shuffled) == rendered(facts)


HOSTILE = st.text(max_size=200) | st.sampled_from(['"', "\n", '" drop\n', "}", "{{ plan }}", "\u2028", "\\", "!\nrouter bgp 1"])


@given(comment=HOSTILE, network=HOSTILE, name=HOSTILE)
def test_no_text_can_add_a_line_or_end_a_quote(comment: str, network: str, name: str) -> None:
    calm = replace(ALONE, shared=(STORAGE,), externals=(INTERNET,), rules=(HTTPS,))
    hostile = replace(
        calm, shared=(replace(STORAGE, id=network, name=name),), externals=(replace(INTERNET, id=network),),
        rules=(replace(HTTPS, comment=comment),), primary=replace(calm.primary, id=network, name=name),
    )  # fmt: skip
    for path, text in rendered(hostile).items():
        assert [re.sub(r'comment "[^"]*"', "", line) for line in text.splitlines()] == [
            re.sub(r'comment "[^"]*"', "", line) for line in rendered(calm)[path].splitlines()
        ]


@settings(max_examples=15, deadline=None)
@given(comment=HOSTILE)
def test_the_real_parsers_accept_hostile_comments(comment: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    needs("vtysh", "nft", "unshare")
    facts = replace(ALONE, shared=(replace(STORAGE, id=comment),), externals=(INTERNET,), rules=(replace(HTTPS, comment=comment),))
    accepted(rendered(facts), tmp_path_factory.mktemp("hostile"))


def test_joining_changes_only_what_it_must() -> None:
    before, after = rendered(replace(ALONE, externals=(INTERNET,))), rendered(replace(ALONE, externals=(INTERNET,), shared=(STORAGE,)))
    removed = set(before[NFT].splitlines()) - set(after[NFT].splitlines())
    assert removed == {line for line in before[NFT].splitlines() if "dport 22 " in line}


def test_the_digest_tells_configurations_apart() -> None:
    seen = {digest(rendered(facts)) for facts in SITUATIONS.values()}
    assert len(seen) == len(SITUATIONS)
    assert digest({"/a": "bc"}) != digest({"/ab": "c"}) != digest({"/a": "b", "/c": ""})


def test_the_core_knows_no_django() -> None:
    modules = ["networks.rules", "networks.addressing", "machines.rules", "firewalls.plan", "firewalls.render", "firewalls.diffs"]
    code = f"import {', '.join(modules)}, sys; print('django' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=GOLDEN.parent.parent)
    assert done.stdout.strip() == "False"
