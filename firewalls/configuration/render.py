"""A plan as text: the templates are the configurations with holes.

The same plan always gives the same bytes.
"""

import hashlib
from collections.abc import Mapping
from functools import cache, lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from firewalls.configuration.plan import Plan
from firewalls.configuration.values import REMEMBERED

# autoescape off: this is no HTML. What goes into the holes are numbers, networks, and text that
# one_line() or word() made safe.
_templates = Environment(
    loader=PackageLoader("firewalls.configuration", "jinja"),
    undefined=StrictUndefined,
    autoescape=False,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
UNITS = "/etc/systemd/network"
ONCE = {
    "/etc/frr/frr.conf": "frr.conf.j2",
    "/etc/nftables.conf": "nftables.conf.j2",
    "/etc/shared-networks/closed.nft": "closed.nft.j2",
    "/etc/hostname": "hostname.j2",
    "/etc/modules-load.d/shared-networks.conf": "modules.conf.j2",
    "/etc/sysctl.d/90-shared-networks.conf": "sysctl.conf.j2",
    "/etc/systemd/resolved.conf.d/shared-networks.conf": "resolved.conf.j2",
    "/etc/systemd/timesyncd.conf.d/shared-networks.conf": "timesyncd.conf.j2",
    f"{UNITS}/00-sn-lo.network": "lo.network.j2",
}
# Of each network: what depends on the network alone, and what on the firewall's place in it too.
PER_NETWORK = {
    f"{UNITS}/30-sn-{device}{{}}.{kind}": f"{device}.{kind}.j2"
    for device, kind in (("vrf", "netdev"), ("vni", "network"))
}
PER_VRF = {
    f"{UNITS}/30-sn-{device}{{}}.{kind}": f"{device}.{kind}.j2"
    for device, kind in (
        ("vrf", "network"),
        ("vni", "netdev"),
        ("bridge", "netdev"),
        ("bridge", "network"),
    )
}


def render(plan: Plan) -> dict[str, str]:
    """The files of a firewall, by path."""
    files = {path: template(source).render(plan=plan) for path, source in ONCE.items()}
    for uplink in plan.uplinks:
        files[f"{UNITS}/10-sn-{uplink}.network"] = _uplink(uplink, plan.fabric_mtu)
    for vrf in plan.vrfs:
        files |= _of_network(vrf.number, vrf.table)
        files |= {
            path.format(vrf.number): template(source).render(plan=plan, vrf=vrf)
            for path, source in PER_VRF.items()
        }
    return files


@lru_cache(REMEMBERED)
def _of_network(number: int, table: int) -> dict[str, str]:
    return {
        path.format(number): template(source).render(number=number, table=table)
        for path, source in PER_NETWORK.items()
    }


@lru_cache(REMEMBERED)
def _uplink(name: str, mtu: int) -> str:
    return template("uplink.network.j2").render(uplink=name, mtu=mtu)


@cache
def template(source: str) -> Template:
    """A template by its file's name."""
    return _templates.get_template(source)


def digest(files: Mapping[str, str]) -> str:
    """What identifies a configuration: SHA-256 over its paths and texts."""
    total = hashlib.sha256()
    for path, text in sorted(files.items()):
        total.update(f"{path}\0{len(text.encode())}\0{text}".encode())
    return total.hexdigest()
