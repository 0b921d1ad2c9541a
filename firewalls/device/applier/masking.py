"""Secrets in what a box had: they stay on the box, and are told as hidden."""

from __future__ import annotations

HIDDEN = "(hidden)"
# systemd.netdev(5): of WireGuard and MACsec.
KEYS = ("PrivateKey", "PresharedKey", "Key", "Password")
# FRR: what follows one of these words, to the end of the line.
WORDS = ("password", "authentication-key", "message-digest-key", "key-string", "string")


def masked(text: str) -> str:
    """The text with every secret hidden. What is masked once stays as it is."""
    return "".join(map(_masked, text.splitlines(keepends=True)))


def _masked(line: str) -> str:
    key, equals, _ = line.partition("=")
    if equals and key.strip() in KEYS:
        return f"{key}={HIDDEN}{_end(line)}"
    words = line.split(" ")
    for at, word in enumerate(words[:-1]):
        if word in WORDS or word.endswith("-password"):
            return f"{' '.join(words[: at + 1])} {HIDDEN}{_end(line)}"
    return line


def _end(line: str) -> str:
    return "\n" if line.endswith("\n") else ""
