"""The topology as commands for the guest: namespaces, links, addresses, and the switches' VRFs."""

from collections.abc import Iterable, Iterator
from ipaddress import ip_address

from tests.lab.guest_machine import FIRST_SSH_PORT
from tests.lab.switch_frr import configuration
from tests.lab.topology import (
    FIREWALLS,
    HOSTS,
    INTERNET,
    LEAVES,
    SWITCHES,
    Numbers,
    Switch,
)

# A leaf's own address on every port of a machine; on a routed port nobody else sees it.
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
FIRST_VLAN = 1001


def management(number: int) -> str:
    """The management address of the firewall with this number."""
    return f"10.9.0.{number + 1}"


def script(numbers: Numbers) -> str:
    """Everything but what the firewalls do by themselves, as one shell script."""
    firewalls = [firewall.name for firewall in FIREWALLS]
    switches = [switch.name for switch in SWITCHES]
    machines = [(host.name, host.leaf, numbers.vrfs[host.network]) for host in HOSTS]
    machines.append(("internet", "exit", INTERNET[1]))
    nodes = [*switches, *(name for name, _, _ in machines)]
    lines = ["set -e"]
    lines += [f"ip netns add {name}" for name in (*nodes, *firewalls)]
    lines += [f"ip netns exec {name} sysctl -q -w {' '.join(SYSCTLS)} &" for name in nodes]
    lines.append("wait")
    lines += _batch("", _links(firewalls))
    for name in nodes:
        lines += _batch(name, ["link set lo up"])
    for switch in SWITCHES:
        lines += _switch(switch, numbers)
    for name, leaf, vrf in machines:
        lines += _machine(name, leaf, vrf, numbers.addresses[name])
    lines += _frr(numbers)
    lines.append(_forward_ssh(len(firewalls)))
    return "\n".join(lines)


def _batch(node: str, commands: Iterable[str], tool: str = "ip") -> list[str]:
    """Many commands by one process, for to start one is what takes time."""
    program = f"{tool} -n {node}" if node else tool
    return [f"{program} -batch - <<'END'", *commands, "END"]


def _links(firewalls: list[str]) -> Iterator[str]:
    """Cables between switches, from firewalls to leaves and management, from machines to a leaf."""
    for switch in SWITCHES:
        for other in switch.neighbours:
            if other in firewalls:
                yield _cable(switch.name, other, far_port=f"lan{LEAVES.index(switch.name)}")
            elif switch.name == "spine":
                yield _cable(switch.name, other, far_port="spine")
    for firewall in firewalls:
        yield (
            f"link add m-{firewall} master management up type veth peer name mgmt0 netns {firewall}"
        )
    for name, leaf in [*((host.name, host.leaf) for host in HOSTS), ("internet", "exit")]:
        yield f"link add {name} netns {leaf} type veth peer name eth0 netns {name}"


def _cable(switch: str, other: str, far_port: str) -> str:
    """A switch's port has the name of what it leads to."""
    return (
        f"link add {other} mtu {MTU} netns {switch}"
        f" type veth peer name {far_port} mtu {MTU} netns {other}"
    )


def _switch(switch: Switch, numbers: Numbers) -> Iterator[str]:
    """Loopback and fabric ports, and what each network needs."""
    commands = [f"address add {switch.loopback}/32 dev lo"]
    commands += [f"link set {port} up" for port in switch.neighbours]
    vlans: list[str] = []
    if switch.networks:
        options = "vlan_filtering 1 vlan_default_pvid 0"
        commands.append(f"link add bridge up mtu 9000 type bridge {options}")
    for vlan, network in enumerate(switch.networks, FIRST_VLAN):
        vrf = numbers.vrfs[network]
        commands += _vrf(switch, vrf, vlan)
        vlans += [
            f"vlan add dev vni{vrf} vid {vlan} pvid untagged",
            f"vlan add dev bridge vid {vlan} self",
        ]
    yield from _batch(switch.name, commands)
    if vlans:
        yield from _batch(switch.name, vlans, "bridge")


def _vrf(switch: Switch, vrf: int, vlan: int) -> list[str]:
    """A VRF, a VXLAN (VNI = VRF id) and the SVI that joins the two."""
    vxlan = f"type vxlan id {vrf} local {switch.loopback} dstport 4789 nolearning udpcsum"
    return [
        f"link add vrf{vrf} up type vrf table {vlan}",
        f"link add vni{vrf} mtu 9000 master bridge {vxlan}",
        f"link set vni{vrf} type bridge_slave learning off neigh_suppress on",
        f"link set vni{vrf} up",
        f"link add link bridge name vlan{vrf} mtu 9000 master vrf{vrf} up type vlan id {vlan}",
    ]


def _machine(name: str, switch: str, vrf: int, addresses: Iterable[str]) -> Iterator[str]:
    """A routed port: the machine has host addresses only, and the leaf a host route to each."""
    on_leaf = [f"link set {name} master vrf{vrf} up"]
    on_machine = ["link set eth0 up"]
    for address in addresses:
        version = ip_address(address).version
        host = f"{address}/{32 if version == 4 else 128}"
        gateway = GATEWAY[version]
        gateway_host = f"{gateway}/{32 if version == 4 else 128}"
        nodad = " nodad" if version == 6 else ""
        on_leaf.append(f"address add {gateway} peer {host} dev {name}{nodad}")
        on_machine += [
            f"address add {host} dev eth0{nodad}",
            f"route add {gateway_host} dev eth0",
            f"route add default via {gateway} dev eth0",
        ]
    yield from _batch(switch, on_leaf)
    yield from _batch(name, on_machine)


def _frr(numbers: Numbers) -> Iterator[str]:
    """Configure and start FRR on every switch."""
    for switch in SWITCHES:
        folder = f"/etc/frr/{switch.name}"
        yield f"mkdir -p {folder}\ncat >{folder}/frr.conf <<'END'"
        yield f"{configuration(switch, numbers)}END"
        yield f"cp /etc/frr/vtysh.conf {folder}/"
    yield "chown -R frr:frr /etc/frr"
    yield "mkdir -p /var/log/frr"
    yield "install -d -o frr -g frr /run/frr"
    for switch in SWITCHES:
        start = f"ip netns exec {switch.name} /lab/frr-start {switch.name}"
        yield f"{start} >/run/lab/{switch.name}.log 2>&1 &"
    yield "wait"


def _forward_ssh(firewalls: int) -> str:
    """A port of the guest for the sshd of each firewall."""
    rules = "\n".join(
        f"tcp dport {FIRST_SSH_PORT + number} dnat to {management(number)}:22"
        for number in range(firewalls)
    )
    return f"""nft -f - <<'END'
table ip management {{
chain prerouting {{
type nat hook prerouting priority dstnat;
{rules}
}}
}}
END"""
