"""Through a jump host, by certificate, and at IPv6 addresses: with OpenSSH's own servers."""

import asyncio
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError

from firewalls.device import practice, transport
from firewalls.device.connection import described
from firewalls.device.keys import ensure_key, public_line
from firewalls.device.target import Target, TransportError
from firewalls.models import Firewall, SshAccess
from firewalls.models.validators import ssh_host
from firewalls.pushing.jobs import REACHED_BY, target_of
from tests.conftest import needs
from tests.firewalls.boxes import GOOD, contents, last, pushed, sshd
from tests.firewalls.running import PATIENT, program
from tests.world import world

ONE = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ2Y3rUVhqgnxPCjAmoEEVRVFjjIrc3kYmkkHOOkzZM3"
TWO = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"


def command(root: Path) -> str:
    settings = f"APPLIER_ROOT={root} APPLIER_PRACTICE=1 APPLIER_TIMEOUT={PATIENT}"
    return f"{settings} {shlex.join(program())}"


@pytest.fixture
def box(tmp_path: Path) -> Iterator[tuple[Target, Path, Path]]:
    """A firewall's sshd: the target, the client's key, and the firewall's root."""
    needs("sshd")
    root = practice.ensure_root(tmp_path, "real")
    with sshd(tmp_path / "ssh", command(root)) as (target, key):
        yield target, key, root


@contextmanager
def jump_host(folder: Path, client: Path, opens: str) -> Iterator[Target]:
    """A second sshd, which lets this key connect to one place, and do nothing else."""
    with sshd(folder, "/bin/false", "jump") as (jump, _):
        line = f'restrict,port-forwarding,permitopen="{opens}" {public_line(client)}\n'
        (folder / "authorized").write_text(line)
        yield jump


def refusal(target: Target, key: Path) -> TransportError:
    with pytest.raises(TransportError) as caught:
        asyncio.run(transport.inspect(target, key_path=key))
    return caught.value


def test_a_firewall_behind_a_jump_host_is_pushed_to_and_inspected(
    tmp_path: Path, box: tuple[Target, Path, Path]
) -> None:
    target, key, root = box
    with jump_host(tmp_path / "jump", key, f"127.0.0.1:{target.port}") as jump:
        behind = replace(target, jump=jump)
        outcome, steps = pushed(behind, GOOD, key)
        assert outcome.state == "confirmed" and contents(root) == GOOD
        place = f"{target.user}@127.0.0.1:{target.port}"
        through = f"through 127.0.0.1:{jump.port}, host key as pinned"
        assert last(steps)["connect"].output == f"{place}, {through}"
        assert asyncio.run(transport.inspect(behind, key_path=key)).files == GOOD


def test_a_jump_host_with_another_key_is_told_and_not_taken_for_the_firewall(
    tmp_path: Path, box: tuple[Target, Path, Path]
) -> None:
    target, key, _ = box
    with jump_host(tmp_path / "jump", key, f"127.0.0.1:{target.port}") as jump:
        other = replace(jump, host_key=target.host_key, name="the way in")
        error = refusal(replace(target, jump=other), key)
        assert str(error).startswith(
            f"real is behind a jump host. the way in (127.0.0.1:{jump.port}) shows another host key"
        )
        assert error.jump and error.jump.offered_key == jump.host_key
        assert not error.local and not error.offered_key and not error.unreachable
        error = refusal(replace(target, jump=replace(jump, host_key="")), key)
        assert "has no pinned host key yet" in str(error) and not error.offered_key
        error = refusal(replace(target, jump=jump, host_key=jump.host_key), key)
        assert error.offered_key == target.host_key  # the firewall's own is told as ever


def test_a_jump_host_that_is_away_or_lets_nobody_through_leaves_the_firewall_unreachable(
    tmp_path: Path, box: tuple[Target, Path, Path]
) -> None:
    target, key, _ = box
    with jump_host(tmp_path / "jump", key, "127.0.0.1:1") as jump:
        error = refusal(replace(target, jump=jump), key)
        assert error.unreachable and str(error).startswith(f"{target} does not answer: ")
    error = refusal(replace(target, jump=jump), key)
    assert error.unreachable and str(error).startswith("real is behind a jump host. jump (")
    assert error.jump and error.jump.unreachable and "Nothing is known of real." in str(error)


