"""FRR's configuration of a switch: BGP unnumbered, EVPN, and a VRF per network."""

from collections.abc import Iterator, Mapping

from tests.lab.topology import FIREWALLS, LEAVES, Numbers, Switch


def configuration(switch: Switch, numbers: Numbers) -> str:
    """The switch's frr.conf. Its VRFs announce the machines' host routes."""
    vrfs = sorted(numbers.vrfs[network] for network in switch.networks)
    return "".join(
        [
            _header(switch),
            *(_vni(vrf) for vrf in vrfs),
            *(_port(port) for port in switch.neighbours),
            _fabric(switch, evpn=bool(vrfs)),
            *(_vrf(switch, vrf) for vrf in vrfs),
            *_import_filters(switch, numbers.asns),
            "route-map LOOPBACKS permit 10\n match interface lo\nexit\n!\n",
        ]
    )


def _header(switch: Switch) -> str:
    return f"""\
frr version 8.4.4
frr defaults datacenter
hostname {switch.name}
service integrated-vtysh-config
!
"""


def _vni(vrf: int) -> str:
    return f"""\
vrf vrf{vrf}
 vni {vrf}
exit-vrf
!
"""


def _port(port: str) -> str:
    return f"""\
interface {port}
 ipv6 nd ra-interval 6
 no ipv6 nd suppress-ra
exit
!
"""


def _fabric(switch: Switch, evpn: bool) -> str:
    """The sessions with all neighbours, in the underlay and for EVPN."""
    neighbours = "".join(
        f" neighbor {port} interface peer-group FABRIC\n" for port in switch.neighbours
    )
    filters = "".join(
        f"  neighbor {port} route-map FROM-{port} in\n"
        for port in switch.neighbours
        if _is_filtered(switch, port)
    )
    # allowas-in: a default route comes back from a firewall with the leaf's own number in its path.
    return f"""\
router bgp {switch.asn}
 bgp router-id {switch.loopback}
 bgp bestpath as-path multipath-relax
 neighbor FABRIC peer-group
 neighbor FABRIC remote-as external
 neighbor FABRIC timers 3 30
 neighbor FABRIC timers connect 2
{neighbours}\
 address-family ipv4 unicast
  redistribute connected route-map LOOPBACKS
 exit-address-family
 address-family l2vpn evpn
  neighbor FABRIC activate
  neighbor FABRIC allowas-in 2
{filters}\
{"  advertise-all-vni" + chr(10) if evpn else ""}\
 exit-address-family
exit
!
"""


def _vrf(switch: Switch, vrf: int) -> str:
    originate = "  default-originate ipv4\n  default-originate ipv6\n"
    return f"""\
router bgp {switch.asn} vrf vrf{vrf}
 bgp router-id {switch.loopback}
 bgp bestpath as-path multipath-relax
 address-family ipv4 unicast
  redistribute connected
 exit-address-family
 address-family ipv6 unicast
  redistribute connected
 exit-address-family
 address-family l2vpn evpn
  advertise ipv4 unicast
  advertise ipv6 unicast
{originate if switch.name == "exit" else ""}\
 exit-address-family
exit
!
"""


def _is_filtered(switch: Switch, port: str) -> bool:
    """Whether this is a leaf's port on which a firewall's routes come in."""
    return switch.name in LEAVES and port in ("spine", *(firewall.name for firewall in FIREWALLS))


def _import_filters(switch: Switch, asns: Mapping[str, int]) -> Iterator[str]:
    """A leaf learns a firewall's routes from that firewall alone, and from it no others.

    Then no better path to a next hop ever appears at a leaf, whose FRR would forget the next hop
    (FRR issue 12391); what is tried is how the product's firewalls bear it. The route target says
    whose route it is: half of it is the low half of an AS number. Next hops cannot be matched in
    EVPN's routes.
    """
    for port in switch.neighbours:
        if not _is_filtered(switch, port):
            continue
        from_firewalls = port == "spine"
        own = [asn & 0xFFFF for name, asn in sorted(asns.items()) if name == port or from_firewalls]
        for place, half in enumerate(own, 1):
            yield (f"bgp extcommunity-list expanded OF-{port} seq {5 * place} permit RT:{half}:\n")
        action = "deny" if from_firewalls else "permit"
        yield f"!\nroute-map FROM-{port} {action} 10\n match extcommunity OF-{port}\nexit\n!\n"
        if from_firewalls:
            yield f"route-map FROM-{port} permit 20\nexit\n!\n"
