"""A firewall as `install` has left it: it has all that it needs, and does without name servers."""

import re

from tests.lab.running import Lab
from tests.lab.topology import FIREWALLS

NAMES = [firewall.name for firewall in FIREWALLS]
# A name server that never answers, and a count of what it is asked.
DEAD = """set -e
cp -a /etc/resolv.conf /run/resolver 2>/dev/null || true
rm -f /etc/resolv.conf
echo 'nameserver 192.0.2.53' >/etc/resolv.conf
ip route add 192.0.2.53 via 10.9.0.254
nft -f - <<'END'
table inet asked {
    chain output {
        type filter hook output priority filter;
        ip daddr 192.0.2.53 counter drop
    }
}
END"""
ALIVE = """nft delete table inet asked
ip route del 192.0.2.53
rm -f /etc/resolv.conf
cp -a /run/resolver /etc/resolv.conf 2>/dev/null || true"""
VERSION = """export SSH_ORIGINAL_COMMAND=version
runuser -u shared-networks -- sudo -n /usr/local/sbin/shared-networks-applier"""
FORGET, REMEMBER = "cp /etc/hosts /run/ && echo >/etc/hosts", "cp /run/hosts /etc/"


def test_21_all_that_a_push_needs_is_there(lab: Lab) -> None:
    said = lab.stack.manage("check_firewall", *NAMES)
    assert said.endswith("All is there."), said
    assert all(f"{name}:" in said for name in NAMES)


def test_22_sudo_asks_no_name_server(lab: Lab) -> None:
    """The control: without what `install` has written into /etc/hosts it does."""
    lab.guest.run(DEAD, firewall="fw-batch")
    try:
        lab.guest.run(VERSION, firewall="fw-batch")
        assert _asked(lab) == 0
        lab.guest.run(f"{FORGET}; {VERSION}; {REMEMBER}", firewall="fw-batch")
        assert _asked(lab) > 0
    finally:
        lab.guest.run(ALIVE, firewall="fw-batch")


def _asked(lab: Lab) -> int:
    listed = lab.guest.run("nft list table inet asked", firewall="fw-batch")
    return sum(int(number) for number in re.findall(r"packets (\d+)", listed))
