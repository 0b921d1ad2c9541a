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
import time
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
IPV6 = {
    "shop": ("2001:db8:128:40::2/64", "2001:db8:128:40::7/64"),
    "storage": ("2001:db8:128::100/64", "2001:db8:128::7/64"),
    "outside": ("2001:db8:113::3/64", "2001:db8:113::1/64", "2001:db8:8::8/128"),
}
ECHO = {4: (1, 0x0800, 0, 20), 6: (58, 0x8000, 129, 0)}  # protocol, request, reply, bytes before it
LOAD = "from applier import rules; rules.load()"
NEIGHBOURS_SECONDS = 30
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
        path.write_text(re.sub(r'iifname "vrf(\d+)" oifname', r'iifname "bridge\1" oifname', text))
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
        """Whether an echo request (RFC 792, RFC 4443) is answered."""
        version = 6 if ":" in address else 4
        protocol, request, reply, start = ECHO[version]
        family = socket.AF_INET6 if version == 6 else socket.AF_INET
        raw = self.within(host, lambda: socket.socket(family, socket.SOCK_RAW, protocol))
        raw.settimeout(PATIENCE)
        number = os.urandom(2)
        total = request + int.from_bytes(number, "big") + 1
        checksum = 0xFFFF - (total & 0xFFFF) - (total >> 16)  # of ICMPv6, the kernel makes it
        raw.sendto(struct.pack("!HH2sH", request, checksum, number, 1), (address, 0))
        while (answer := received(raw)[0]) and answer[start] != reply:
            pass  # neighbour discovery, and its own request
        return bool(answer) and answer[start + 4 : start + 6] == number


def _bound(kind: socket.SocketKind, address: str, port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind)
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
            _plug(ground, host, f"bridge{number}")
        ground.run("fw", "ip", "route", "add", "default", "via", "203.0.113.1")
        ground.run("outside", "ip", "route", "add", "10.128.64.0/22", "via", "203.0.113.3")
        ground.run("fw", "ip", "route", "add", "default", "via", "2001:db8:113::1")
        settings = ("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
        ground.run("fw", "sysctl", "-qw", *settings)
        for host in DEVICES:
            _wait_for_neighbours(ground, host)
        yield ground


def _plug(ground: Crossing, host: str, device: str) -> None:
    """A link between a host and the firewall, which is the host's way to everywhere."""
    peer = ("type", "veth", "peer", "eth0", "netns", ground.name(host))
    ground.run("fw", "ip", "link", "add", device, *peer)
    for own, *others in (ADDRESSES[host], IPV6[host]):
        nodad = ["nodad"] if ":" in own else []
        ground.run("fw", "ip", "address", "add", own, "dev", device, *nodad)
        ground.run("fw", "ip", "link", "set", device, "up")
        for address in others:
            ground.run(host, "ip", "address", "add", address, "dev", "eth0", *nodad)
        ground.run(host, "ip", "link", "set", "eth0", "up")
        ground.run(host, "ip", "route", "add", "default", "via", own.partition("/")[0])


def _wait_for_neighbours(ground: Crossing, host: str) -> None:
    """An interface finds its neighbours in IPv6 a second after it came up."""
    deadline = time.monotonic() + NEIGHBOURS_SECONDS
    for own, address, *_ in (ADDRESSES[host], IPV6[host]):
        for here, there in ((host, own), ("fw", address)):
            while not ground.pings(here, there.partition("/")[0]):
                assert time.monotonic() < deadline, f"{there} is not found by {here}"
