"""Two hundred firewalls that take five seconds each, all at once: what is left is waiting, and the sender's own work.

    python -m tests.bench.slow_boxes               BENCH_FIREWALLS (200)

The boxes only wait: another process plays them all over real SSH and tells the steps of an applier that is in no hurry. As many
real ones would share this machine's processors with the sender, and measure themselves.
"""

import asyncio
import socket
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncssh

from firewalls.device.keys import ensure_key, public_line
from firewalls.device.transport import Target
from tests.bench.measure import FIREWALLS, Row, files, pushed, shown
from tests.firewalls.boxes import answers

SECONDS = 5.0
TITLE = "push to boxes that take 5 s each, all at once"
STEPS = [
    "lock",
    "version",
    "unpack",
    "check-nftables",
    "check-frr",
    "save",
    "arm-rollback",
    "write",
    "load-system",
    "load-nftables",
    "load-frr",
    "verify",
    "check-bgp",
    "probe",
]


async def applier(process: "asyncssh.SSHServerProcess[bytes]") -> None:
    """An applier's lines, for a command of one."""
    say, command = process.stdout.write, (process.command or "").split()
    if command[:1] == ["apply"]:
        await process.stdin.read()
        say(b"begin\ttoken\t60\t\n")
        for step in STEPS:
            say(f"step\t{step}\trunning\t\t\n".encode())
            await asyncio.sleep(SECONDS / len(STEPS))
            say(f"step\t{step}\tok\t\t\n".encode())
        say(b"done\tapplied\ttoken\t\n")
    else:
        say(b"confirmed\n")
    process.exit(0)


class _Door(asyncssh.SSHServer):
    """Whoever has the key may come in."""

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return True


async def serve(host_key: str, port: int) -> None:
    listener = await asyncssh.listen(
        "127.0.0.1",
        port,
        server_factory=_Door,
        server_host_keys=[host_key],
        process_factory=applier,
        encoding=None,
        backlog=1000,
    )
    await listener.wait_closed()


def measured() -> Row:
    """All pushes at once."""
    with TemporaryDirectory() as folder:
        host, key = ensure_key(Path(folder) / "host"), ensure_key(Path(folder) / "client")
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = int(probe.getsockname()[1])
        boxes = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.slow_boxes", str(host), str(port)]
        )
        try:
            answers("127.0.0.1", port)
            targets = [
                Target(f"fw-{number:03}", "127.0.0.1", port, "root", public_line(host))
                for number in range(FIREWALLS)
            ]
            return pushed("shared-networks", targets, files(0), key, FIREWALLS)
        finally:
            boxes.terminate()
            boxes.wait(20)


def main(arguments: list[str]) -> None:
    if arguments:
        asyncio.run(serve(arguments[0], int(arguments[1])))
    else:
        shown(TITLE, [measured()])


if __name__ == "__main__":
    main(sys.argv[1:])
