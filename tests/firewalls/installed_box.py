"""A firewall set up with the one command, in namespaces of its own.

With OpenSSH's sshd as Debian runs it, sudo, FRR and nftables.

    unshare --net --mount python -m tests.firewalls.installed_box FOLDER

Prints what happened as JSON. Nothing of the machine it runs on is touched.
"""

import asyncio
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from firewalls.device import transport
from firewalls.device.applier_file import NAME, content, modules, packed
from firewalls.device.connection import connected
from firewalls.device.keys import ensure_key, public_line
from firewalls.device.target import Timeouts
from firewalls.device.transport import Target
from tests.firewalls.boxes import last, pushed, sshd
from tests.firewalls.real_box import files, firewall, leaf, running, shell

ACCOUNT, PROGRAM = "shared-networks", "/usr/local/sbin/shared-networks-applier"
MODULES = "/usr/local/lib/shared-networks-applier"


def own_folders(folder: Path) -> None:
    """What setting up writes to is this namespace's alone."""
    shell("mount --make-rprivate /", f"cp -a /etc {folder}/etc && mount --bind {folder}/etc /etc")
    Path(MODULES).mkdir(exist_ok=True)
    for path in ("/usr/local/sbin", MODULES, "/var/lib"):
        shell(f"mount -t tmpfs -o mode=755 none {path}")
    shell(
        "[ ! -d /run/systemd ] || mount -t tmpfs none /run/systemd"
    )  # a systemd-networkd of this machine is not this box's


def install(folder: Path, *words: str, file: bytes = b"") -> tuple[int, str]:
    (folder / NAME).write_bytes(file or content())
    done = subprocess.run(
        ["/usr/bin/python3", str(folder / NAME), "install", *words],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def as_account(command: str) -> tuple[int, str]:
    """What the account may do when somebody gets a shell with its rights."""
    done = subprocess.run(
        ["runuser", "-u", ACCOUNT, "--", "sh", "-c", command],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def over_ssh(target: Target, key: Path, command: str) -> tuple[int | None, str]:
    async def run() -> tuple[int | None, str]:
        async with connected(target, key, Timeouts()) as connection:
            done = await connection.run(command, input="")
            return done.exit_status, str(done.stderr)

    return asyncio.run(run())


OWN_UNITS = tuple(
    f"/etc/systemd/system/shared-networks-{name}.service" for name in ("recover", "closed")
)
UNITS = ("nftables.service", "systemd-networkd.service", "frr.service")
FORBIDDEN = (
    "sudo -n id",
    f"sudo -n {PROGRAM} recover",
    f"sudo -n {PROGRAM} install",
    f"echo x >>{PROGRAM}",
    f"find {MODULES} -writable | grep -q .",
    f"echo x >>~{ACCOUNT}/.ssh/authorized_keys",
    f"mv ~{ACCOUNT}/.ssh ~{ACCOUNT}/x",
    "cat /var/lib/shared-networks/last",
)
OVER_SSH = ("id", "sh", "install", "recover", "show; id", "apply; id")


def play(folder: Path) -> dict[str, object]:
    own_folders(folder)
    results: dict[str, object] = {
        "without a key": install(folder),
        "no key": install(folder, "no key at all"),
    }
    results["two lines"] = install(folder, "ssh-ed25519 A\nssh-rsa B")
    with (
        firewall(),
        leaf(),
        sshd(folder / "ssh", "", authorized=".ssh/authorized_keys", strict=True) as (here, key),
    ):
        target = replace(here, user=ACCOUNT)
        Path("/etc/frr/daemons").write_text("bgpd=no\n")
        Path("/etc/ssh/sshd_config.d/metal.conf").write_text("AllowUsers metal\n")
        results["installed"], results["updated"] = (
            install(folder, public_line(key)),
            install(folder),
        )
        outcome, steps = pushed(target, files(1), key)
        results["pushed"] = {
            "outcome": outcome.state,
            "error": outcome.error,
            "version": last(steps)["version"].state,
            "now": running(),
        }
        results["lists"] = {user: _allowed(user) for user in ("metal", ACCOUNT, "root")}
        results["units"] = _units(target, key)
        results["ssh"] = {command: over_ssh(target, key, command)[0] for command in OVER_SSH}
        results["stranger"] = _stranger(target, ensure_key(folder / "stranger"))
        results["account"] = {command: as_account(command)[0] != 0 for command in FORBIDDEN}
        results["daemons"] = Path("/etc/frr/daemons").read_text()
        results["enabled units"] = {unit: _is_enabled(unit) for unit in UNITS}
        results["unit"] = subprocess.run(
            ["systemd-analyze", "verify", *OWN_UNITS, "nftables.service"],
            capture_output=True,
            text=True,
            check=False,
        ).stderr
        wants = Path("/etc/systemd/system/sysinit.target.wants")
        results["enabled"] = [(wants / Path(unit).name).is_symlink() for unit in OWN_UNITS]
        older = {name: f"{text}# an older one\n" for name, text in modules().items()}
        results["other"] = install(folder, file=packed(older))
        results["older"] = pushed(target, files(2), key)[0].state
    return results


def _allowed(user: str) -> list[str]:
    """Whom sshd's list names when this user logs in."""
    who = ["-C", f"user={user},host=localhost,addr=127.0.0.1"]
    done = subprocess.run(
        ["/usr/sbin/sshd", "-T", *who], capture_output=True, text=True, check=True
    )
    return [line for line in done.stdout.splitlines() if line.startswith("allowusers")]


def _is_enabled(unit: str) -> str:
    done = subprocess.run(
        ["systemctl", "is-enabled", unit], capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


def _units(target: Target, key: Path) -> dict[str, object]:
    """Units that a push no longer has, or that only a push had that did not last.

    The root of this box is truly empty.
    """
    ours, probe = (
        Path("/etc/systemd/network/30-sn-vrf7.netdev"),
        Path("/etc/shared-networks/probes/never"),
    )
    others = ours.with_name("10-management.network")
    ours.parent.mkdir(parents=True, exist_ok=True)
    others.write_text("[Match]\n")
    results: dict[str, object] = {}
    pushed(target, files(1) | {str(ours): "[NetDev]\n"}, key)
    results["written"] = ours.exists()
    pushed(target, files(1), key)
    results["no longer wanted"] = ours.exists()
    probe.parent.mkdir(parents=True)
    probe.write_text("#!/bin/sh\nexit 1\n")
    probe.chmod(0o755)
    results["outcome"] = pushed(target, files(1) | {str(ours): "[NetDev]\n"}, key)[0].state
    results["undone"] = ours.exists()
    probe.unlink()
    return results | {"others": others.exists()}


def _stranger(target: Target, key: Path) -> str:
    try:
        return pushed(target, files(3), key)[0].state
    except transport.TransportError as error:
        return str(error)


if __name__ == "__main__":
    print(json.dumps(play(Path(sys.argv[1]))))
