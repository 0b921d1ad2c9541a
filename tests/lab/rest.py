"""The product over REST, as any other program speaks with it."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Collection, Mapping
from typing import Any

from tests.lab import topology
from tests.lab.guest_machine import PROCESSORS
from tests.lab.wiring import Numbers, with_internet

PUSH_SECONDS = 1800
TOOL_SECONDS = 60  # the applier gives no tool less
GOING = ("queued", "running")


class Refused(AssertionError):
    """The product refused."""


class Rest:
    """A client with a token."""

    def __init__(self, url: str, token: str) -> None:
        self.url, self.token = f"{url}/api/v1", token

    def __call__(self, method: str, path: str, body: object = None) -> Any:
        request = urllib.request.Request(
            f"{self.url}/{path}",
            method=method,
            data=json.dumps(body).encode() if body is not None else None,
        )
        request.add_header("Authorization", f"Bearer {self.token}")
        request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise Refused(f"{method} {path}: {error.code} {error.read().decode()}") from error
        return json.loads(text) if text else None

    def get(self, path: str) -> Any:
        return self("GET", path)

    def post(self, path: str, body: object = None) -> Any:
        return self("POST", path, body if body is not None else {})

    def rows(self, path: str) -> list[dict[str, Any]]:
        return list(self.get(f"{path}{'&' if '?' in path else '?'}limit=1000")["results"])


def allocate(rest: Rest, management: dict[str, dict[str, Any]]) -> None:
    """The whole partition; `management` says where each firewall's SSH answers."""
    rest.post(
        "partitions/",
        {"id": topology.PARTITION, "name": "Lab", "management_prefixes": [topology.MANAGEMENT]},
    )
    for project in sorted({network.project for network in topology.NETWORKS}):
        rest.post("projects/", {"id": project, "name": project, "tenant": project})
    _networks(rest)
    projects = {network.name: network.project for network in topology.NETWORKS}
    for firewall in topology.FIREWALLS:
        networks = [firewall.primary, *firewall.shared, *firewall.externals]
        rules = [
            {
                "protocol": protocol,
                "ports": list(firewall.egress),
                "to": list(topology.ALL),
                "comment": "web",
            }
            for protocol in ("tcp", "udp")
            if firewall.egress
        ]
        rest.post(
            "firewalls/",
            {
                "name": firewall.name,
                "partition": topology.PARTITION,
                "project": projects[firewall.primary],
                "networks": [
                    {"network": network, "primary": network == firewall.primary}
                    for network in networks
                ],
                "rules": {"egress": rules},
                "management": management[firewall.name],
            },
        )
    for host in topology.HOSTS:
        rest.post(
            "machines/",
            {
                "name": host.name,
                "partition": topology.PARTITION,
                "project": projects[host.network],
                "networks": [{"network": host.network}],
            },
        )
    _endpoint(rest)


def _networks(rest: Rest) -> None:
    at = {"partition": topology.PARTITION}
    lengths = {"4": 24, "6": 64}
    rest.post(
        "networks/",
        at
        | {
            "id": "underlay",
            "name": "underlay",
            "kind": "underlay",
            "prefixes": [topology.UNDERLAY],
        },
    )
    rest.post(
        "networks/",
        at
        | {
            "id": "super",
            "name": "super",
            "kind": "super",
            "prefixes": list(topology.SUPER),
            "default_child_prefix_length": lengths,
        },
    )
    name, vrf, prefixes = topology.INTERNET
    rest.post(
        "networks/",
        {
            "id": name,
            "name": name,
            "kind": "external",
            "vrf": vrf,
            "prefixes": list(prefixes),
            "destination_prefixes": list(topology.ALL),
            "nat": True,
        },
    )
    for network in topology.NETWORKS:
        rest.post(
            "networks/",
            at
            | {
                "id": network.name,
                "name": network.name,
                "kind": "private",
                "project": network.project,
                "shared": network.shared,
                "prefix_length": {
                    str(version): lengths[str(version)] for version in network.versions
                },
            },
        )


def _endpoint(rest: Rest) -> None:
    firewall, network, port, machine = topology.PROXY
    rest.post(
        "endpoints/",
        {
            "firewall": firewall_id(rest, firewall),
            "network": network,
            "address": addresses_in(rest, firewall, network)[0],
            "port": port,
            "machine": rest.rows(f"machines/?name={machine}")[0]["id"],
            "target_port": port,
            "protocol": "tcp",
            "purpose": "http-proxy",
        },
    )


def firewall_id(rest: Rest, name: str) -> str:
    return str(rest.rows(f"firewalls/?name={name}")[0]["id"])


def addresses_in(rest: Rest, firewall: str, network: str) -> list[str]:
    """The firewall's addresses in one of its networks."""
    (row,) = rest.rows(f"firewalls/?name={firewall}")
    return [
        address
        for one in row["attachments"]
        if one["network"] == network
        for address in one["addresses"]
    ]


def numbers(rest: Rest) -> Numbers:
    """What was allocated."""
    vrfs = {row["id"]: row["vrf"] for row in rest.rows("networks/?kind=private")}
    asns = {row["name"]: row["asn"] for row in rest.rows("firewalls/")}
    return with_internet(
        vrfs, {row["name"]: tuple(row["addresses"]) for row in rest.rows("machines/")}, asns
    )


def push(
    rest: Rest, names: Collection[str], revisions: Mapping[str, int] | None = None
) -> dict[str, dict[str, Any]]:
    """Push to these firewalls, as many at a time as the guest has processors: the revision named here, or what is wanted.

    Tells the pushes by firewall, with their steps.
    """
    waiting, running, confirmed = list(names), dict[str, str](), dict[str, dict[str, Any]]()
    deadline = time.monotonic() + PUSH_SECONDS
    while waiting or running:
        while waiting and len(running) < PROCESSORS:
            name = waiting.pop(0)
            asked = {"revision": revisions[name]} if revisions and name in revisions else {}
            running[name] = str(
                rest.post(f"firewalls/{firewall_id(rest, name)}/push/", asked)["id"]
            )
        time.sleep(0.5)
        for name, number in list(running.items()):
            push: dict[str, Any] = rest.get(f"pushes/{number}/")
            if push["state"] in GOING and time.monotonic() < deadline:
                continue
            del running[name]
            if _too_slow(push) and time.monotonic() < deadline:
                waiting.append(name)
            else:
                confirmed[name] = _expected(name, push, "confirmed")
    return confirmed


def _too_slow(push: dict[str, Any]) -> bool:
    """Whether no verdict but a time limit ended it: an emulated guest on a busy machine is slower than a firewall may be."""
    return any(
        step["state"] == "failed" and (step["name"] == "connect" or step["seconds"] > TOOL_SECONDS)
        for step in push["steps"]
    )


def ended(rest: Rest, name: str, number: str, expected: str) -> dict[str, Any]:
    """How this push of the firewall went, which must be as expected."""
    deadline = time.monotonic() + PUSH_SECONDS
    while (push := rest.get(f"pushes/{number}/"))["state"] in GOING and time.monotonic() < deadline:
        time.sleep(0.5)
    return _expected(name, push, expected)


def _expected(name: str, push: dict[str, Any], state: str) -> dict[str, Any]:
    steps = "\n".join(
        f"{step['name']}: {step['state']} {step['seconds']}s {step['output'][-1500:]}"
        for step in push["steps"]
    )
    assert push["state"] == state, f"{name}: {push['state']}: {push['error']}\n{steps}"
    return push
