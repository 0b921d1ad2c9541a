"""The topology as commands for the guest: namespaces, links, addresses, the switches' VRFs, VXLANs and FRR."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from tests.lab.topology import (
    FIREWALLS,
    HOSTS,
    INTERNET,
    INTERNET_HOST,
    LEAVES,
    PRIVATE,
    SWITCHES,
    Switch,
)

# A leaf's own address on every port of a machine: on a routed port it is nobody else's business.
GATEWAY = {4: "169.254.0.1", 6: "fd00::1"}
SYSCTLS = (
    "net.ipv4.ip_forward=1",
    "net.ipv6.conf.all.forwarding=1",
    "net.ipv6.conf.default.forwarding=1",
    "net.ipv6.conf.default.accept_dad=0",
    "net.ipv6.conf.all.accept_dad=0",
    "net.ipv4.fib_multipath_hash_policy=1",
    "net.ipv4.conf.all.rp_filter=0",
    "net.ipv4.conf.default.rp_filter=0",
    "net.ipv4.tcp_l3mdev_accept=0",
)
MTU = 9216


@dataclass(frozen=True)
class Numbers:
    """What the product has decided: the VRF of each network, the addresses of each machine, the AS number of each firewall."""

    vrfs: Mapping[str, int]
    addresses: Mapping[str, tuple[str, ...]]
    asns: Mapping[str, int]


def management(number: int) -> str:
    """The management address of the firewall with this number."""
    return f"10.9.0.{number + 1}"


def script(numbers: Numbers) -> str:
    """Everything but the firewalls' own doing, as one shell script."""
    nodes = [*(switch.name for switch in SWITCHES), *(host.name for host in HOSTS), "internet"]
    boxes = [firewall.name for firewall in FIREWALLS]
    lines = [f"ip netns add {name}" for name in (*nodes, *boxes)]
    lines += [f"ip netns exec {name} sysctl -q -w {' '.join(SYSCTLS)} &" for name in nodes] + [
        "wait"
    ]
    lines += _batch("", _links(boxes))
    for name in nodes:
        lines += _batch(name, ["link set lo up"])
    for switch in SWITCHES:
        lines += _switch(switch, numbers)
    for name, leaf, vrf in [
        (host.name, host.leaf, numbers.vrfs[host.network]) for host in HOSTS
    ] + [("internet", "exit", INTERNET[1])]:
        lines += _machine(name, leaf, vrf, numbers.addresses[name])
    lines += [
        f"mkdir -p /etc/frr/{switch.name}\ncat >/etc/frr/{switch.name}/frr.conf <<'END'\n{frr(switch, numbers)}END"
        for switch in SWITCHES
    ]
    lines += [f"cp /etc/frr/vtysh.conf /etc/frr/{switch.name}/" for switch in SWITCHES] + [
        "chown -R frr:frr /etc/frr; mkdir -p /var/log/frr; install -d -o frr -g frr /run/frr"
    ]
    lines += [
        f"ip netns exec {switch.name} /lab/frr-start {switch.name} >/run/lab/{switch.name}.log 2>&1 &"
        for switch in SWITCHES
    ]
    return "\n".join(["set -e", *lines, "wait", _nat(boxes)])


def _batch(node: str, commands: Iterable[str], tool: str = "ip") -> list[str]:
    return [f"{tool} {f'-n {node} ' if node else ''}-batch - <<'END'", *commands, "END"]


def _links(boxes: list[str]) -> Iterator[str]:
    """Cables between switches, from firewalls to both leaves and to the management bridge, from machines to their leaf."""
    for switch in SWITCHES:
        for other in switch.neighbours:
            if other in boxes:
                uplink = f"lan{LEAVES.index(switch.name)}"
                yield f"link add {other} mtu {MTU} netns {switch.name} type veth peer name {uplink} mtu {MTU} netns {other}"
            elif switch.name == "spine":
                yield f"link add {other} mtu {MTU} netns {switch.name} type veth peer name spine mtu {MTU} netns {other}"
    for box in boxes:
        yield f"link add m-{box} master management up type veth peer name mgmt0 netns {box}"
    for name, leaf in [(host.name, host.leaf) for host in HOSTS] + [("internet", "exit")]:
        yield f"link add {name} netns {leaf} type veth peer name eth0 netns {name}"


def _switch(switch: Switch, numbers: Numbers) -> Iterator[str]:
    """Loopback and fabric ports; per network a VRF, a VXLAN (VNI = VRF id) and the SVI that joins the two."""
    commands = [
        f"address add {switch.loopback}/32 dev lo",
        *(f"link set {port} up" for port in switch.neighbours),
    ]
    vlans = []
    if switch.networks:
        commands.append(
            "link add bridge up mtu 9000 type bridge vlan_filtering 1 vlan_default_pvid 0"
        )
    for vlan, network in enumerate(switch.networks, 1001):
        vrf = numbers.vrfs[network]
        commands += [
            f"link add vrf{vrf} up type vrf table {vlan}",
            f"link add vni{vrf} mtu 9000 master bridge type vxlan id {vrf} local {switch.loopback} dstport 4789 nolearning udpcsum",
            f"link set vni{vrf} type bridge_slave learning off neigh_suppress on",
            f"link set vni{vrf} up",
            f"link add link bridge name vlan{vrf} mtu 9000 master vrf{vrf} up type vlan id {vlan}",
        ]
        vlans += [
            f"vlan add dev vni{vrf} vid {vlan} pvid untagged",
            f"vlan add dev bridge vid {vlan} self",
        ]
    yield from _batch(switch.name, commands)
    if vlans:
        yield from _batch(switch.name, vlans, "bridge")


