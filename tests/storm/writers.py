"""What a storm is made of: one writer does one thing after the other, chosen by chance."""

import random
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.storm.doors import Door

FIREWALLS = [str(uuid.uuid5(uuid.NAMESPACE_OID, f"firewall {number}")) for number in range(3)]
MACHINES = [str(uuid.uuid5(uuid.NAMESPACE_OID, f"machine {number}")) for number in range(3)]
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ2Y3rUVhqgnxPCjAmoEEVRVFjjIrc3kYmkkHOOkzZM3"
OF_SHOP = {"partition": "fra", "project": "shop"}
NOBODY_LISTENS = {"host": "127.0.0.1", "port": 9, "host_key": HOST_KEY}
SERVER_ERROR = 500


def firewall(number: int) -> dict[str, Any]:
    networks = [{"network": name} for name in (f"net-{number}", "storage", "internet")]
    return {
        "id": FIREWALLS[number],
        "name": f"fw-{number}",
        **OF_SHOP,
        "networks": networks,
        "management": NOBODY_LISTENS,
    }


def machine(number: int) -> dict[str, Any]:
    return {
        "id": MACHINES[number],
        "name": f"m-{number}",
        **OF_SHOP,
        "networks": [{"network": f"net-{number}"}],
    }


FRA = {
    "id": "fra",
    "name": "FRA",
    "auto_push": True,
    "management_prefixes": ["127.0.0.0/8"],
}


def build(door: Door) -> None:
    """A partition with three firewalls, a machine behind each, and two shared networks."""
    lengths = {"default_child_prefix_length": {"4": 24}}
    shared = {"partition": "fra", "project": "storage", "shared": True}
    bodies: Sequence[tuple[str, dict[str, Any]]] = [
        ("partitions/", FRA),
        ("projects/", {"id": "shop", "name": "shop"}),
        ("projects/", {"id": "storage", "name": "storage"}),
        (
            "networks/",
            {
                "id": "pool",
                "kind": "super",
                "partition": "fra",
                "prefixes": ["10.128.0.0/14"],
                **lengths,
            },
        ),
        (
            "networks/",
            {"id": "fabric", "kind": "underlay", "partition": "fra", "prefixes": ["10.4.0.0/16"]},
        ),
        (
            "networks/",
            {
                "id": "internet",
                "kind": "external",
                "vrf": 104009,
                "nat": True,
                "prefixes": ["203.0.113.0/24"],
                "destination_prefixes": ["0.0.0.0/0"],
            },
        ),
        ("networks/", {"id": "storage", **shared}),
        ("networks/", {"id": "backup", **shared}),
        *[("networks/", {"id": f"net-{number}", **OF_SHOP}) for number in range(3)],
        *[("firewalls/", firewall(number)) for number in range(3)],
        *[("machines/", machine(number)) for number in range(3)],
    ]
    for path, body in bodies:
        status, answer = door.ask("POST", path, body)
        assert status == 201, (path, body, answer)


