"""The lab's partition: which nodes there are and how they are wired. README.md draws it."""

from collections.abc import Mapping
from dataclasses import dataclass

PARTITION = "lab"
UNDERLAY = "10.4.0.0/16"
SUPER = ("10.128.0.0/16", "2001:db8:128::/48")
MANAGEMENT = "10.0.2.0/24"  # where the host is, seen from the guest
ALL = ("0.0.0.0/0", "::/0")


@dataclass(frozen=True)
class Switch:
    """A switch of the fabric; `networks` are those that it has a VRF for."""

    name: str
    asn: int
    loopback: str
    neighbours: tuple[str, ...]
    networks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Network:
    """A private network of the partition."""

    name: str
    project: str
    versions: tuple[int, ...] = (4,)
    shared: bool = False


@dataclass(frozen=True)
class Host:
    """A machine: a network namespace behind a port of a leaf. It answers on all of `PORTS`."""

    name: str
    network: str
    leaf: str


@dataclass(frozen=True)
class Firewall:
    """A firewall on both leaves: a system of its own, reached by SSH."""

    name: str
    primary: str
    shared: tuple[str, ...] = ()
    externals: tuple[str, ...] = ()
    egress: tuple[int, ...] = ()


@dataclass(frozen=True)
class Endpoint:
    """A port of a firewall in a shared network that leads to a machine behind it."""

    firewall: str
    network: str
    port: int
    protocol: str
    machine: str
    target_port: int
    purpose: str


@dataclass(frozen=True)
class Numbers:
    """What the product has allocated: VRFs by network, addresses by machine, ASNs by firewall."""

    vrfs: Mapping[str, int]
    addresses: Mapping[str, tuple[str, ...]]
    asns: Mapping[str, int]


PRIVATE = ("shop", "web", "batch", "storage", "backup")
LEAVES = ("leaf1", "leaf2")
FIREWALL_NAMES = ("fw-shop", "fw-web", "fw-batch", "fw-backup", "fw-backup2")
SWITCHES = (
    Switch("spine", 4200000001, "10.4.255.1", ("leaf1", "leaf2", "exit")),
    Switch(
        "leaf1",
        4200000011,
        "10.4.255.11",
        ("spine", *FIREWALL_NAMES),
        PRIVATE,
    ),
    Switch(
        "leaf2",
        4200000012,
        "10.4.255.12",
        ("spine", *FIREWALL_NAMES),
        PRIVATE,
    ),
    Switch("exit", 4200000021, "10.4.255.21", ("spine",), ("internet",)),
)
NETWORKS = (
    Network("shop", "retail", (4, 6)),
    Network("web", "media"),
    Network("batch", "science"),
    Network("storage", "operations", (4, 6), shared=True),  # no firewall of its own
    Network("backup", "operations", shared=True),  # with two firewalls of its own
)
HOSTS = (
    Host("shop1", "shop", "leaf1"),
    Host("web1", "web", "leaf2"),
    Host("proxy", "web", "leaf1"),
    Host("batch1", "batch", "leaf2"),
    Host("storage1", "storage", "leaf2"),
    Host("backup1", "backup", "leaf1"),
)
FIREWALLS = (
    Firewall("fw-shop", "shop", ("storage",), ("internet",), egress=(80,)),
    Firewall("fw-web", "web", ("storage", "backup"), ("internet",), egress=(80,)),
    Firewall("fw-batch", "batch", ("storage", "backup")),
    Firewall("fw-backup", "backup", (), ("internet",), egress=(80,)),
    Firewall("fw-backup2", "backup", egress=(80,)),  # joins what scenario 25 takes
)
INTERNET = ("internet", 104009, ("203.0.113.0/24", "2001:db8:113::/64"))
INTERNET_HOST = ("198.51.100.8", "2001:db8:8::8")
ENDPOINTS = (
    Endpoint("fw-web", "storage", 3128, "tcp", "proxy", 3128, "http-proxy"),
    Endpoint("fw-web", "storage", 3128, "udp", "proxy", 80, "service"),  # for streams
)
PORTS = (80, 3128)


def with_internet(
    vrfs: Mapping[str, int], addresses: Mapping[str, tuple[str, ...]], asns: Mapping[str, int]
) -> Numbers:
    """The product's numbers, and those of the host that stands for the internet."""
    assert set(PRIVATE) <= set(vrfs)
    name, vrf, _ = INTERNET
    return Numbers({**vrfs, name: vrf}, {**addresses, name: INTERNET_HOST}, asns)
