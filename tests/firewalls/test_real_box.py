"""A push to a firewall with a kernel: nftables loaded, FRR reloaded, and rules that lock us out."""

import json
import os
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest

from firewalls.device.applier.verifying import subjects
from tests.conftest import needs
from tests.firewalls.real_box import LIVES

ROOT = Path(__file__).resolve().parents[2]
AS_BEFORE = {"router": ["10.0.0.1"], "policy": "drop", "open": True}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What happened in the lives of two firewalls."""
    needs(
        "nft", "vtysh", "sshd", "unshare", "ip", "/usr/lib/frr/bgpd", "/usr/lib/frr/frr-reload.py"
    )
    if os.geteuid() != 0 or subprocess.run(["unshare", "-nmu", "true"], check=False).returncode:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(
            "a firewall of its own needs network, mount and UTS namespaces: run as root"
        )
    folder = tmp_path_factory.mktemp("real")
    lives = [subprocess.Popen(_living(folder / name, name), **_OPEN) for name in LIVES]
    results: dict[str, Any] = {}
    for life in lives:
        said, complaints = life.communicate(timeout=600)
        assert life.returncode == 0, complaints
        results |= json.loads(said)
    return results


_OPEN: dict[str, Any] = {"cwd": ROOT, "stdout": PIPE, "stderr": PIPE, "text": True}


def _living(folder: Path, name: str) -> list[str]:
    """Each in namespaces of its own, so they mostly wait at the same time."""
    program = [sys.executable, "-m", "tests.firewalls.real_box", str(folder), name]
    return ["unshare", "-nmu", *program]


def test_every_step_is_taken_and_both_run_what_was_sent(results: dict[str, Any]) -> None:
    for name in (
        "check-system",
        "load-system",
        "probe",
    ):  # there are no units and no probes
        results["first"]["steps"].pop(name)
    assert results["first"]["outcome"] == "confirmed" and set(
        results["first"]["steps"].values()
    ) == {"ok"}
    assert results["first"]["now"] == AS_BEFORE


def test_the_same_again_is_left_alone(results: dict[str, Any]) -> None:
    assert "already" in results["again"]["outcome"]


def test_the_same_again_is_loaded_when_the_kernel_has_lost_it(results: dict[str, Any]) -> None:
    assert results["flushed by hand"] == {"outcome": "confirmed", "now": AS_BEFORE}


def test_rules_that_lock_us_out_come_back_by_themselves(results: dict[str, Any]) -> None:
    assert (
        results["locked out"]["outcome"] == "rolled_back"
        and "gone back to what it had before" in results["locked out"]["error"]
    )
    assert (
        results["locked out"]["now"] == AS_BEFORE
        and results["locked out"]["files"]
        and results["others"]
    )


def test_what_nobody_confirms_comes_back_in_the_kernel_and_in_frr(results: dict[str, Any]) -> None:
    assert results["unconfirmed"] == {"outcome": "unseen", "settled": True, "now": AS_BEFORE}


def test_what_frr_refuses_changes_nothing(results: dict[str, Any]) -> None:
    assert (
        results["bad"]["outcome"] == "refused"
        and "refused at check-frr; nothing was changed" in results["bad"]["error"]
    )
    assert results["bad"]["now"] == AS_BEFORE


def test_without_bgpd_nothing_is_changed(results: dict[str, Any]) -> None:
    assert (
        results["bgpd is dead"]["outcome"] == "refused"
        and "bgpd is not running" in results["bgpd is dead"]["error"]
    )
    assert results["bgpd is dead"]["files"]


def test_what_runs_is_compared_with_what_was_applied(results: dict[str, Any]) -> None:
    assert results["without drift"] == {name: [] for name, _ in subjects.ALL}
    by_hand = {
        "rules in the kernel": ["+tcp dport 4444 accept"],
        "running configuration of FRR": ["+ip route 192.0.2.0/24 blackhole"],
    }
    found = results["by hand"]["found"]
    assert {name: lines for name, lines in found.items() if lines} == by_hand


def test_the_same_again_is_loaded_over_what_was_changed_by_hand(results: dict[str, Any]) -> None:
    assert (
        results["by hand"]["outcome"] == "confirmed"
        and results["by hand"]["loaded"]
        and not any(results["by hand"]["left"].values())
    )


def test_a_vrf_that_goes_takes_its_instance_with_it(results: dict[str, Any]) -> None:
    assert results["shared no more"] == {
        "outcome": "confirmed",
        "left": [],
        "back": "confirmed",
        "error": "",
    }


def test_a_bgp_session_that_does_not_come_back_rolls_back(results: dict[str, Any]) -> None:
    assert (
        results["session"]
        and results["session lost"]["outcome"] == "rolled_back"
        and results["session lost"]["step"] == "failed"
    )
    assert (
        "BGP sessions that were up before are not" in results["session lost"]["error"]
        and "10.9.0.2" in results["session lost"]["error"]
    )
    assert results["session lost"]["again"] and results["session lost"]["now"] == AS_BEFORE


def test_a_probe_of_the_boxs_owner_that_fails_rolls_back(results: dict[str, Any]) -> None:
    assert (
        results["probe"]["outcome"] == "rolled_back"
        and "failed at probe and went back: storage is away" in results["probe"]["error"]
    )
    assert results["probe"]["now"] == AS_BEFORE


def test_going_back_leaves_alone_what_others_have_done_meanwhile(results: dict[str, Any]) -> None:
    assert results["probe"]["others"]


def test_what_is_left_on_a_freed_firewall_takes_all_of_ours_from_it(
    results: dict[str, Any],
) -> None:
    """No route is announced, nothing is forwarded, and who manages it still gets in."""
    assert results["left empty"] == {
        "outcome": "confirmed",
        "error": "",
        "tables": ["table inet metal {"],
        "policies": ["drop;", "drop;"],
        "routing": [],
        "drift": {},
    }
