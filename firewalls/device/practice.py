"""Practice firewalls: a real SSH server that gives each of many firewalls a root folder of its own.

    python -m firewalls.device.practice FOLDER KEY

The user name says which firewall is meant (`fw-NAME`), the product's key opens them all, and all
they run is the applier, the same program that real firewalls run. Having no kernel of their own
they load nothing, and say so in the step's output. A file FOLDER/.slow-NAME holds the seconds that
every step of that firewall takes longer.
"""

import asyncio
import os
import re
import signal
import socket
import sys
from asyncio.subprocess import PIPE
from contextlib import nullcontext, suppress
from functools import cache, partial
from pathlib import Path

import asyncssh

from firewalls.device import applier_file
from firewalls.device.keys import ensure_key, public_line

HOST = "127.0.0.1"
VERBS = ("apply", "confirm", "show", "check", "survey", "give-back", "version")
ROLLBACK_SECONDS = 20
PREFIX = "fw-"
_USER = re.compile(PREFIX + r"([a-z0-9][a-z0-9-]*)")  # nothing that leads out of the folder
REFUSED = 64
AT_ONCE = 1 + (os.cpu_count() or 1)  # more would only wait for each other, and let pages wait
CHUNK = 65_536


def ensure_root(folder: Path, name: str) -> Path:
    """The root folder of a practice firewall, as a fresh installation has it."""
    root = folder / name
    for path in ("etc/frr", "var/lib"):
        (root / path).mkdir(parents=True, exist_ok=True)
    return root


def user(name: str) -> str:
    """The SSH user of a practice firewall."""
    return PREFIX + name


def host_key(folder: Path) -> str:
    """The public host key of the practice server, to be pinned."""
    return public_line(ensure_key(folder / "host_key"))


def port(folder: Path) -> int:
    """The port it listens on: chosen once and kept, as long as nobody else has taken it."""
    path = folder / "port"
    with suppress(OSError, ValueError):
        number = int(path.read_text())
        if _is_free(number):
            return number
    with socket.create_server((HOST, 0)) as server:
        number = int(server.getsockname()[1])
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(str(number))
    return number


def _is_free(number: int) -> bool:
    try:
        with socket.create_server((HOST, number)):
            return True
    except OSError:
        return False


class _Login(asyncssh.SSHServer):
    """Who may log in: the product's key, as a firewall that exists. No password, no forwarding."""

    def __init__(self, folder: Path, key: asyncssh.SSHKey) -> None:
        self.folder = folder
        self.key = key

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        match = _USER.fullmatch(username)
        if match is None or key != self.key:
            return False
        return (self.folder / match[1] / "etc").is_dir()


async def serve(folder: Path, key_path: Path, number: int) -> asyncssh.SSHAcceptor:
    """Recover all practice firewalls, as a box does at boot, and start listening."""
    await _recover(folder)
    _program(folder)  # compiled before anybody waits for it
    key = asyncssh.read_public_key(ensure_key(key_path).with_suffix(".pub"))
    turns = asyncio.Semaphore(AT_ONCE)
    return await asyncssh.listen(
        HOST,
        number,
        server_factory=lambda: _Login(folder, key),
        server_host_keys=[str(ensure_key(folder / "host_key"))],
        process_factory=partial(_run_in_turn, folder, turns),
        encoding=None,
        reuse_address=True,
        gss_host=None,  # or this machine's name would be looked up at every connection
        keepalive_interval=15,
        allow_pty=False,
        allow_scp=False,
        agent_forwarding=False,
    )


async def _recover(folder: Path) -> None:
    """Put back what was applied and never confirmed."""
    for pending in folder.glob("*/var/lib/shared-networks/pending"):
        name = pending.relative_to(folder).parts[0]
        applier = await _applier(folder, name, "recover", inside=True)
        await applier.communicate()


def _name(process: "asyncssh.SSHServerProcess[bytes]") -> str:
    return str(process.get_extra_info("username")).removeprefix(PREFIX)


def _slow(folder: Path, name: str) -> str:
    path = folder / f".slow-{name}"
    return path.read_text().strip() if path.exists() else "0"


async def _run_in_turn(
    folder: Path, turns: asyncio.Semaphore, process: "asyncssh.SSHServerProcess[bytes]"
) -> None:
    """Real firewalls have a processor each; these share one, so they apply in turns."""
    applies = (process.command or "").startswith(("apply", "give-back"))
    in_turn = applies and _slow(folder, _name(process)) == "0"
    async with turns if in_turn else nullcontext():
        process.exit(await _run(folder, process))


async def _run(folder: Path, process: "asyncssh.SSHServerProcess[bytes]") -> int:
    words = (process.command or "").split()
    if not words or words[0] not in VERBS:
        refusal = f"This account runs the applier only: {', '.join(VERBS)}.\n"
        process.stderr.write(refusal.encode())
        return REFUSED
    applier = await _applier(folder, _name(process), *words)
    assert applier.stdin and applier.stdout and applier.stderr
    feeding = asyncio.create_task(_feed(process.stdin, applier.stdin))
    await asyncio.gather(
        _relay(applier.stdout, process.stdout), _relay(applier.stderr, process.stderr)
    )
    feeding.cancel()  # a caller that has nothing to send need not say so
    return await applier.wait()


async def _applier(
    folder: Path, name: str, *words: str, inside: bool = False
) -> asyncio.subprocess.Process:
    """Start the applier of this firewall; it outlives the connection, and this process too.

    In a process group of its own, but not in a session of its own: Linux would give each session
    as large a share of the processors as all pages together.
    """
    environment = _environment(folder, name)
    if inside:
        environment["APPLIER_INSIDE"] = "1"
    return await asyncio.create_subprocess_exec(
        *_program(folder),
        *words,
        env=environment,
        process_group=0,
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
    )


@cache
def _program(folder: Path) -> list[str]:
    """The applier as a firewall has it, run by the interpreter of this product."""
    return applier_file.unpacked(folder / ".applier")


async def _feed(source: "asyncssh.SSHReader[bytes]", sink: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError, asyncssh.Error, asyncssh.BreakReceived):
        while chunk := await source.read(CHUNK):
            sink.write(chunk)
            await sink.drain()
    sink.close()


async def _relay(source: asyncio.StreamReader, sink: "asyncssh.SSHWriter[bytes]") -> None:
    """Pass on what the applier writes. It runs to its end also when nobody listens any more."""
    while chunk := await source.read(CHUNK):
        with suppress(OSError, asyncssh.Error):
            sink.write(chunk)


def _environment(folder: Path, name: str) -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "APPLIER_ROOT": str(folder / name),
        "APPLIER_PRACTICE": "1",
        "APPLIER_TIMEOUT": os.environ.get("APPLIER_TIMEOUT", str(ROLLBACK_SECONDS)),
        "APPLIER_SLOW": _slow(folder, name),
    }


async def _main(folder: Path, key_path: Path) -> None:
    stopped = asyncio.Event()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signal_number, stopped.set)
    listener = await serve(folder, key_path, port(folder))
    await stopped.wait()
    listener.close()


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()))
