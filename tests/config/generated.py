"""Dumps as metalctl prints them, with every field that metal-api documents, as large as wanted."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Any
from uuid import UUID

import yaml

Object = dict[str, Any]
T = "2026-02-03T04:05:06.789Z"
USE = {"available_ips": 1024, "available_prefixes": 256, "used_ips": 3, "used_prefixes": 0}
FIREWALL, MACHINE = "firewall", "machine"


def uuid(number: int) -> str:
    return str(UUID(int=0xE0AB02D227CD5A5E8EFC080B00000000 + number))


@dataclass
class Dump:
    """One partition: a shared network, and so many others, each with a firewall and machines."""

    partition: str = "fra-equ01"
    number: int = 0  # of the partition, from 0 to 15
    networks: int = 4
    machines: int = 3  # in each network, the firewall among them
    first: int = 1  # the number of the first machine
    objects: dict[str, list[Object]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.objects = {name: [] for name in ("partitions", "projects", "networks", "ips")}
        self.objects["machines"] = []
        self.objects["partitions"].append(self._partition())
        internet = {"nat": True, "nattype": "ipv4-masq", "destinationprefixes": ["0.0.0.0/0"]}
        self.super = self._network(
            "super",
            "super",
            [f"10.{16 * self.number}.0.0/12", f"2001:db8:{self.number:x}::/48"],
            privatesuper=True,
            defaultchildprefixlength={"IPv4": 22, "IPv6": 64},
            additionalAnnouncableCIDRs=["100.64.0.0/12"],
        )
        underlay = [f"172.{16 + self.number}.0.0/16"]
        self.underlay = self._network("underlay", "underlay", underlay, underlay=True)
        outside = [f"198.{18 + self.number // 8}.{self.number % 8 * 32}.0/19"]
        vrf = 104000 + self.number
        self.internet = self._network("internet", "external", outside, vrf=vrf, **internet)
        self.shared = self._add_private(0)
        for place in range(1, self.networks):
            self._add_private(place)

    def __iter__(self) -> Iterator[Object]:
        for objects in self.objects.values():
            yield from objects

    def write(self, folder: Path) -> Path:
        """A file for each kind, as JSON, which is YAML and ten times as fast to write."""
        folder.mkdir(exist_ok=True)
        for name, objects in self.objects.items():
            (folder / f"{self.partition}-{name}.json").write_text(json.dumps(objects, indent=1))
        return folder

    def write_yaml(self, folder: Path) -> Path:
        """As metalctl does it."""
        folder.mkdir(exist_ok=True)
        dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
        for name, objects in self.objects.items():
            text = yaml.dump(json.loads(json.dumps(objects)), Dumper=dumper, sort_keys=False)
            (folder / f"{self.partition}-{name}.yaml").write_text(text)
        return folder

    def _partition(self) -> Object:
        return {
            "bootconfig": {"commandline": "console=ttyS1", "imageurl": "x", "kernelurl": "x"},
            "changed": T,
            "created": T,
            "description": f"the {self.partition} partition",
            "dns_servers": [{"ip": "192.0.2.53"}, {"ip": "2001:db8::53"}],
            "id": self.partition,
            "labels": {"a": "b"},
            "mgmtserviceaddress": "192.0.2.1:1234",
            "name": self.partition,
            "ntp_servers": [{"address": "0.de.pool.ntp.org"}],
        }

    def _network(self, name: str, kind: str, prefixes: list[str], **fields: Any) -> Object:
        network = {
            "additionalAnnouncableCIDRs": [],
            "changed": T,
            "consumption": {"ipv4": USE, "ipv6": None},
            "created": T,
            "description": f"the {name} network",
            "destinationprefixes": [],
            "id": f"{name}-{self.partition}",
            "labels": {"duration": "7d"},
            "name": name,
            "nat": False,
            "nattype": "none",
            "networktype": kind,
            "partitionid": self.partition,
            "prefixes": prefixes,
            "privatesuper": False,
            "underlay": False,
            "usage": USE,
            "vrfshared": False,
            **fields,
        }
        self.objects["networks"].append(network)
        return network

    def _add_private(self, place: int) -> Object:
        project = f"team-{self.partition}-{place}"
        self.objects["projects"].append(_project(project))
        first = IPv4Address(f"10.{16 * self.number}.0.0") + place * 1024
        network = self._network(
            f"net-{place}",
            "child" if place else "child-shared",
            [f"{first}/22", f"2001:db8:{self.number:x}:{place:x}::/64"],
            projectid=project,
            parentnetworkid=self.super["id"],
            vrf=1 + self.number * 5000 + place,
            shared=not place,
        )
        for index in range(self.machines):
            role = FIREWALL if place and not index else MACHINE
            self._add_machine(network, role, place, index)
        return network

    def _add_machine(self, network: Object, role: str, place: int, index: int) -> None:
        number = self.first + len(self.objects["machines"])
        kind = "privateprimaryunshared" if place else "privateprimaryshared"
        used = [(network, kind, _there(network, 2 + index))]
        if role == FIREWALL:
            used += [
                (self.shared, "privatesecondaryshared", _there(self.shared, 256 + place)),
                (self.internet, "external", _there(self.internet, 2 + place)),
                (self.underlay, "underlay", _there(self.underlay, 2 + place)),
            ]
        for one, _, ips in used:
            self.objects["ips"] += [self._ip(ip, one, network, number) for ip in ips]
        asn = 4210000000 + number
        uses = [_use(one, ips, word, asn) for one, word, ips in used]
        self.objects["machines"].append(self._machine(number, network["projectid"], role, uses))

    def _ip(self, ip: str, network: Object, home: Object, number: int) -> Object:
        return {
            "allocationuuid": uuid(8_000_000 + number),
            "changed": T,
            "created": T,
            "description": "autoassigned",
            "ipaddress": ip,
            "name": f"m{number}",
            "networkid": network["id"],
            "projectid": home["projectid"],
            "tags": [f"machine.metal-stack.io/id={uuid(number)}"],
            "type": "ephemeral",
        }

    def _machine(self, number: int, project: str, role: str, uses: list[Object]) -> Object:
        rack = f"{self.partition}-rack01"
        return {
            "allocation": _allocation(number, project, role, uses),
            "bios": {"date": "10/12/2024", "vendor": "American Megatrends Inc.", "version": "5.14"},
            "changed": T,
            "created": T,
            "description": "",
            "events": {
                "crash_loop": False,
                "failed_machine_reclaim": False,
                "last_error_event": {"event": "Crashed", "message": 'x: "quoted"', "time": T},
                "last_event_time": T,
                "log": [{"event": "Phoned Home", "message": "", "time": T}] * 20,
            },
            "hardware": _hardware(),
            "id": uuid(number),
            "ledstate": {"description": "Machine registered", "value": "LED-OFF"},
            "liveliness": "Alive",
            "name": "",
            "partition": self._partition(),
            "rackid": rack,
            "size": _size(),
            "state": {"description": "", "issuer": "", "metal_hammer_version": "1", "value": ""},
            "tags": [f"machine.metal-stack.io/rack={rack}", "just-a-tag"],
        }


def _there(network: Object, host: int) -> list[str]:
    """The address of that number in each of the network's prefixes."""
    ips = []
    for prefix in network["prefixes"]:
        first = prefix.split("/")[0]
        ips.append(str((IPv6Address if ":" in first else IPv4Address)(first) + host))
    return ips


