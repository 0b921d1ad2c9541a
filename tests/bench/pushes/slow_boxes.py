"""Two hundred firewalls of five seconds each, all at once: what is left is the sender's work.

    python -m tests.bench.pushes.slow_boxes               BENCH_FIREWALLS (200)

These firewalls only wait: another process plays them all over real SSH and reports the steps of an
applier that is in no hurry. As many real ones would share this machine's processors with the
sender, and measure themselves.
"""

import asyncio
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncssh

from firewalls.device.keys import ensure_key, public_line
from firewalls.device.transport import Target
from tests.bench.pushes.measuring import FIREWALLS, Row, configuration, print_rows, push_to_all
from tests.firewalls.boxes import answers
from tests.stack import free_port

SECONDS = 5.0
TITLE = "push to boxes that take 5 s each, all at once"
STEPS = [
    "lock",
    "version",
    "unpack",
    "check-nftables",
    "check-frr",
    "check-system",
    "save",
    "arm-rollback",
    "write",
    "load-system",
    "load-nftables",
    "load-frr",
    "take-down",
    "verify",
    "check-bgp",
    "check-next-hops",
    "check-routes",
    "probe",
]


async def play_applier(process: "asyncssh.SSHServerProcess[bytes]") -> None:
    """Answer one command as the applier does."""
    write = process.stdout.write
    command = (process.command or "").split()
    if command[:1] == ["apply"]:
        await process.stdin.read()
        write(b"begin\ttoken\t60\t\n")
        for step in STEPS:
            write(f"step\t{step}\trunning\t\t\n".encode())
            await asyncio.sleep(SECONDS / len(STEPS))
            write(f"step\t{step}\tok\t\t\n".encode())
        write(b"done\tapplied\ttoken\t\n")
    elif command[:1] == ["survey"]:
        write(b"end\n")
    else:
        write(b"confirmed\n")
    process.exit(0)


class _AnyKey(asyncssh.SSHServer):
    """Lets in whoever has a key."""

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return True


async def serve(host_key: str, port: int) -> None:
    listener = await asyncssh.listen(
        "127.0.0.1",
        port,
        server_factory=_AnyKey,
        server_host_keys=[host_key],
        process_factory=play_applier,
        encoding=None,
        backlog=1000,
        gss_host=None,
    )
    await listener.wait_closed()


def measured() -> Row:
    """All pushes at once."""
    with TemporaryDirectory() as folder:
        host_key = ensure_key(Path(folder) / "host")
        key = ensure_key(Path(folder) / "client")
        port = free_port()
        command = [sys.executable, "-m", "tests.bench.pushes.slow_boxes", str(host_key), str(port)]
        boxes = subprocess.Popen(command)
        try:
            answers("127.0.0.1", port)
            targets = [
                Target(f"fw-{number:03}", "127.0.0.1", port, "root", public_line(host_key))
                for number in range(FIREWALLS)
            ]
            return push_to_all("shared-networks", targets, configuration(0), key, FIREWALLS)
        finally:
            boxes.terminate()
            boxes.wait(20)


def main(arguments: list[str]) -> None:
    if arguments:
        asyncio.run(serve(arguments[0], int(arguments[1])))
    else:
        print_rows(TITLE, [measured()])


if __name__ == "__main__":
    main(sys.argv[1:])
