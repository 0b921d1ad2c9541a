"""The whole lab at work: the guest, the product, the partition in both, all firewalls pushed."""

import base64
import socket
import sys
import time
from collections.abc import Callable, Iterator
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
from tests.lab.guest_machine import PROCESSORS, Files, Guest, GuestError, guest
from tests.lab.image import image
from tests.lab.rest import Rest
from tests.lab.topology import Numbers
from tests.lab.wiring import management, script

USER = "shared-networks"
SETTLE_SECONDS = 1200
IS_UP = ("running", "degraded")  # what systemd calls a system that has started all it starts


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
        if network:
            addresses = rest.addresses_in(self.rest, name, network)
        else:
            addresses = list(self.numbers.addresses[name])
        return next(address for address in addresses if (":" in address) == (version == 6))


@dataclass
class Clock:
    """Prints how long each part took, and what the guest has cost this machine's processor."""

    seconds: dict[str, float] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)
    guest: Guest | None = None

    def took(self, part: str) -> None:
        """This part ends here, and the next one begins."""
        now = time.monotonic()
        self.seconds[part] = round(now - self.began, 1)
        self.began = now
        cost = ""
        if self.guest:
            times = psutil.Process(self.guest.process.pid).cpu_times()
            cost = f" (guest: {times.user + times.system:.0f} s of processor so far)"
        print(f"lab: {part} took {self.seconds[part]} s{cost}", file=sys.stderr, flush=True)


@contextmanager
def lab(folder: Path, var: Path, **environment: str) -> Iterator[Lab]:
    """Start everything, and end it when the block ends.

    The product starts while the image is built, and the guest boots while the product allocates;
    then come the pushes.
    """
    clock = Clock()
    folder.mkdir(parents=True, exist_ok=True)
    key = public_line(ensure_key(var / "ssh" / "id_ed25519"))
    host_keys = {
        firewall.name: ensure_key(folder / "keys" / firewall.name)
        for firewall in topology.FIREWALLS
    }
    delivered = {
        name: delivered_files(name, number, host_keys[name])
        for number, name in enumerate(host_keys)
    }
    with _starting(folder, var, DEMO="none", **environment) as product:
        built = image()
        clock.took("image")
        with guest(built, folder, delivered) as machine:
            clock.guest = machine
            product.wait()
            clock.took(f"product (guest under {machine.accelerator})")
            api = Rest(product.url, product.manage("create_token", "lab", "--role", "admin"))
            rest.allocate(api, _managed_at(machine, host_keys))
            running = Lab(machine, product, api, rest.numbers(api), folder, clock)
            clock.took("allocation")
            machine.wait()
            clock.took("boot")
            _wire(running, key)
            clock.took("wiring")
            rest.push(api, host_keys)
            clock.took("push")
            yield running


@contextmanager
def _starting(folder: Path, var: Path, **environment: str) -> Iterator[stack.Stack]:
    """The product, which may not be ready yet. Stops it at the end, and keeps what it printed."""
    with stack.started(var, **environment) as product:
        try:
            yield product
        finally:
            ended = f"(ended: {product.process.poll()})"
            (folder / "product.log").write_text("\n".join([*product.output, ended, ""]))


def delivered_files(name: str, number: int, host_key: Path) -> Files:
    """What a firewall comes with: a name, a host key, a management interface, and a list of who
    may log in, as images for bare metal have one. All else is as Debian's packages leave it.
    """
    management_unit = f"""\
[Match]
Name=mgmt0
[Network]
Address={management(number)}/24
LinkLocalAddressing=no
[Route]
Destination={topology.MANAGEMENT}
Gateway=10.9.0.254
"""
    return {
        "etc/hostname": (f"{name}\n", 0o644),
        "etc/machine-id": (f"{number + 1:032x}\n", 0o444),
        "etc/ssh/ssh_host_ed25519_key": (host_key.read_text(), 0o600),
        "etc/ssh/ssh_host_ed25519_key.pub": (host_key.with_suffix(".pub").read_text(), 0o644),
        "etc/systemd/network/05-management.network": (management_unit, 0o644),
        "etc/ssh/sshd_config.d/metal.conf": ("AllowUsers metal\n", 0o644),
    }


def _managed_at(machine: Guest, host_keys: dict[str, Path]) -> dict[str, dict[str, Any]]:
    """Where the SSH of each firewall answers, as the product wants to know it."""
    return {
        name: {
            "host": "127.0.0.1",
            "port": machine.ssh[name],
            "user": USER,
            "host_key": public_line(host_key),
        }
        for name, host_key in host_keys.items()
    }


def _wire(running: Lab, key: str) -> None:
    """Switches and machines, and the firewalls, each set up as an operator does it."""
    names = [firewall.name for firewall in topology.FIREWALLS]
    machine = running.guest
    machine.run(script(running.numbers), seconds=SETTLE_SECONDS)
    start = "\n".join(f"bash /run/lab/firewall start {name}" for name in names)
    machine.run(start, seconds=SETTLE_SECONDS)
    servers = [*(host.name for host in topology.HOSTS), "internet"]
    machine.request("listen", nodes=servers, ports=topology.PORTS)
    with ThreadPoolExecutor(PROCESSORS) as pool:
        list(pool.map(lambda name: set_up(running, name, key), names))
    for name in names:
        wait_until_up(running, name)


def set_up(running: Lab, name: str, key: str = "") -> None:
    """Set a firewall up with the applier's `install`, inside it; without a key, update it."""
    wait_until(lambda: _has_started(running, name), SETTLE_SECONDS)
    program = f"/root/{applier_file.NAME}"
    content = base64.b64encode(applier_file.content()).decode()
    running.guest.write(f"/run/firewalls/{name}/root{program}.base64", content)
    running.guest.run(
        f"base64 -d {program}.base64 >{program} && python3 {program} install '{key}'",
        firewall=name,
        seconds=SETTLE_SECONDS,
    )


def _has_started(running: Lab, name: str) -> bool:
    """Whether it has started all that it starts.

    Waits inside, for to ask again and again would start a program each time.
    """
    command = "systemctl is-system-running --wait"
    return running.guest.run(command, firewall=name, check=False).strip() in IS_UP


def wait_until_up(running: Lab, name: str) -> None:
    """Wait until the firewall has started all that it starts, and its sshd answers."""
    try:
        wait_until(lambda: ssh_answers(running.guest.ssh[name]), SETTLE_SECONDS)
        wait_until(lambda: _has_started(running, name), SETTLE_SECONDS)
    except (OSError, AssertionError) as problem:
        log = running.guest.run(f"tail -c 2000 /run/lab/{name}.log", check=False)
        console = running.guest.end_of_console()
        raise GuestError(
            f"{name} did not come up ({problem}):\n{log}\nThe guest's console:\n{console}"
        ) from problem


def ssh_answers(port: int) -> bool:
    """Whether an sshd answers there."""
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        return connection.recv(4) == b"SSH-"


def wait_until(condition: Callable[[], object], seconds: float) -> None:
    """Ask again until the condition is true and raises nothing.

    After so many seconds what it raised last is raised, or an AssertionError.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            if condition():
                return
            problem: Exception = AssertionError("it did not become true")
        except (OSError, AssertionError) as error:
            problem = error
        if time.monotonic() > deadline:
            raise problem
        time.sleep(0.5)
