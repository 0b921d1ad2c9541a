"""What runs on a firewall, compared with what ran when it was pushed to: by its meaning.

The tools are scripts named nft, vtysh and so on, first in the PATH; what FRR runs is a file.
"""

import base64
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from firewalls.device.protocol import packed
from tests.firewalls.boxes import GOOD
from tests.firewalls.broken_boxes import vtysh
from tests.firewalls.running import applied, applier, verdict

TOOLS = {
    "nft": 'case "$*" in *"list "*) echo "table inet metal {"; echo "}" ;; esac',
    "vtysh": vtysh(running_config='cat "$APPLIER_ROOT/running"; echo end'),
    "frr-reload.py": "",
    "unshare": 'while [ "$1" != sh ] && [ $# -gt 1 ]; do shift; done; exec "$@"',
}
SHOP = """router bgp 1 vrf shop
 !
 address-family ipv4 unicast
  redistribute connected
  import vrf storage
 exit-address-family
 !
 address-family ipv6 unicast
  redistribute connected
 exit-address-family
exit
!
"""
STORAGE = """router bgp 1 vrf storage
 !
 address-family ipv4 unicast
  import vrf shop
  redistribute connected
 exit-address-family
exit
!
"""
NAME = "running configuration of FRR"


@pytest.fixture
def box(root: Path, tmp_path: Path, python: dict[str, str]) -> Mapping[str, str]:
    """How to run the applier of a box that was pushed to while FRR listed the shop first."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for tool, body in TOOLS.items():
        (folder / tool).write_text(f"#!/bin/sh\n{body}\n")
        (folder / tool).chmod(0o755)
    path = f"{folder}:{os.environ['PATH']}"
    how = {**python, "PATH": path, "APPLIER_PRACTICE": "", "APPLIER_SETTLE": "1"}
    run(root, SHOP + STORAGE)
    applied(root, how=how)
    return how


def run(root: Path, blocks: str) -> None:
    """Have FRR run what is pushed, and these."""
    (root / "running").write_text(GOOD["/etc/frr/frr.conf"].replace("end\n", blocks))


def compared(root: Path, how: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """What it shows of FRR: which lines are gone, and which are there and were not."""
    lines = [line.split("\t") for line in applier(root, "show", how=how)[1].splitlines()]
    said = {
        kind: base64.b64decode(content).decode().splitlines()
        for kind, name, content in (line for line in lines if NAME in line)
    }
    return sorted(set(said["applied"]) - set(said["running"])), sorted(
        set(said["running"]) - set(said["applied"])
    )


def repeated(root: Path, how: Mapping[str, str]) -> str:
    return verdict(applier(root, "apply", given=packed(GOOD), how=how)[1])[0]


def test_listed_in_another_order_is_the_same(root: Path, box: Mapping[str, str]) -> None:
    run(root, STORAGE + SHOP)
    assert compared(root, box) == ([], []) and repeated(root, box) == "unchanged"


def test_a_line_that_has_moved_to_another_block_is_seen_with_its_blocks(
    root: Path, box: Mapping[str, str]
) -> None:
    moved = SHOP.replace("  import vrf storage\n", "").replace(
        "ipv6 unicast\n", "ipv6 unicast\n  import vrf storage\n"
    )
    run(root, moved + STORAGE)
    gone, come = (
        f"router bgp 1 vrf shop / address-family ipv{version} unicast / import vrf storage"
        for version in (4, 6)
    )
    assert compared(root, box) == ([gone], [come]) and repeated(root, box) == "applied"


def test_a_block_that_has_gone_is_seen_even_if_it_was_empty(
    root: Path, box: Mapping[str, str]
) -> None:
    run(root, SHOP + STORAGE + "router bgp 1 vrf other\nexit\n!\n")
    assert (
        compared(root, box) == ([], ["router bgp 1 vrf other"]) and repeated(root, box) == "applied"
    )