def _machine(name: str, switch: str, vrf: int, addresses: Iterable[str]) -> Iterator[str]:
    """A routed port: the machine has host addresses only, the leaf a host route to each, which BGP takes along."""
    port, own = [f"link set {name} master vrf{vrf} up"], ["link set eth0 up"]
    for address in addresses:
        version, bits = (6, 128) if isinstance(ip_address(address), IPv6Address) else (4, 32)
        gateway = GATEWAY[version]
        port.append(
            f"address add {gateway} peer {address}/{bits} dev {name}{' nodad' if version == 6 else ''}"
        )
        own += [
            f"address add {address}/{bits} dev eth0{' nodad' if version == 6 else ''}",
            f"route add {gateway}/{bits} dev eth0",
            f"route add default via {gateway} dev eth0",
        ]
    yield from _batch(switch, port)
    yield from _batch(name, own)


def _nat(boxes: list[str]) -> str:
    """A port of the guest for the sshd of each firewall."""
    rules = [
        f"tcp dport {2201 + number} dnat to {management(number)}:22" for number in range(len(boxes))
    ]
    chain = "\n".join(["type nat hook prerouting priority dstnat;", *rules])
    return f"nft -f - <<'END'\ntable ip management {{\nchain prerouting {{\n{chain}\n}}\n}}\nEND"


def frr(switch: Switch, numbers: Numbers) -> str:
    """A switch of the fabric: BGP unnumbered, EVPN, and a VRF per network with the machines' host routes."""
    vrfs = sorted(numbers.vrfs[network] for network in switch.networks)
    lines = [
        "frr version 8.4.4",
        "frr defaults datacenter",
        f"hostname {switch.name}",
        "service integrated-vtysh-config",
        "!",
    ]
    for vrf in vrfs:
        lines += [f"vrf vrf{vrf}", f" vni {vrf}", "exit-vrf", "!"]
    for port in switch.neighbours:
        lines += [
            f"interface {port}",
            " ipv6 nd ra-interval 6",
            " no ipv6 nd suppress-ra",
            "exit",
            "!",
        ]
    lines += [
        f"router bgp {switch.asn}",
        f" bgp router-id {switch.loopback}",
        " bgp bestpath as-path multipath-relax",
    ]
    lines += [
        " neighbor FABRIC peer-group",
        " neighbor FABRIC remote-as external",
        " neighbor FABRIC timers 3 30",
    ]
    lines += [
        " neighbor FABRIC timers connect 2",
        *(f" neighbor {port} interface peer-group FABRIC" for port in switch.neighbours),
    ]
    lines += [
        " address-family ipv4 unicast",
        "  redistribute connected route-map LOOPBACKS",
        " exit-address-family",
    ]
    # A default route comes back from a firewall with the leaf's own number in its path.
    lines += [
        " address-family l2vpn evpn",
        "  neighbor FABRIC activate",
        "  neighbor FABRIC allowas-in 2",
    ]
    lines += [
        f"  neighbor {port} route-map FROM-{port} in"
        for port in switch.neighbours
        if _hears(switch, port)
    ]
    lines += [*(["  advertise-all-vni"] if vrfs else []), " exit-address-family", "exit", "!"]
    for vrf in vrfs:
        lines += [
            f"router bgp {switch.asn} vrf vrf{vrf}",
            f" bgp router-id {switch.loopback}",
            " bgp bestpath as-path multipath-relax",
        ]
        for version in (4, 6):
            lines += [
                f" address-family ipv{version} unicast",
                "  redistribute connected",
                " exit-address-family",
            ]
        lines += [
            " address-family l2vpn evpn",
            "  advertise ipv4 unicast",
            "  advertise ipv6 unicast",
        ]
        lines += (
            ["  default-originate ipv4", "  default-originate ipv6"]
            if switch.name == "exit"
            else []
        )
        lines += [" exit-address-family", "exit", "!"]
    lines += _only_itself(switch, numbers.asns)
    return "\n".join(
        [*lines, "route-map LOOPBACKS permit 10", " match interface lo", "exit", "!", ""]
    )


def _hears(switch: Switch, port: str) -> bool:
    """Whether this is a leaf, which hears of a firewall's routes there."""
    return switch.name in LEAVES and port in ("spine", *(firewall.name for firewall in FIREWALLS))


def _only_itself(switch: Switch, asns: Mapping[str, int]) -> Iterator[str]:
    """A leaf hears of a firewall's routes from that firewall alone, and from it of no others.

    Then no better path to a next hop ever appears at a leaf, whose FRR would forget the next hop (FRR issue 12391); what is tried
    is how the product's firewalls bear it. Whose route it is tells the route target, half of which is the low half of an AS number;
    next hops are not compared in the routes of EVPN.
    """
    for port in (port for port in switch.neighbours if _hears(switch, port)):
        named = [asn & 0xFFFF for name, asn in sorted(asns.items()) if port in (name, "spine")]
        yield from (
            f"bgp extcommunity-list expanded OF-{port} seq {5 * place} permit RT:{half}:"
            for place, half in enumerate(named, 1)
        )
        action = "deny" if port == "spine" else "permit"
        yield from (
            "!",
            f"route-map FROM-{port} {action} 10",
            f" match extcommunity OF-{port}",
            "exit",
            "!",
        )
        if port == "spine":
            yield from (f"route-map FROM-{port} permit 20", "exit", "!")


def with_internet(
    vrfs: Mapping[str, int], addresses: Mapping[str, tuple[str, ...]], asns: Mapping[str, int]
) -> Numbers:
    """The product's numbers, and those of the host that stands for the internet."""
    assert set(PRIVATE) <= set(vrfs)
    return Numbers(
        dict(vrfs) | {"internet": INTERNET[1]},
        dict(addresses) | {"internet": INTERNET_HOST},
        dict(asns),
    )