def _project(id: str) -> Object:
    meta = {"apiversion": "v1", "created_time": T, "id": id, "kind": "Project", "version": 3}
    meta |= {"annotations": {"x/contract": "y"}, "labels": ["a", "b=c"], "updated_time": T}
    quota = {"cluster": {"quota": 10, "used": 1}, "ip": None, "machine": None, "project": None}
    words = {"description": f"{id} project", "name": id, "tenant_id": "sky"}
    return {"meta": meta, "quotas": quota, **words}


def _use(network: Object, ips: list[str], kind: str, asn: int) -> Object:
    return {
        "asn": asn,
        "destinationprefixes": network["destinationprefixes"],
        "ips": ips,
        "nat": network["nat"],
        "nattypev2": network["nattype"],
        "networkid": network["id"],
        "networktype": kind,
        "networktypev2": network["networktype"],
        "prefixes": network["prefixes"],
        "private": kind.startswith("private"),
        "projectid": network.get("projectid", ""),
        "underlay": kind == "underlay",
        "vrf": network.get("vrf", 0),
    }


def _size() -> Object:
    return {
        "changed": T,
        "constraints": [{"identifier": "", "max": 8, "min": 8, "type": "cores"}],
        "created": T,
        "description": "",
        "id": "c1-large-x86",
        "labels": {},
        "name": "c1-large-x86",
    }


def _hardware() -> Object:
    neighbor = {"identifier": "Ethernet0", "mac": "34:ad:61:25:23:6a", "name": "Ethernet0"}
    nic = {"identifier": "eth0", "mac": "ac:1f:6b:79:ac:86", "name": "eth0"}
    cpu = {"cores": 8, "model": "Intel(R) Xeon(R) D-2141I", "threads": 16, "vendor": "Intel"}
    return {
        "cpu_cores": 8,
        "cpus": [cpu],
        "disks": [{"name": "/dev/sda", "size": 480103981056}],
        "gpus": [],
        "memory": 137438953472,
        "nics": [{**nic, "neighbors": [{**neighbor, "neighbors": []}]}],
    }


def _allocation(number: int, project: str, role: str, uses: list[Object]) -> Object:
    name = f"{'fw' if role == FIREWALL else 'm'}-{number}"
    layout = {
        "constraints": {"images": {"debian": "*"}, "sizes": ["c1-large-x86"]},
        "disks": [{"device": "/dev/sda", "partitions": [], "wipeonreinstall": True}],
        "filesystems": [{"device": "/dev/sda1", "format": "vfat", "path": "/boot/efi"}],
        "id": "default",
    }
    allocation = {
        "allocationuuid": uuid(9_000_000 + number),
        "boot_info": {"bootloaderid": "metal-debian", "cmdline": "root=UUID=x", "kernel": "/k"},
        "created": T,
        "creator": "abc",
        "description": "",
        "dns_servers": [],
        "filesystemlayout": layout,
        "hostname": name,
        "image": {"id": "firewall-3.0" if role == FIREWALL else "debian-12.0", "features": [role]},
        "name": name,
        "networks": uses,
        "ntp_servers": [],
        "project": project,
        "reinstall": False,
        "role": role,
        "ssh_pub_keys": ["ssh-ed25519 AAAA x@y"],
        "succeeded": True,
        "user_data": "#cloud-config\nusers:\n- name: x\n",
        "vpn": None,
    }
    if role == FIREWALL:
        egress = {"comment": "https", "ports": [443], "protocol": "tcp", "to": ["0.0.0.0/0"]}
        ssh = {"comment": "ssh", "ports": [22], "protocol": "tcp", "from": ["192.0.2.0/24"]}
        allocation["firewall_rules"] = {"egress": [egress], "ingress": [{**ssh, "to": []}]}
    return allocation
