"""Two client keys at a time: one takes over from the other without a gap."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from firewalls.device import practice, transport
from firewalls.device.keys import client_keys, ensure_key, previous, public_line, replace_key
from firewalls.device.target import TransportError
from tests.conftest import needs
from tests.firewalls.boxes import GOOD, pushed, sshd
from tests.firewalls.test_ssh_access import command


def test_a_firewall_that_knows_the_old_key_and_one_that_knows_the_new_are_both_pushed_to(
    tmp_path: Path,
) -> None:
    needs("sshd")
    root = practice.ensure_root(tmp_path, "real")
    with sshd(tmp_path / "ssh", command(root)) as (target, key):
        old = public_line(key)
        replace_key(key)
        assert public_line(key) != old and len(client_keys(key)) == len(("new", "old"))
        assert pushed(target, GOOD, key)[0].state == "confirmed"
        authorized = tmp_path / "ssh" / "authorized"
        authorized.write_text(authorized.read_text().replace(old, public_line(key)))
        assert asyncio.run(transport.inspect(target, key_path=key)).files == GOOD
        previous(key).unlink()
        assert asyncio.run(transport.inspect(target, key_path=key)).files == GOOD
        authorized.write_text(authorized.read_text().replace(public_line(key), old))
        with pytest.raises(TransportError, match="does not accept the key"):
            asyncio.run(transport.inspect(target, key_path=key))


def test_the_command_makes_shows_and_retires(
    tmp_path: Path, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.SSH_KEY = key = ensure_key(tmp_path / "id_ed25519")
    with pytest.raises(CommandError, match="No key is being replaced"):
        call_command("client_key", "retire")
    old = key.read_bytes()
    call_command("client_key", "new")
    assert f"install '{public_line(key)} shared-networks'" in capsys.readouterr().out
    assert previous(key).read_bytes() == old != key.read_bytes()
    assert {path.stat().st_mode & 0o777 for path in (key, previous(key))} == {0o600}
    with pytest.raises(CommandError, match="is not retired yet"):
        call_command("client_key", "new")
    assert previous(key).read_bytes() == old
    call_command("client_key", "retire")
    assert not previous(key).exists()
    settings.SSH_AGENT = True
    with pytest.raises(CommandError, match="the agent's"):
        call_command("client_key", "new")
