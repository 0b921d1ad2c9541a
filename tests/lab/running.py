"""The whole lab at work: the guest, the product, the partition in both, and every firewall's configuration pushed."""

import base64
import socket
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from firewalls.device import applier_file
from firewalls.device.keys import ensure_key, public_line
from tests import stack
from tests.lab import rest, topology
from tests.lab.guest_machine import PROCESSORS, Guest, GuestError, guest
from tests.lab.image import image
from tests.lab.rest import Rest
from tests.lab.wiring import Numbers, management, script

USER = "shared-networks"
SETTLE_SECONDS = 1200


@dataclass
class Lab:
    """A running lab; `folder` keeps what a run leaves for reading."""

    guest: Guest
    stack: stack.Stack
    rest: Rest
    numbers: Numbers
    folder: Path
    clock: "Clock"

    def address(self, name: str, network: str = "", version: int = 4) -> str:
        """The address of a machine, or of a firewall in a network."""
        found = (
            rest.addresses_in(self.rest, name, network)
            if network
            else list(self.numbers.addresses[name])
        )
        return next(one for one in found if (":" in one) == (version == 6))


@dataclass
class Clock:
    """Tells how long each part took, and what the guest has cost this machine's processor."""

    seconds: dict[str, float] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)
    guest: Guest | None = None

    def took(self, what: str) -> None:
        self.seconds[what] = round(time.monotonic() - self.began, 1)
        self.began = time.monotonic()
        cost = (
            f" (guest: {sum(psutil.Process(self.guest.process.pid).cpu_times()[:2]):.0f} s of processor so far)"
            if self.guest
            else ""
        )
        print(f"lab: {what} took {self.seconds[what]} s{cost}", file=sys.stderr, flush=True)


@contextmanager
def lab(folder: Path, var: Path, **environment: str) -> Iterator[Lab]:
    """Bring it all up: the product starts while the image is built, the guest boots while the product allocates; then the pushes."""
    clock = Clock()
    folder.mkdir(parents=True, exist_ok=True)
    key = public_line(ensure_key(var / "ssh" / "id_ed25519"))
    hosts = {
        firewall.name: ensure_key(folder / "keys" / firewall.name)
        for firewall in topology.FIREWALLS
    }
    boxes = {name: delivered(name, number, hosts[name]) for number, name in enumerate(hosts)}
    with _starting(folder, var, DEMO="none", **environment) as product:
        built = image()
        clock.took("image")
        with guest(built, folder, boxes) as machine:
            clock.guest = machine
            product.wait()
            clock.took(f"product (guest under {machine.accelerator})")
            api = Rest(product.url, product.manage("create_token", "lab", "--role", "admin"))
            where = {
                name: {
                    "host": "127.0.0.1",
                    "port": machine.ssh[name],
                    "user": USER,
                    "host_key": public_line(hosts[name]),
                }
                for name in hosts
            }
            rest.allocate(api, where)
            running = Lab(machine, product, api, rest.numbers(api), folder, clock)
            clock.took("allocation")
            machine.wait()
            clock.took("boot")
            _wire(running, key)
            clock.took("wiring")
            rest.push(api, hosts)
            clock.took("push")
            yield running


@contextmanager
def _starting(folder: Path, var: Path, **environment: str) -> Iterator[stack.Stack]:
    """The product, which may not be ready yet. Stops it at the end, and keeps what it said."""
    with stack.started(var, **environment) as product:
        try:
            yield product
        finally:
            (folder / "product.log").write_text(
                "\n".join([*product.said, f"(ended: {product.process.poll()})", ""])
            )


def delivered(name: str, number: int, host_key: Path) -> dict[str, tuple[str, int]]:
    """What a firewall comes with: a name, a host key, a management interface and the product's applier."""
    unit = (
        f"[Match]\nName=mgmt0\n[Network]\nAddress={management(number)}/24\nLinkLocalAddressing=no\n"
    )
    unit += f"[Route]\nDestination={topology.MANAGEMENT}\nGateway=10.9.0.254\n"
    return {
        "etc/hostname": (f"{name}\n", 0o644),
        "etc/machine-id": (f"{number + 1:032x}\n", 0o444),
        "etc/ssh/ssh_host_ed25519_key": (host_key.read_text(), 0o600),
        "etc/ssh/ssh_host_ed25519_key.pub": (host_key.with_suffix(".pub").read_text(), 0o644),
        "etc/systemd/network/05-management.network": (unit, 0o644),
        "etc/nftables.conf": ("flush ruleset\n", 0o640),
    }


def _wire(running: Lab, key: str) -> None:
    """Switches and machines, then the firewalls. What they share is set up as an operator does it, with the one command."""
    names = [firewall.name for firewall in topology.FIREWALLS]
    program = f"/root/{applier_file.NAME}"
    running.guest.write(f"{program}.base64", base64.b64encode(applier_file.content()).decode())
    with ThreadPoolExecutor(PROCESSORS) as pool:
        install = f"base64 -d {program}.base64 >{program} && python3 {program} install '{key}'"
        parts = install, script(running.numbers)
        list(pool.map(lambda part: running.guest.run(part, seconds=SETTLE_SECONDS), parts))
    running.guest.run(
        "\n".join(f"bash /run/lab/box start {name}" for name in names), seconds=SETTLE_SECONDS
    )
    running.guest.ask(
        "listen", nodes=[*(host.name for host in topology.HOSTS), "internet"], ports=topology.PORTS
    )
    for name in names:
        up(running, name)


def up(running: Lab, name: str) -> None:
    """Wait until the firewall has started all that it starts, and its sshd answers."""
    started = "systemctl is-system-running --wait"  # asks once, where asking again and again starts a program each time
    try:
        wait(lambda: greets(running.guest.ssh[name]), SETTLE_SECONDS)
        wait(
            lambda: (
                running.guest.run(started, box=name, check=False).strip() in ("running", "degraded")
            ),
            SETTLE_SECONDS,
        )
    except (OSError, AssertionError) as problem:
        log = running.guest.run(f"tail -c 2000 /run/lab/{name}.log", check=False)
        raise GuestError(
            f"{name} did not come up ({problem}):\n{log}\nThe guest's console:\n{running.guest.said()}"
        ) from problem


def greets(port: int) -> bool:
    """Whether an sshd answers there."""
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        return connection.recv(4) == b"SSH-"


def wait(true: Any, seconds: float) -> Any:
    """Ask again until it is true and raises nothing; after so many seconds the last word counts."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if answer := true():
                return answer
            problem: Exception = AssertionError("it did not become true")
        except (OSError, AssertionError) as error:
            problem = error
        if time.monotonic() > deadline:
            raise problem
        time.sleep(0.5)
