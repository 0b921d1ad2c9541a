"""Setting up a firewall: all that it needs beside what Debian's packages bring."""

from __future__ import annotations

import os
import sys

from . import (
    boot,
    box,
    files,
    letting_in,
    login,
    packages,
    readiness,
    services,
    system,
    tools,
    unpacking,
)
from .account import ACCOUNT, LOGIN, PROGRAM, RULE, SUDO
from .refusing import Refused
from .steps import complain, say

MODULES = "/usr/local/lib/shared-networks-applier"
INTERPRETER = "/usr/bin/python3"
REFUSED = 65
KINDS = ("ssh-ed25519 ", "ecdsa-sha2-nistp", "ssh-rsa ")
NO_KEY = "That is no public key: it is one line such as ssh-ed25519 AAAA…"
IN_A_KEY = files.PLAIN_NAME.union(" +/=@_")


def install(key: str, digest: str) -> int:
    """Set this box up, or update it; gives the status to end with."""
    os.umask(0o022)
    try:
        _install(key, digest)
    except Refused as reason:
        complain(str(reason))
        return REFUSED
    return 0


def _install(key: str, digest: str) -> None:
    _must_be_possible(key)
    if not digest:
        digest = _program()
    _account()
    if key:
        letting_in.add(key)
    _sudo_rule()
    login.let_in(ACCOUNT)
    boot.prepare(PROGRAM)
    services.start_by_themselves()
    system.know_own_name()
    say(f"Installed {PROGRAM} {digest}.")
    _tell_fingerprints()
    _tell_what_is_amiss()


def _must_be_possible(key: str) -> None:
    if os.geteuid() != 0:
        raise Refused("Installing takes root: sudo python3 shared-networks-applier install")
    lacking = packages.lacking()
    if lacking:
        raise Refused(lacking)
    if not key and not os.path.isfile(box.ROOT + letting_in.KEYS):
        raise Refused(
            "Give the product's public key: "
            "python3 shared-networks-applier install 'ssh-ed25519 AAAA…'"
        )
    if key and not (IN_A_KEY.issuperset(key) and key.startswith(KINDS)):
        raise Refused(NO_KEY)


def _program() -> str:
    folder = box.ROOT + MODULES
    try:
        os.makedirs(folder, exist_ok=True)
        os.makedirs(os.path.dirname(box.ROOT + PROGRAM), exist_ok=True)
        return unpacking.unpack(sys.argv[0], folder, box.ROOT + PROGRAM, INTERPRETER)
    except OSError as error:
        raise Refused(f"{PROGRAM} could not be written: {error.strerror}") from error


def _account() -> None:
    if tools.run(["id", ACCOUNT]).ok:
        return
    words = [
        "--system",
        "--user-group",
        "--no-create-home",
        "--home-dir",
        LOGIN,
        "--shell",
        "/bin/sh",
    ]
    if not tools.run(["useradd", *words, "--password", "*", ACCOUNT]).ok:
        raise Refused(f"The user {ACCOUNT} could not be made.")


def _sudo_rule() -> None:
    sentence = "The sudo rule could not be written"
    checked = f"{SUDO}.new"  # sudo reads no file with a dot in its name
    _place(checked, RULE, 0o440, sentence)
    if not tools.run(["visudo", "-qcf", box.ROOT + checked]).ok:
        raise Refused(f"{sentence}.")
    _place(SUDO, RULE, 0o440, sentence)
    files.remove(box.ROOT + checked)


def _place(path: str, text: str, mode: int, sentence: str) -> None:
    """Root's, put there in one move."""
    try:
        os.makedirs(os.path.dirname(box.ROOT + path), exist_ok=True)
        files.put(path.lstrip("/"), text.encode(), mode, (0, 0))
    except OSError as error:
        raise Refused(f"{sentence}: {error.strerror}") from error


def _tell_fingerprints() -> None:
    say("The fingerprints of this firewall's host keys, to compare with what the product shows:")
    folder = f"{box.ROOT}/etc/ssh"
    for name in sorted(os.listdir(folder) if os.path.isdir(folder) else []):
        if name.startswith("ssh_host_") and name.endswith("_key.pub"):
            say(tools.run(["ssh-keygen", "-lf", f"{folder}/{name}"]).text.rstrip("\n"))


def _tell_what_is_amiss() -> None:
    """What cannot be mended here: a push, or a reboot, would show it."""
    for sentence in readiness.amiss():
        say(f"To be put right, or worth knowing: {sentence}")
