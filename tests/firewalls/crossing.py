"""A firewall with real nftables between hosts, each a network namespace of this machine.

The kernel here has no VRF devices: a network is one interface of the firewall, so the rules of its
VRF's device are rewritten to it. All else is as rendered, and loaded by the applier.
"""

import ctypes
import os
import re
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from firewalls.configuration.plan import Facts, plan
from firewalls.configuration.render import render
from tests.stack import ROOT

T = TypeVar("T")
CLONE_NEWNET = 0x40000000
RULES = "/etc/nftables.conf"
DEVICES = {"shop": 3981, "storage": 3982, "outside": 104009}
ADDRESSES = {
    "shop": ("10.128.64.2/22", "10.128.64.7/22", "10.128.64.8/22"),
    "storage": ("10.128.0.100/22", "10.128.0.7/22"),
    "outside": ("203.0.113.3/24", "203.0.113.1/24", "198.51.100.8/32"),
}
LOAD = "from applier import rules; rules.load()"
PATIENCE = 0.4  # seconds for a packet between two namespaces


def possible() -> bool:
    """Whether network namespaces can be made here."""
    if os.geteuid() != 0:
        return False
    return subprocess.run(["unshare", "-n", "true"], check=False).returncode == 0


@dataclass
class Crossing:
    """The namespaces, and the folder that the applier takes for the firewall's."""

    folder: Path
    prefix: str = field(default_factory=lambda: f"sn{os.getpid()}")

    def name(self, host: str) -> str:
        return f"{self.prefix}-{host}"

    def run(self, host: str, *words: str) -> str:
        command = ["ip", "netns", "exec", self.name(host), *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def load(self, facts: Facts) -> None:
        """Have the applier load the rules of these facts, as it does in a push."""
        text = render(plan(facts))[RULES]
        path = self.folder / RULES.lstrip("/")
        path.parent.mkdir(exist_ok=True)
        path.write_text(re.sub(r'iifname "vrf(\d+)" oifname', r'iifname "vlan\1" oifname', text))
        code = f"import sys; sys.path.insert(0, {str(ROOT / 'firewalls/device')!r}); {LOAD}"
        self.run("fw", "env", f"APPLIER_ROOT={self.folder}", sys.executable, "-c", code)

    def within(self, host: str, act: Callable[[], T]) -> T:
        """Do something in the namespace of a host: a socket made there stays there."""

        def entered() -> T:
            with open(f"/run/netns/{self.name(host)}") as namespace:
                result = ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), CLONE_NEWNET)
            assert result == 0, ctypes.get_errno()
            return act()

        with ThreadPoolExecutor(1) as thread:
            return thread.submit(entered).result()

    def udp(self, host: str, address: str, port: int = 0) -> socket.socket:
        return self.within(host, lambda: _bound(socket.SOCK_DGRAM, address, port))

    def listener(self, host: str, address: str, port: int) -> socket.socket:
        listener = self.within(host, lambda: _bound(socket.SOCK_STREAM, address, port))
        listener.listen()
        return listener

    def connected(self, host: str, address: str, to: tuple[str, int]) -> socket.socket | None:
        """A connection from an address of a host, or none where nobody answers."""
        client = self.within(host, lambda: _bound(socket.SOCK_STREAM, address, 0))
        try:
            client.connect(to)
        except OSError:
            return None
        return client

    def pings(self, host: str, address: str) -> bool:
        """Whether an echo request (RFC 792) is answered."""
        raw = self.within(host, lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1))
        raw.settimeout(PATIENCE)
        number = os.urandom(2)
        words = (0x0800, int.from_bytes(number, "big"), 1)
        total = sum(words)
        checksum = 0xFFFF - (total & 0xFFFF) - (total >> 16)
        raw.sendto(struct.pack("!HHHH", words[0], checksum, *words[1:]), (address, 0))
        answer, sender = received(raw)
        return sender == address and answer[20] == 0 and answer[24:26] == number


def _bound(kind: socket.SocketKind, address: str, port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, kind)
    made.settimeout(PATIENCE)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((address, port))
    return made


def received(receiver: socket.socket) -> tuple[bytes, str]:
    """What comes next, and from whom; nothing where nothing comes."""
    try:
        content, sender = receiver.recvfrom(100)
    except TimeoutError:
        return b"", ""
    return content, sender[0] if sender else ""


@contextmanager
def crossing(folder: Path) -> Iterator[Crossing]:
    with ExitStack() as stack:
        ground = Crossing(folder)
        for host in ("fw", *DEVICES):
            subprocess.run(["ip", "netns", "add", ground.name(host)], check=True)
            remove = ["ip", "netns", "del", ground.name(host)]
            stack.callback(subprocess.run, remove, check=False)
            ground.run(host, "ip", "link", "set", "lo", "up")
        for host, number in DEVICES.items():
            _plug(ground, host, f"vlan{number}")
        ground.run("fw", "ip", "route", "add", "default", "via", "203.0.113.1")
        ground.run("outside", "ip", "route", "add", "10.128.64.0/22", "via", "203.0.113.3")
        ground.run("fw", "sysctl", "-qw", "net.ipv4.ip_forward=1")
        yield ground


def _plug(ground: Crossing, host: str, device: str) -> None:
    """A link between a host and the firewall, which is the host's way to everywhere."""
    own, *others = ADDRESSES[host]
    link = ["ip", "link", "add", device, "type", "veth", "peer", "eth0", "netns", ground.name(host)]
    ground.run("fw", *link)
    ground.run("fw", "ip", "address", "add", own, "dev", device)
    ground.run("fw", "ip", "link", "set", device, "up")
    for address in others:
        ground.run(host, "ip", "address", "add", address, "dev", "eth0")
    ground.run(host, "ip", "link", "set", "eth0", "up")
    ground.run(host, "ip", "route", "add", "default", "via", own.partition("/")[0])
