"""Configurations are checked before they leave: by the parsers of the tools, and for what these do not see."""

import subprocess
import sys
from pathlib import Path

import pytest

from firewalls.configuration import checks
from firewalls.configuration.checks import FRR, NFT, State, check, complaints
from firewalls.configuration.plan import plan
from firewalls.configuration.references import unresolved
from firewalls.configuration.render import render
from tests.conftest import needs
from tests.firewalls.situations import SITUATIONS

FULL = render(plan(SITUATIONS["endpoints-dual-stack-udp-and-proxy"]))


@pytest.mark.parametrize("name", SITUATIONS)
def test_every_situation_is_accepted(name: str) -> None:
    needs("vtysh", "nft", "unshare", "/usr/lib/frr/bgpd")
    assert [
        (finding.tool, finding.state, finding.output)
        for finding in check(render(plan(SITUATIONS[name])))
    ] == [(tool, State.GOOD, "") for tool in ("nft", "vtysh", "bgpd", "references")]


@pytest.mark.parametrize(
    ("path", "old", "new", "tool"),
    [
        (NFT, "policy drop;", "polcy drop;", "nft"),
        (NFT, "jump refuse", "jump nowhere", "nft"),
        (NFT, "ip saddr { 10.128.64.0/22 }", "ip saddr { 10.128.64.0/33 }", "nft"),
        (FRR, "router bgp ", "routr bgp ", "vtysh"),
        (FRR, "interface peer-group FABRIC", "interface peer-group OTHER", "bgpd"),
    ],
)
def test_the_parsers_refuse_what_they_see(path: str, old: str, new: str, tool: str) -> None:
    needs("vtysh", "nft", "unshare", "/usr/lib/frr/bgpd")
    assert old in FULL[path]
    bad = FULL | {path: FULL[path].replace(old, new, 1)}
    assert tool in {finding.tool for finding in check(bad) if finding.state == State.BAD}
    assert any(said.startswith(f"{tool} refuses the configuration: ") for said in complaints(bad))


UNIT = "/etc/systemd/network/30-sn-vrf3982.netdev"


@pytest.mark.parametrize(
    ("path", "old", "new", "says"),
    [
        (FRR, "route-map vrf3981-import-map deny 65535", "route-map other-map deny 65535", ""),
        (
            FRR,
            "\nroute-map LOOPBACKS permit",
            "\nroute-map OTHER permit",
            "the route map LOOPBACKS",
        ),
        (
            FRR,
            "ip prefix-list vrf3982-import-from-vrf3981-no-export seq",
            "ip prefix-list other seq",
            "prefix list vrf3982-import",
        ),
        (FRR, "import vrf vrf3984", "import vrf vrf3999", "the VRF vrf3999"),
        (FRR, "match source-vrf vrf3984", "match source-vrf vrf3999", "the VRF vrf3999"),
        (FRR, "match as-path SELF", "match as-path OTHER", "AS path list OTHER"),
        (
            FRR,
            "peer-group FABRIC\n neighbor lan1",
            "peer-group OTHER\n neighbor lan1",
            "peer group OTHER",
        ),
        (FRR, "interface lan1\n", "interface lan9\n", "the interface lan9"),
        (FRR, "permit 10.128.0.0/22 le 32", "permit 10.128.0.1/22 le 32", "no canonical prefix"),
        (FRR, "permit 10.128.0.0/22 le 32", "permit 10.128.0.0/22 le 22", "up to /22"),
        (FRR, "deny 203.0.113.3/32\n", "deny 203.0.113.0/24\n", "203.0.113.0/24 twice"),
        (NFT, 'oifname "vlan3982" meta', 'oifname "vlan3999" meta', "the interface vlan3999"),
        (
            NFT,
            "type nat hook postrouting",
            "type filter hook postrouting",
            "snat in a filter postrouting chain",
        ),
        (UNIT, "Name=vrf3982", "Name=vrf3999", "vrf3982"),
    ],
)
def test_what_the_parsers_do_not_see_is_found(path: str, old: str, new: str, says: str) -> None:
    assert old in FULL[path] and not list(unresolved(FULL))
    found = list(unresolved(FULL | {path: FULL[path].replace(old, new)}))
    assert any(says in sentence for sentence in found) if says else not found


def test_a_missing_tool_is_named_and_refuses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "PATH", "/nowhere")
    found = {finding.tool: finding for finding in check(FULL)}
    assert {tool for tool, finding in found.items() if finding.state == State.MISSING} == {
        "nft",
        "vtysh",
        "bgpd",
    }
    assert "nftables" in found["nft"].output and not complaints(FULL)


def test_the_machine_that_checks_is_not_touched() -> None:
    needs("nft", "unshare")
    before = subprocess.run(
        ["nft", "list", "tables"],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": checks.PATH},
    ).stdout
    check(FULL)
    after = subprocess.run(
        ["nft", "list", "tables"],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": checks.PATH},
    ).stdout
    assert "inet metal" not in after or after == before


def test_networkd_takes_every_unit(tmp_path: Path) -> None:
    """The real systemd-networkd, in namespaces of its own, with the units of all situations at once."""
    needs("/lib/systemd/systemd-networkd", "unshare")
    for situation in SITUATIONS:
        for path, text in render(plan(SITUATIONS[situation])).items():
            if path.startswith("/etc/systemd/network/"):
                (tmp_path / Path(path).name).write_text(text)
    script = Path(__file__).with_name("networkd.sh")
    done = subprocess.run(
        ["unshare", "-nm", "sh", str(script), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert 'loaded "bridge"' in done.stdout and 'loaded "vrf"' in done.stdout, (
        done.stdout + done.stderr
    )
    names = {path.name for path in tmp_path.iterdir()}
    assert not [
        line for line in done.stdout.splitlines() if any(f"/{name}:" in line for name in names)
    ]


def test_checks_know_no_django() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import firewalls.configuration.checks, sys; print('django' in sys.modules)",
        ],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parent.parent.parent,
    )
    assert done.stdout.strip() == "False"


class TestMany:
    """Many are read in one go, and the bad ones are told apart."""

    def test_all_good(self) -> None:
        needs("vtysh", "nft", "unshare")
        assert checks.complaints_of_each(
            [render(plan(SITUATIONS[name])) for name in SITUATIONS]
        ) == [[] for _ in SITUATIONS]

    @pytest.mark.parametrize(
        ("path", "old", "new", "tool"),
        [
            (FRR, "router bgp ", "routr bgp ", "vtysh"),
            (NFT, "jump refuse", "jump nowhere", "nft"),
            (FRR, "match as-path SELF", "match as-path X", "AS"),
        ],
    )
    def test_one_bad(self, path: str, old: str, new: str, tool: str) -> None:
        needs("vtysh", "nft", "unshare")
        many = [FULL, FULL | {path: FULL[path].replace(old, new)}, FULL]
        found = checks.complaints_of_each(many)
        assert found[0] == found[2] == [] and any(tool in sentence for sentence in found[1])