@dataclass
class Writer:
    """One program or person. `answers` counts by what was done and how that was answered."""

    door: Door
    chance: random.Random
    name: str
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def run(self, seconds: float, actions: "Sequence[Action]") -> None:
        """Do all of these in any order, and so on for as long; each of them at least once."""
        end, done, left = time.monotonic() + seconds, 0, list[Action]()
        while done < len(actions) or time.monotonic() < end:
            left = left or self.chance.sample(actions, len(actions))
            left.pop()(self, self.chance.randrange(3))
            done += 1

    def ask(self, method: str, path: str, body: object = None) -> Any:
        status, answer = self.door.ask(method, path, body)
        self._count(f"{method} {_what(path)}", status, answer)
        return answer if status < 300 else None

    def post(self, path: str, **data: str) -> None:
        self._count(f"form {_what(path)}", self.door.post(path, data), None)

    def look(self, path: str) -> None:
        self._count(f"page {_what(path)}", self.door.look(path), None)

    def _count(self, what: str, status: int, answer: object) -> None:
        self.answers[what, status] += 1
        if status >= SERVER_ERROR:
            self.failures.append(f"{status} {what}: {answer}")

    def replace_rules(self, number: int) -> None:
        ports = [self.chance.randrange(1, 65000)]
        rules = {"egress": [{"ports": ports}], "ingress": [{"ports": ports}]}
        self.ask("PATCH", f"firewalls/{FIREWALLS[number]}/", {"rules": rules})

    def publish(self, number: int) -> None:
        row = self.ask("GET", f"firewalls/{FIREWALLS[number]}/") or {"attachments": []}
        for attachment in row["attachments"]:
            if attachment["network"] == "storage" and attachment["addresses"]:
                endpoint = {
                    "firewall": FIREWALLS[number],
                    "network": "storage",
                    "address": attachment["addresses"][0],
                    "port": self.chance.randrange(1, 65000),
                    "machine": MACHINES[number],
                    "target_port": 80,
                }
                self.ask("POST", "endpoints/", endpoint)

    def endpoint(self, number: int) -> str:
        page = self.ask("GET", f"endpoints/?firewall={FIREWALLS[number]}&limit=20")
        rows = page["results"] if page else []
        return self.chance.choice(rows)["id"] if rows else ""

    def amend(self, number: int) -> None:
        if id := self.endpoint(number):
            target = {"target_port": self.chance.randrange(1, 65000)}
            self.ask("PATCH", f"endpoints/{id}/", target)

    def withdraw(self, number: int) -> None:
        if id := self.endpoint(number):
            self.ask("DELETE", f"endpoints/{id}/")

    def join(self, number: int) -> None:
        path = f"firewalls/{FIREWALLS[number]}/attachments/"
        self.ask("POST", path, {"network": "backup"})

    def leave(self, number: int) -> None:
        self.ask("DELETE", f"firewalls/{FIREWALLS[number]}/attachments/backup/")

    def push(self, number: int) -> None:
        body = {"revision": 1} if self.chance.random() < 0.3 else {}
        self.ask("POST", f"firewalls/{FIREWALLS[number]}/push/", body)

    def check(self, number: int) -> None:
        self.ask("POST", f"firewalls/{FIREWALLS[number]}/check/")

    def free(self, number: int) -> None:
        self.ask("DELETE", f"firewalls/{FIREWALLS[number]}/")
        self.ask("POST", "firewalls/", firewall(number))

    def replace_machine(self, number: int) -> None:
        self.ask("DELETE", f"machines/{MACHINES[number]}/")
        self.ask("POST", "machines/", machine(number))

    def come_and_go(self, number: int) -> None:
        made = self.ask("POST", "networks/", {"name": f"new-{self.name}", **OF_SHOP})
        if made:
            self.ask("POST", f"networks/{made['id']}/prefixes/", {"prefix_length": {"4": 26}})
            self.ask("DELETE", f"networks/{made['id']}/")

    def reserve(self, number: int) -> None:
        wanted = {"network": self.chance.choice(["storage", f"net-{number}"]), "project": "shop"}
        if made := self.ask("POST", "ip-addresses/", wanted):
            self.ask("DELETE", f"ip-addresses/{made['address']}/")

    def grow(self, number: int) -> None:
        path = f"networks/net-{number}/prefixes/"
        if grown := self.ask("POST", path, {"prefix_length": {"4": 28}}):
            self.ask("DELETE", f"{path}{grown['prefixes'][-1]}/")

    def change_partition(self, number: int) -> None:
        servers = [f"192.0.2.{self.chance.randrange(1, 250)}"]
        self.ask("PATCH", "partitions/fra/", {"ntp_servers": servers})

    def roll_out(self, number: int) -> None:
        some = self.chance.sample(FIREWALLS, 2)
        if started := self.ask("POST", "rollouts/", {"cause": self.name, "firewalls": some}):
            for action in self.chance.sample(["pause", "resume", "stop", "retry"], 2):
                self.ask("POST", f"rollouts/{started['id']}/{action}/")


Action = Callable[[Writer, int], None]
PROGRAM: Sequence[Action] = [
    *[Writer.replace_rules, Writer.publish, Writer.withdraw] * 3,
    *[Writer.amend, Writer.join, Writer.leave, Writer.push, Writer.free] * 2,
    *[Writer.check, Writer.replace_machine, Writer.come_and_go, Writer.reserve, Writer.grow],
    *[Writer.change_partition, Writer.roll_out],
]


def _what(path: str) -> str:
    """The path without what differs from one to the next."""
    parts = path.partition("?")[0].strip("/").split("/")
    return "/".join("." if any(letter.isdigit() for letter in part) else part for part in parts)
