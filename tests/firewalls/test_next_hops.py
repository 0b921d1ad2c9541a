"""Next hops beyond a VXLAN whose neighbour FRR has forgotten.

They are detected and mended; where that fails, the push that lost them is rolled back.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import needs

ROOT = Path(__file__).resolve().parents[2]
FAR = ["10.0.0.8 dev bridge7", "10.0.0.9 dev bridge7", "::ffff:10.0.0.9 dev bridge7"]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What happened in the life of one firewall, in namespaces of its own."""
    needs("nft", "vtysh", "unshare", "ip", "/usr/lib/frr/bgpd", "/usr/lib/frr/frr-reload.py")
    if os.geteuid() != 0 or subprocess.run(["unshare", "-nm", "true"], check=False).returncode:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(
            "a firewall of its own needs network and mount namespaces: run as root"
        )
    command = [
        "unshare",
        "-nm",
        sys.executable,
        "-m",
        "tests.firewalls.next_hops_box",
        str(tmp_path_factory.mktemp("hops")),
    ]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def runs(number: int) -> list[str]:
    return ["vni 7", f"bgp router-id 10.0.0.{number}"]


def test_all_is_well_while_every_next_hop_has_its_neighbour(results: dict[str, Any]) -> None:
    well = ["ok", "Every next hop has its neighbour."]
    assert results["first"] == {"ended": "applied", "step": well, "shown": [], "runs": runs(1)}
    assert results["again"] == {"ended": "unchanged", "step": None, "shown": [], "runs": runs(1)}


def test_lost_ones_of_both_families_are_shown_as_drift(results: dict[str, Any]) -> None:
    assert results["lost"] == FAR


@pytest.mark.parametrize(("kind", "number"), [("the same", 1), ("another", 2)])
def test_a_push_mends_what_was_lost(results: dict[str, Any], kind: str, number: int) -> None:
    message = f"These next hops had lost their neighbour and have it again: {', '.join(FAR)}"
    assert results[kind] == {
        "ended": "applied",
        "step": ["ok", message],
        "shown": [],
        "runs": runs(number),
    }


def test_a_push_mends_what_it_has_lost_itself(results: dict[str, Any]) -> None:
    message = f"These next hops had lost their neighbour and have it again: {FAR[0]}"
    assert results["lost by the push"] == {
        "ended": "applied",
        "step": ["ok", message],
        "shown": [],
        "runs": runs(3),
    }


def test_a_push_that_loses_one_for_good_goes_back(results: dict[str, Any]) -> None:
    message = f"These next hops have no neighbour, so packets to them go nowhere: {FAR[0]}"
    assert results["lost for good"] == {
        "ended": "rolled-back",
        "step": ["failed", message],
        "shown": FAR[:1],
        "runs": runs(3),
    }


def test_one_that_was_lost_before_and_cannot_be_mended_is_told_and_the_push_stays(
    results: dict[str, Any],
) -> None:
    message = (
        "These next hops had no neighbour before either; packets to them go nowhere until FRR is"
        f" restarted: {FAR[0]}"
    )
    assert results["lost before"] == {
        "ended": "applied",
        "step": ["ok", message],
        "shown": FAR[:1],
        "runs": runs(5),
    }


def test_a_vni_that_frr_does_not_take_back_rolls_back_and_is_there_again(
    results: dict[str, Any],
) -> None:
    message = "FRR has not taken the VNI 7 back after 3 seconds."
    assert results["VNI refused"] == {
        "ended": "rolled-back",
        "step": ["failed", message],
        "shown": FAR[:1],
        "runs": runs(5),
    }
    assert (
        results["at last"]["ended"] == "applied"
        and results["at last"]["shown"] == []
        and results["at last"]["runs"] == runs(7)
    )
