"""Boots at which the rules are not loaded: nothing is forwarded until they are.

The firewall was set up with the applier's `install` alone.
"""

import re

from tests.lab import rest, running
from tests.lab.drifts import drift
from tests.lab.observing import ONCE, observe, problems
from tests.lab.running import SETTLE_SECONDS, Lab
from tests.lab.scenarios import Connection, Scenario
from tests.lab.topology import INTERNET

NAME = "fw-web"
CLOSED = Scenario(
    18,
    "A firewall that has started without its rules forwards nothing",
    (
        Connection("web1", "storage1"),
        Connection("web1", "backup1"),
        Connection("web1", "internet"),
    ),
)
OPEN = Scenario(
    19,
    "Once they are loaded it forwards as before",
    (
        Connection("web1", "storage1", "fw-web@storage"),
        Connection("web1", "backup1", "fw-web@backup"),
        Connection("web1", "internet", "fw-web@internet"),
    ),
)
RULES = "/etc/nftables.conf"
WITHOUT_TRANSLATION = f"sed -i '/^table inet nat/,$d' {RULES}"
# At the exit, past the VXLAN: whose packets come from the firewalls.
WATCH = """nft -f - <<'END'
add table inet watch
delete table inet watch
table inet watch {{
    chain unhidden {{
        type filter hook prerouting priority raw;
        iifname "vlan{vrf}" ip saddr {{ {prefixes} }} counter
    }}
}}
END"""


def test_18_after_a_boot_with_the_packet_filter_disabled_nothing_is_forwarded(lab: Lab) -> None:
    """The control: once the table is taken away by hand, private addresses get out as they are."""
    _watch(lab)
    _reboot(lab, "systemctl disable nftables")
    _holds_back(lab)
    lab.guest.run("nft delete table inet closed", firewall=NAME)
    running.wait_until(lambda: _try(lab) and _unhidden(lab), SETTLE_SECONDS)
    assert drift(lab, NAME) == {"rules in the kernel"}
    running.set_up(lab, NAME)
    assert _state(lab, "is-enabled") == "enabled"
    _is_open_after_a_push(lab)


def test_19_after_a_boot_with_broken_rules_nothing_is_forwarded(lab: Lab) -> None:
    """Nor with a file that was cut short where nft does not mind; and a push mends both."""
    _watch(lab)
    _reboot(lab, f"{WITHOUT_TRANSLATION}; echo 'table inet nat {{' >>{RULES}")
    assert _state(lab, "is-active") == "failed"
    _holds_back(lab)
    lab.guest.run(f"sed -i '$d' {RULES}; systemctl restart nftables", firewall=NAME)
    assert _state(lab, "is-active") == "active"
    _holds_back(lab)
    assert drift(lab, NAME) == {RULES, "rules in the kernel"}
    _is_open_after_a_push(lab)


def test_20_while_the_packet_filter_is_stopped_nothing_is_forwarded(lab: Lab) -> None:
    _watch(lab)
    lab.guest.run("systemctl start nftables; systemctl stop nftables", firewall=NAME)
    _holds_back(lab)
    lab.guest.run("systemctl start nftables", firewall=NAME)
    assert problems(observe(lab, [OPEN]), OPEN) == []
    assert rest.state(lab.rest, NAME) == "in_sync"


def _reboot(lab: Lab, before: str) -> None:
    lab.guest.run(before, firewall=NAME)
    lab.guest.run(f"bash /run/lab/firewall restart {NAME}", seconds=SETTLE_SECONDS)
    running.wait_until_up(lab, NAME)


def _holds_back(lab: Lab) -> None:
    """Once its routes are back, so that nothing but the table holds packets back."""
    before = _held_back(lab)
    running.wait_until(lambda: _try(lab) and _held_back(lab) > before, SETTLE_SECONDS)
    assert problems(observe(lab, [CLOSED]), CLOSED) == []
    assert _unhidden(lab) == 0


def _try(lab: Lab) -> bool:
    observe(lab, [CLOSED], ONCE)
    return True


def _is_open_after_a_push(lab: Lab) -> None:
    rest.push(lab.rest, [NAME])
    assert problems(observe(lab, [OPEN]), OPEN) == []
    assert lab.guest.run("nft list tables", firewall=NAME).count("closed") == 0
    assert rest.state(lab.rest, NAME) == "in_sync"


def _state(lab: Lab, question: str) -> str:
    return lab.guest.run(f"systemctl {question} nftables", firewall=NAME, check=False).strip()


def _held_back(lab: Lab) -> int:
    """Packets that would have been forwarded."""
    return _packets(lab.guest.run("nft list table inet closed", firewall=NAME, check=False))


def _watch(lab: Lab) -> None:
    """Count what comes to the exit from web's own addresses, from now on."""
    rows = lab.rest.rows("networks/?kind=private")
    prefixes = next(row["prefixes"] for row in rows if row["id"] == "web")
    watch = WATCH.format(vrf=INTERNET[1], prefixes=", ".join(prefixes))
    lab.guest.run(watch, node="exit")


def _unhidden(lab: Lab) -> int:
    return _packets(lab.guest.run("nft list table inet watch", node="exit"))


def _packets(listing: str) -> int:
    return sum(int(number) for number in re.findall(r"counter packets (\d+)", listing))
