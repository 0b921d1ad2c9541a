"""Whether sshd lets the product's account in, and having it do so where only a list does not.

Images for bare metal come with such a list: metal-stack's names its own account alone.
"""

from __future__ import annotations

import os

from . import box, files, tools
from .refusing import Refused
from .steps import say

KEYS = ".ssh/authorized_keys"
DROP_IN = "etc/ssh/sshd_config.d/shared-networks.conf"
# Of this one account, so that nobody else is locked out by a list where there was none.
ADDED = "# Written by Shared Networks, for a list here names others.\nMatch User {account}\n{lists}"
SERVICES = ("ssh.service", "sshd.service")
_LISTS = {
    "DenyUsers": "names it",
    "DenyGroups": "names its group",
    "AllowUsers": "does not name it",
    "AllowGroups": "does not name its group",
}
_WANTED = {"PubkeyAuthentication": "yes", "AuthorizedKeysFile": KEYS}
UNSEEN = "sshd does not say whom it lets in (sshd -T); its configuration may be broken."


def let_in(account: str) -> None:
    """Add the account to the lists that sshd has. Raises Refused where it stays out."""
    settings = _settings(account)
    if not settings:
        say(UNSEEN)
        return
    lists = [name for name in ("AllowUsers", "AllowGroups") if _keeps_out(settings, name, account)]
    if lists:
        lines = "".join(f"    {name} {account}\n" for name in lists)
        _write(ADDED.format(account=account, lists=lines))
        say(f"sshd's {' and '.join(lists)} did not name {account}: /{DROP_IN} adds it.")
        settings = _settings(account)
    reasons = _reasons(settings, account)
    if reasons:
        raise Refused(reasons[0])


def hindrances(account: str) -> list[str]:
    """Why sshd would not let the account in, as sentences."""
    return _reasons(_settings(account), account)


def _reasons(settings: dict[str, list[str]], account: str) -> list[str]:
    if not settings:
        return [UNSEEN]
    reasons = [
        f"sshd keeps {account} out: its {name} {verb}. Change that in /etc/ssh/sshd_config."
        for name, verb in _LISTS.items()
        if _keeps_out(settings, name, account)
    ]
    for name, wanted in _WANTED.items():
        have = settings.get(name.lower(), [wanted])
        if wanted not in have:
            reasons.append(
                f"sshd keeps {account} out: {name} is {' '.join(have)}, not {wanted}. "
                "Change that in /etc/ssh/sshd_config."
            )
    return reasons


def _settings(account: str) -> dict[str, list[str]]:
    """What sshd would do when the account logs in, as it says itself; empty if it does not."""
    who = f"user={account},host=localhost,addr=127.0.0.1"
    result = tools.run(["sshd", "-T", "-C", who], quiet=True)
    settings: dict[str, list[str]] = {}
    for line in result.text.splitlines() if result.ok else []:
        name, *values = line.split()
        settings.setdefault(name, []).extend(values)
    return settings


def _keeps_out(settings: dict[str, list[str]], name: str, account: str) -> bool:
    """Whether this list does: an account, and its group of the same name, as patterns."""
    import fnmatch

    patterns = settings.get(name.lower(), [])
    named = any(fnmatch.fnmatch(account, pattern.partition("@")[0]) for pattern in patterns)
    return named if name.startswith("Deny") else bool(patterns) and not named


def _write(text: str) -> None:
    path = f"{box.ROOT}/{DROP_IN}"
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        files.put(DROP_IN, text.encode(), 0o644, (0, 0))
    except OSError as error:
        raise Refused(f"/{DROP_IN} could not be written: {error.strerror}") from error
    if box.has_systemd():
        tools.run(["systemctl", "try-reload-or-restart", *SERVICES])
