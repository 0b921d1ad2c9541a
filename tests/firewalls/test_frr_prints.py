"""The text of frr.conf is what the running daemons print.

Otherwise every push would take lines away and add them again.
"""

import os
import subprocess
from pathlib import Path

import pytest

from firewalls.configuration.plan import plan
from firewalls.configuration.render import render
from tests.conftest import needs
from tests.firewalls.situations import SITUATIONS

SCRIPT = Path(__file__).with_name("frr_prints.sh")
# FRR tells its version; what is sent leaves it to FRR.
QUIET = ("INFO: Called", "INFO: Loading", "integrated-vtysh-config", 'INFO: "frr version ')


def differences(text: str, hostname: str, folder: Path) -> list[str]:
    """What frr-reload.py would still change once the daemons have loaded the text."""
    (folder / "frr.conf").write_text(text)
    command = ["unshare", "-nmu", "sh", str(SCRIPT), str(folder / "frr.conf"), hostname]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return [
        line
        for line in done.stdout.splitlines()
        if line.strip() and not any(word in line for word in QUIET)
    ]


def needs_frr() -> None:
    needs("vtysh", "unshare", "ip", "/usr/lib/frr/bgpd", "/usr/lib/frr/frr-reload.py")
    if os.geteuid() != 0:
        pytest.skip("FRR's daemons need namespaces of their own: run as root")


@pytest.mark.parametrize(
    "name",
    [
        "endpoints-dual-stack-udp-and-proxy",
        "no-external-dual-stack",
        "high-vrf-numbers",
        "several-prefixes",
    ],
)
def test_nothing_is_left_to_change_once_it_is_loaded(name: str, tmp_path: Path) -> None:
    needs_frr()
    facts = SITUATIONS[name]
    text = render(plan(facts))["/etc/frr/frr.conf"]
    assert differences(text, facts.hostname, tmp_path) == []


def test_another_spelling_would_be_found(tmp_path: Path) -> None:
    needs_frr()
    text = render(plan(SITUATIONS["no-external"]))["/etc/frr/frr.conf"]
    spelled_otherwise = text.replace("no-export additive", "additive no-export")
    assert differences(spelled_otherwise, "shop-fw", tmp_path)