def test_a_certificate_is_accepted_for_the_name_of_the_firewall_and_for_no_other(
    tmp_path: Path,
) -> None:
    needs("sshd")
    root, authority = practice.ensure_root(tmp_path, "real"), ensure_key(tmp_path / "authority")
    host = ensure_key(tmp_path / "ssh" / "host")
    words = ["ssh-keygen", "-q", "-s", str(authority), "-I", "test", "-h", "-n", "real"]
    subprocess.run([*words, f"{host}.pub"], check=True)
    more = {"HostCertificate": f"{host}-cert.pub"}
    with sshd(tmp_path / "ssh", command(root), more=more) as (target, key):
        trusting = replace(target, host_key="", host_ca=public_line(authority))
        outcome, steps = pushed(trusting, GOOD, key)
        assert outcome.state == "confirmed" and contents(root) == GOOD
        assert last(steps)["connect"].output.endswith(", host key as certified")
        assert "fw-other (" in str(refusal(replace(trusting, name="fw-other"), key))
        stranger = public_line(ensure_key(tmp_path / "stranger"))
        refusal(replace(trusting, host_ca=stranger), key)
        pinned = replace(target, host_ca=stranger)  # a pinned key goes first
        assert asyncio.run(transport.inspect(pinned, key_path=key)).files == GOOD


def test_an_address_of_ipv6_is_printed_in_brackets() -> None:
    target = Target("fw", "fe80::1%eth0", 2222, "root", "ssh-ed25519 AAAA")
    assert str(target) == "fw ([fe80::1%eth0]:2222)"
    assert described(target) == "root@[fe80::1%eth0]:2222, host key as pinned"
    assert str(replace(target, host="fw.example.org")) == "fw (fw.example.org:2222)"


@pytest.mark.parametrize("host", ["fe80::1%eth0", "fe80::1%vlan.5", "2001:db8::1", "fw-1.example"])
def test_a_host_is_a_name_or_an_address(host: str) -> None:
    ssh_host(host)


@pytest.mark.parametrize("host", ["fe80::1", "2001:db8::1%eth0", "192.0.2.1%eth0", "fw%e0", "a b"])
def test_link_local_addresses_and_no_others_name_their_interface(host: str) -> None:
    with pytest.raises(ValidationError) as caught:
        ssh_host(host)
    assert caught.value.code == "invalid_host"


def link_local() -> str:
    """An address of this machine; that of the loopback where no interface has one."""
    listed = ["ip", "-6", "-o", "addr", "show", "scope", "link"]
    for line in subprocess.run(
        listed, capture_output=True, text=True, check=False
    ).stdout.splitlines():
        _, interface, _, address, *_ = line.split()
        return f"{address.partition('/')[0]}%{interface}"
    return "::1"


def test_a_link_local_address_is_reached_through_its_interface(tmp_path: Path) -> None:
    needs("sshd", "ip")
    host = link_local()
    root = practice.ensure_root(tmp_path, "real")
    with sshd(tmp_path / "ssh", command(root), more={"listenaddress": host}) as (target, key):
        assert pushed(replace(target, host=host), GOOD, key)[0].state == "confirmed"


@pytest.mark.django_db
def test_a_partition_says_how_its_firewalls_are_reached_and_one_firewall_for_itself() -> None:
    fra = world()
    firewall = fra.firewall("fw", fra.shop, fra.private("shop", fra.shop))
    assert target_of(firewall).jump is None and target_of(firewall).host_ca == ""
    jump = {"jump_host": "fe80::5%eth1", "jump_user": "hop", "jump_key": ONE}
    SshAccess.objects.create(partition=fra.partition, host_ca=TWO, **jump)
    rows = Firewall.objects.select_related(*REACHED_BY)
    target = target_of(rows.get())
    assert target.host_ca == TWO and target.jump
    assert (target.jump.place, target.jump.user) == ("[fe80::5%eth1]:22", "hop")
    SshAccess.objects.create(firewall=firewall)
    assert target_of(rows.get()).jump is None


@pytest.mark.django_db
def test_an_access_is_of_one_and_a_jump_host_has_a_pinned_key() -> None:
    fra = world()
    firewall = fra.firewall("fw", fra.shop, fra.private("shop", fra.shop))
    for fields, code in (
        ({"partition": fra.partition, "firewall": firewall}, "of_one"),
        ({}, "of_one"),
        ({"partition": fra.partition, "jump_host": "hop", "jump_user": "hop"}, "not_pinned"),
    ):
        with pytest.raises(ValidationError) as caught:
            SshAccess.objects.create(**fields)
        assert [error.code for error in caught.value.error_dict["__all__"]] == [code]
