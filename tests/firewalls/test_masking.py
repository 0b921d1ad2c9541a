"""Secrets in what a firewall had stay there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firewalls.device.applier import others
from firewalls.device.applier.masking import HIDDEN, masked

SECRET = "c2VjcmV0IG9mIGEgVlBO="
LINES = (
    f"PrivateKey={SECRET}",
    f"PresharedKey = {SECRET}",
    f" neighbor 192.0.2.1 password {SECRET}",
    f" neighbor 192.0.2.1 password 8 {SECRET}",
    f"enable password {SECRET}",
    f" isis area-password clear {SECRET}",
    f" ip ospf message-digest-key 1 md5 {SECRET}",
    f"  key-string {SECRET}",
    f" ip rip authentication string {SECRET}",
)


@pytest.mark.parametrize("line", LINES)
def test_a_secret_is_hidden_and_what_it_is_for_is_not(line: str) -> None:
    text = masked(f"first\n{line}\nlast\n")
    assert SECRET not in text
    first, hidden, last = text.splitlines()
    assert (first, last) == ("first", "last") and hidden.endswith(HIDDEN)
    assert hidden.split()[0].rstrip("=").startswith(line.split(maxsplit=1)[0].partition("=")[0])


def test_what_is_no_secret_stays_as_it_is() -> None:
    text = "service password-encryption\nno enable password\nAddress=10.0.0.1/32\nPublicKey=abc=\n"
    assert masked(text) == text


@given(st.lists(st.sampled_from([*LINES, "x", ""])), st.booleans())
def test_what_is_masked_once_stays_as_it_is(lines: list[str], ends: bool) -> None:
    text = masked("\n".join(lines) + ("\n" if ends else ""))
    assert masked(text) == text


def test_a_unit_is_adopted_by_what_was_seen_of_it() -> None:
    unit = f"[WireGuard]\nPrivateKey={SECRET}\n"
    seen = others.digest("etc/systemd/network/05-vpn.netdev", masked(unit))
    assert seen == others.digest("etc/systemd/network/05-vpn.netdev", unit)
    assert seen != others.digest("etc/systemd/network/05-vpn.netdev", f"{unit}ListenPort=1\n")
