"""A firewall set up with the one command: the product's key runs the applier, and nothing else."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from firewalls.device.protocol import applier_digest
from tests.conftest import needs

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    needs(
        "nft",
        "vtysh",
        "sshd",
        "sudo",
        "visudo",
        "systemd-analyze",
        "unshare",
        "runuser",
        "/usr/lib/frr/bgpd",
        "/usr/lib/frr/frr-reload.py",
    )
    if os.geteuid() != 0 or subprocess.run(["unshare", "-nm", "true"], check=False).returncode:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(
            "setting up a firewall needs network and mount namespaces: run as root"
        )
    command = [
        "unshare",
        "-nm",
        sys.executable,
        "-m",
        "tests.firewalls.installed_box",
        str(tmp_path_factory.mktemp("installed")),
    ]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_installing_takes_a_key_and_nothing_but_a_key(results: dict[str, Any]) -> None:
    assert (
        results["without a key"][0] == 65
        and "Give the product's public key" in results["without a key"][1]
    )
    assert [results[kind][0] for kind in ("no key", "two lines")] == [
        65,
        65,
    ] and "That is no public key" in results["two lines"][1]


def test_installing_tells_the_fingerprints_to_compare_and_updating_needs_no_key(
    results: dict[str, Any],
) -> None:
    for kind in ("installed", "updated"):
        status, output = results[kind]
        assert (
            status == 0
            and f"Installed /usr/local/sbin/shared-networks-applier {applier_digest()}." in output
        )


def test_a_push_goes_through_the_account_and_its_one_sudo_rule(results: dict[str, Any]) -> None:
    assert results["pushed"] == {
        "outcome": "confirmed",
        "error": "",
        "version": "ok",
        "now": {"router": ["10.0.0.1"], "policy": "drop", "open": True},
    }


def test_units_go_with_the_push_that_lacks_them_and_with_the_one_that_goes_back(
    results: dict[str, Any],
) -> None:
    units = {
        "written": True,
        "no longer wanted": False,
        "outcome": "rolled_back",
        "undone": False,
        "others": True,
    }
    assert results["units"] == units


def test_the_key_runs_nothing_else(results: dict[str, Any]) -> None:
    assert results["ssh"] == {
        "id": 64,
        "sh": 64,
        "install": 64,
        "recover": 64,
        "show; id": 64,
        "apply; id": 64,
    }
    assert "does not accept the key" in results["stranger"]


def test_even_with_a_shell_the_account_can_do_nothing_more(results: dict[str, Any]) -> None:
    assert (
        results["account"] == dict.fromkeys(results["account"], True)
        and len(results["account"]) == 8
    )


def test_an_unconfirmed_push_is_put_back_at_boot(results: dict[str, Any]) -> None:
    assert results["enabled"] == [True, True] and "shared-networks" not in results["unit"]


def test_a_list_of_sshd_takes_the_account_in_and_stays_as_it_was_for_others(
    results: dict[str, Any],
) -> None:
    assert results["lists"] == {
        "metal": ["allowusers metal"],
        "shared-networks": ["allowusers shared-networks"],
        "root": ["allowusers metal"],
    }


def test_what_a_firewall_needs_starts_by_itself(results: dict[str, Any]) -> None:
    assert results["daemons"] == "bgpd=yes\n"
    assert (
        set(results["enabled units"].values()) == {"enabled"} and len(results["enabled units"]) == 3
    )


def test_another_applier_that_speaks_the_same_is_pushed_to_as_well(results: dict[str, Any]) -> None:
    assert results["older"] == "confirmed"
