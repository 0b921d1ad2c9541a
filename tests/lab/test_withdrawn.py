"""A firewall behind a jump host, and how it is freed: the last that happens in a lab.

Its loopback is given to nobody else until its configuration is off.
"""

import socket

import pytest

from firewalls.device.keys import ensure_key, public_line
from tests.lab import jump_host, rest, running
from tests.lab.drifts import drift
from tests.lab.jump_host import JumpHost
from tests.lab.running import SETTLE_SECONDS, USER, Lab

NAME = "fw-batch"
BY_HAND = "nft add rule inet metal input tcp dport 4444 accept"
LOOPBACK = "ip -o -4 address show dev lo"


@pytest.fixture(scope="module")
def behind(lab: Lab) -> JumpHost:
    """The firewall is managed at an address that the jump host alone reaches."""
    jump = jump_host.start(lab, NAME)
    firewall = lab.rest.get(_place(lab))
    access = {"firewall": firewall["id"], "jump_host": jump_host.HOST, "jump_user": "root"}
    access |= {"jump_port": lab.guest.jump, "jump_key": jump.key}
    lab.rest.post("ssh-access/", access)
    host_key = firewall["management"]["host_key"]
    management = {"host": jump.inside, "port": 22, "user": USER, "host_key": host_key}
    lab.rest("PATCH", _place(lab), {"management": management})
    return jump


def _place(lab: Lab) -> str:
    return f"firewalls/{rest.firewall_id(lab.rest, NAME)}/"


def test_26_looks_and_pushes_go_through_a_jump_host(lab: Lab, behind: JumpHost) -> None:
    assert not _answers_here(behind.inside), "the jump host would not be needed"
    rest.push(lab.rest, [NAME])  # its last one was rolled back, as nobody confirmed it
    before = behind.logins()
    lab.guest.run(BY_HAND, firewall=NAME)
    assert drift(lab, NAME) == {"rules in the kernel"}
    looked = behind.logins()
    assert looked > before
    rest.push(lab.rest, [NAME])
    assert behind.logins() >= looked + 2, "it is confirmed over a connection of its own"
    assert "4444" not in lab.guest.run("nft list table inet metal", firewall=NAME)
    assert rest.state(lab.rest, NAME) == "in_sync"


def _answers_here(host: str) -> bool:
    """Whether its SSH is reached without a jump host."""
    try:
        with socket.create_connection((host, 22), 2) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def test_27_a_jump_host_with_another_key_is_refused(lab: Lab, behind: JumpHost) -> None:
    """That is said of it, and nothing of the firewall behind it."""
    access = f"ssh-access/{lab.rest.rows('ssh-access/')[0]['id']}/"
    other = public_line(ensure_key(lab.folder / "keys" / "other"))
    lab.rest("PATCH", access, {"jump_key": other})
    before = behind.logins()
    push = rest.ended(lab.rest, NAME, rest.begin_push(lab.rest, NAME), "failed")
    assert push["outcome"] == "refused" and "another host key than the pinned one" in push["error"]
    trouble = lab.rest.get(access)["trouble"]
    assert "another host key than the pinned one" in trouble
    assert behind.logins() == before
    lab.rest("PATCH", access, {"jump_key": behind.key})
    _until_nothing_is_wrong(lab, access)


def _until_nothing_is_wrong(lab: Lab, access: str) -> None:
    running.wait_until(lambda: not lab.rest.get(access)["trouble"], SETTLE_SECONDS)


def test_28_the_loopback_of_a_freed_firewall_is_not_given_on_until_its_configuration_is_off(
    lab: Lab, behind: JumpHost
) -> None:
    freed = lab.rest.get(_place(lab))
    loopback = freed["router_id"]
    lab.rest("DELETE", _place(lab))
    assert _allocated(lab, "fw-second")["router_id"] != loopback
    assert f" {loopback}/32 " in lab.guest.run(LOOPBACK, firewall=NAME), "it runs as before"
    assert loopback in [row["address"] for row in lab.rest.rows("kept-back/")]

    before = behind.logins()
    retired = f"retired-firewalls/{freed['id']}/"
    assert lab.rest.get(retired)["outcome"] == ""
    lab.rest.post(f"{retired}take-off/")
    running.wait_until(lambda: _is_off(lab), SETTLE_SECONDS)
    assert behind.logins() > before, "how it is reached stays with it"
    assert loopback not in lab.guest.run(LOOPBACK, firewall=NAME)
    assert loopback not in [row["address"] for row in lab.rest.rows("kept-back/")]
    assert _allocated(lab, "fw-third")["router_id"] == loopback


def _is_off(lab: Lab) -> bool:
    rows = lab.rest.rows("retired-firewalls/")
    assert all(row["outcome"] != "failed" for row in rows), rows[0]["error"]
    return not rows


def _allocated(lab: Lab, name: str) -> dict[str, str]:
    """Another firewall of that network, which is not set up."""
    body = {"name": name, "partition": "lab", "project": "science"}
    row: dict[str, str] = lab.rest.post("firewalls/", body | {"networks": [{"network": "batch"}]})
    return row
