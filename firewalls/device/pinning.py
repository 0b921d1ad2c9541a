"""Host keys: the pinned one is accepted, and no other; a fingerprint is how people compare them."""

from functools import lru_cache

import asyncssh

from firewalls.device.target import Target, TransportError

ALGORITHMS = [
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
]
LONGEST_KEY = 1_000  # characters that can be pinned: RSA with 5,000 bits
# An RSA key signs by other names than its own (RFC 8332).
CERTIFICATE = "-cert-v01@openssh.com"
SIGNED_BY_RSA = ("rsa-sha2-512", "rsa-sha2-256")

_parsed = lru_cache(maxsize=4096)(asyncssh.import_public_key)


def fingerprint(host_key: str) -> str:
    """`SHA256:…`, as ssh-keygen -l prints it. Raises ValueError."""
    return str(asyncssh.import_public_key(host_key).get_fingerprint())


def pinned_key(target: Target) -> asyncssh.SSHKey | None:
    """The host key that is pinned for this firewall, if any. Raises TransportError."""
    if not target.host_key:
        return None
    try:
        return _parsed(target.host_key)
    except asyncssh.KeyImportError as error:
        raise TransportError(
            f"The pinned host key of {target.name} is no OpenSSH public key; enter it again.",
            local=True,
        ) from error


def certifying_key(target: Target) -> asyncssh.SSHKey | None:
    """The key whose certificates are accepted for this firewall, if any. Raises TransportError."""
    if not target.host_ca:
        return None
    try:
        return _parsed(target.host_ca)
    except asyncssh.KeyImportError as error:
        raise TransportError(
            f"The key that certifies host keys for {target.name} is no OpenSSH public key;"
            " enter it again.",
            local=True,
        ) from error


def algorithms(pinned: asyncssh.SSHKey | None, certified: bool = False) -> list[str]:
    """Host key algorithms to offer, those of the pinned key or of certificates first.

    Others too, so that a box without such a key is told apart from one that hangs up.
    """
    if pinned is None:
        return [f"{name}{CERTIFICATE}" for name in ALGORITHMS] * certified + ALGORITHMS
    name = pinned.get_algorithm()
    preferred = SIGNED_BY_RSA if name == "ssh-rsa" else (name,)
    return sorted(ALGORITHMS, key=lambda algorithm: algorithm not in preferred)


class PinnedKeyOnly(asyncssh.SSHClient):
    """Accepts no other host key than the pinned one; remembers which one was shown instead."""

    def __init__(self) -> None:
        self.offered: asyncssh.SSHKey | None = None

    def validate_host_public_key(
        self, host: str, addr: str, port: int, key: asyncssh.SSHKey
    ) -> bool:
        """asyncssh asks here about a key that is not among the known ones."""
        self.offered = key
        return False

    def error(self, target: Target) -> TransportError:
        """It shows a key that nobody has confirmed: none is pinned yet, or another one is."""
        line = ""
        shown = "none of the pinned kind"
        if self.offered:
            line = " ".join(self.offered.export_public_key().decode().split()[:2])
            shown = fingerprint(line)
            if len(line) > LONGEST_KEY:
                line, shown = "", f"one of {len(line):,} characters, {shown}"
        if target.host_key:
            reason = (
                f"{target} shows another host key than the pinned one ({shown})."
                " Find out why before anything is sent."
            )
        else:
            reason = (
                f"{target} has no pinned host key yet; it shows {shown}."
                " Confirm this fingerprint before anything is sent."
            )
        return TransportError(reason, offered_key=line)
