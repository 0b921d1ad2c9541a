"""Configurations are checked before they are sent: by real parsers, and for what these overlook."""

import subprocess
import sys
from pathlib import Path

import pytest

from firewalls.configuration import checks
from firewalls.configuration.checks import FRR, NFT, Finding, State, check, complaints
from firewalls.configuration.plan import plan
from firewalls.configuration.references import unresolved
from firewalls.configuration.render import render
from tests.conftest import needs
from tests.firewalls.situations import SITUATIONS

FULL = render(plan(SITUATIONS["endpoints-dual-stack-udp-and-proxy"]))


@pytest.mark.parametrize("name", SITUATIONS)
def test_every_situation_is_accepted(name: str) -> None:
    needs("vtysh", "nft", "unshare", "/usr/lib/frr/bgpd")
    findings = check(render(plan(SITUATIONS[name])))
    assert findings == tuple(
        Finding(tool, State.GOOD, "") for tool in ("nft", "vtysh", "bgpd", "references")
    )


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
def test_the_parsers_refuse_mistakes(path: str, old: str, new: str, tool: str) -> None:
    needs("vtysh", "nft", "unshare", "/usr/lib/frr/bgpd")
    assert old in FULL[path]
    bad = FULL | {path: FULL[path].replace(old, new, 1)}
    assert tool in {finding.tool for finding in check(bad) if finding.state == State.BAD}
    refusal = f"{tool} refuses the configuration: "
    assert any(sentence.startswith(refusal) for sentence in complaints(bad))


UNIT = "/etc/systemd/network/30-sn-vrf3982.netdev"


@pytest.mark.parametrize(
    ("path", "old", "new", "words"),
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
        (
            FRR,
            "route-map vrf3981-import-map permit 21\n",
            "route-map vrf3981-import-map permit 11\n",
            "vrf3981-import-map has entry 11 twice",
        ),
        (NFT, 'oifname "bridge3982" ct', 'oifname "bridge3999" ct', "the interface bridge3999"),
        (
            NFT,
            "type nat hook postrouting",
            "type filter hook postrouting",
            "snat in a filter postrouting chain",
        ),
        (UNIT, "Name=vrf3982", "Name=vrf3999", "vrf3982"),
    ],
)
def test_what_the_parsers_overlook_is_found(path: str, old: str, new: str, words: str) -> None:
    assert old in FULL[path] and not list(unresolved(FULL))
    mistakes = list(unresolved(FULL | {path: FULL[path].replace(old, new)}))
    assert any(words in sentence for sentence in mistakes) if words else not mistakes


def test_a_missing_tool_is_named_and_refuses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "PATH", "/nowhere")
    findings = {finding.tool: finding for finding in check(FULL)}
    missing = {tool for tool, finding in findings.items() if finding.state == State.MISSING}
    assert missing == {"nft", "vtysh", "bgpd"}
    assert "nftables" in findings["nft"].output and not complaints(FULL)


def test_the_machine_that_checks_is_not_touched() -> None:
    needs("nft", "unshare")
    before = tables()
    check(FULL)
    after = tables()
    assert "inet metal" not in after or after == before


def tables() -> str:
    """What nft has loaded on this machine."""
    command = ["nft", "list", "tables"]
    environment = {"PATH": checks.PATH}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    return done.stdout


def test_networkd_accepts_every_unit(tmp_path: Path) -> None:
    """The real one, in namespaces of its own, with the units of all situations at once."""
    needs("/lib/systemd/systemd-networkd", "unshare")
    for facts in SITUATIONS.values():
        for path, text in render(plan(facts)).items():
            if path.startswith("/etc/systemd/network/"):
                (tmp_path / Path(path).name).write_text(text)
    script = Path(__file__).with_name("networkd.sh")
    command = ["unshare", "-nm", "sh", str(script), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    output = done.stdout
    assert 'loaded "bridge"' in output and 'loaded "vrf"' in output, output + done.stderr
    units = {path.name for path in tmp_path.iterdir()}
    assert not [line for line in output.splitlines() if any(f"/{unit}:" in line for unit in units)]


def test_checks_know_no_django() -> None:
    code = "import firewalls.configuration.checks, sys; print('django' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parent.parent.parent,
    )
    assert done.stdout.strip() == "False"


class TestMany:
    """Many are read in one go, and yet each has its own complaints."""

    def test_there_are_no_complaints_about_good_ones(self) -> None:
        needs("vtysh", "nft", "unshare")
        configurations = [render(plan(facts)) for facts in SITUATIONS.values()]
        assert checks.complaints_of_each(configurations) == [[] for _ in SITUATIONS]

    @pytest.mark.parametrize(
        ("path", "old", "new", "tool"),
        [
            (FRR, "router bgp ", "routr bgp ", "vtysh"),
            (NFT, "jump refuse", "jump nowhere", "nft"),
            (FRR, "match as-path SELF", "match as-path X", "AS"),
        ],
    )
    def test_one_bad_among_good_ones_is_found(
        self, path: str, old: str, new: str, tool: str
    ) -> None:
        needs("vtysh", "nft", "unshare")
        bad = FULL | {path: FULL[path].replace(old, new)}
        before, of_bad, after = checks.complaints_of_each([FULL, bad, FULL])
        assert before == after == [] and any(tool in sentence for sentence in of_bad)


class TestProcesses:
    """How many are started for fifty good configurations."""

    @pytest.fixture
    def started(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        needs("vtysh", "nft", "unshare")
        checks._namespace()  # which is tried once
        commands: list[str] = []
        run = checks._run

        def counted(command: list[str]) -> "subprocess.CompletedProcess[str]":
            commands.append(command[0])
            return run(command)

        monkeypatch.setattr(checks, "_run", counted)
        return commands

    def test_one_of_each_tool(self, started: list[str]) -> None:
        assert checks.complaints_of_each([FULL] * 50) == [[]] * 50
        assert sorted(started) == ["unshare", "vtysh"]

    def test_no_more_where_one_is_missing(
        self, started: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        installed = checks._installed
        monkeypatch.setattr(checks, "_installed", lambda name: name != "nft" and installed(name))
        assert checks.complaints_of_each([FULL] * 50) == [[]] * 50
        assert started == ["vtysh"]

    def test_what_is_too_large_together_is_asked_in_parts_of_that_tool_alone(
        self, started: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        nft = checks._nft

        def narrow(folder: Path) -> checks.Finding:
            many = len((folder / "nftables.conf").read_text()) > 25 * len(FULL[NFT])
            return checks.Finding("nft", State.TOO_LARGE) if many else nft(folder)

        monkeypatch.setattr(checks, "_nft", narrow)
        assert checks.complaints_of_each([FULL] * 50) == [[]] * 50
        assert sorted(started) == ["unshare", "unshare", "vtysh"]
