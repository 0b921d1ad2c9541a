"""The product over REST, as any other program speaks to it."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from tests.lab import topology
from tests.lab.guest_machine import PROCESSORS
from tests.lab.topology import Numbers, with_internet

PUSH_SECONDS = 1800
TOOL_SECONDS = 60  # the applier gives every tool at least this
POLL_SECONDS = 0.5
IN_FLIGHT = ("queued", "running")
HERE = topology.PARTITION
PARTITION = {"id": HERE, "name": "Lab", "management_prefixes": [topology.MANAGEMENT]}
CHILD_LENGTHS = {"4": 24, "6": 64}


class Refused(AssertionError):
    """The product refused."""


class Rest:
    """A client with a token."""

    def __init__(self, url: str, token: str) -> None:
        self.url = f"{url}/api/v1"
        self.token = token

    def __call__(self, method: str, path: str, body: object = None) -> Any:
        """The answer. Raises Refused where it is an error."""
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
        separator = "&" if "?" in path else "?"
        return list(self.get(f"{path}{separator}limit=1000")["results"])


def allocate(rest: Rest, managed_at: Mapping[str, Mapping[str, Any]]) -> None:
    """Create the whole partition; `managed_at` says where each firewall's SSH answers."""
    projects = {network.name: network.project for network in topology.NETWORKS}
    rest.post("partitions/", PARTITION)
    for project in sorted(set(projects.values())):
        rest.post("projects/", {"id": project, "name": project, "tenant": project})
    for network in _networks():
        rest.post("networks/", network)
    for firewall in topology.FIREWALLS:
        project = projects[firewall.primary]
        rest.post("firewalls/", _firewall(firewall, project, managed_at[firewall.name]))
    for host in topology.HOSTS:
        rest.post("machines/", _machine(host, projects[host.network]))
    for endpoint in topology.ENDPOINTS:
        _publish(rest, endpoint)


def _networks() -> Iterator[dict[str, Any]]:
    """Underlay and super network, the internet, and the private networks."""
    yield _network("underlay", "underlay", partition=HERE, prefixes=[topology.UNDERLAY])
    yield _network(
        "super",
        "super",
        partition=HERE,
        prefixes=list(topology.SUPER),
        default_child_prefix_length=CHILD_LENGTHS,
    )
    name, vrf, prefixes = topology.INTERNET
    yield _network(
        name,
        "external",
        vrf=vrf,
        prefixes=list(prefixes),
        destination_prefixes=list(topology.ALL),
        nat=True,
    )
    for network in topology.NETWORKS:
        lengths = {str(version): CHILD_LENGTHS[str(version)] for version in network.versions}
        yield _network(
            network.name,
            "private",
            partition=HERE,
            project=network.project,
            shared=network.shared,
            prefix_length=lengths,
        )


def _network(name: str, kind: str, **fields: Any) -> dict[str, Any]:
    return {"id": name, "name": name, "kind": kind, **fields}


def _firewall(
    firewall: topology.Firewall, project: str, management: Mapping[str, Any]
) -> dict[str, Any]:
    networks = [{"network": firewall.primary, "primary": True}]
    for network in (*firewall.shared, *firewall.externals):
        networks.append({"network": network, "primary": False})
    return {
        "name": firewall.name,
        "partition": HERE,
        "project": project,
        "networks": networks,
        "rules": {"egress": egress(firewall.egress)},
        "management": management,
    }


def egress(ports: tuple[int, ...]) -> list[dict[str, Any]]:
    """Rules that let these ports out to everywhere."""
    if not ports:
        return []
    common = {"ports": list(ports), "to": list(topology.ALL), "comment": "web"}
    return [{"protocol": protocol, **common} for protocol in ("tcp", "udp")]


def _machine(host: topology.Host, project: str) -> dict[str, Any]:
    return {
        "name": host.name,
        "partition": HERE,
        "project": project,
        "networks": [{"network": host.network}],
    }


def _publish(rest: Rest, endpoint: topology.Endpoint) -> None:
    addresses = addresses_in(rest, endpoint.firewall, endpoint.network)
    rest.post(
        "endpoints/",
        {
            "firewall": firewall_id(rest, endpoint.firewall),
            "network": endpoint.network,
            "address": addresses[0],
            "port": endpoint.port,
            "machine": rest.rows(f"machines/?name={endpoint.machine}")[0]["id"],
            "target_port": endpoint.target_port,
            "protocol": endpoint.protocol,
            "purpose": endpoint.purpose,
        },
    )


def firewall_id(rest: Rest, name: str) -> str:
    return str(_firewall_row(rest, name)["id"])


def state(rest: Rest, name: str) -> str:
    return str(_firewall_row(rest, name)["state"])


def _firewall_row(rest: Rest, name: str) -> dict[str, Any]:
    (row,) = rest.rows(f"firewalls/?name={name}")
    return row


def addresses_in(rest: Rest, firewall: str, network: str) -> list[str]:
    """The firewall's addresses in one of its networks."""
    attachments = _firewall_row(rest, firewall)["attachments"]
    return [
        address
        for attachment in attachments
        if attachment["network"] == network
        for address in attachment["addresses"]
    ]


def numbers(rest: Rest) -> Numbers:
    """What was allocated."""
    vrfs = {row["id"]: row["vrf"] for row in rest.rows("networks/?kind=private")}
    addresses = {row["name"]: tuple(row["addresses"]) for row in rest.rows("machines/")}
    asns = {row["name"]: row["asn"] for row in rest.rows("firewalls/")}
    return with_internet(vrfs, addresses, asns)


def push(
    rest: Rest, names: Collection[str], revisions: Mapping[str, int] | None = None
) -> dict[str, dict[str, Any]]:
    """Push to these firewalls the revision named here, or what is wanted; the pushes by firewall.

    Emulated processors have to do it, so no more at a time than the guest has. All must be
    confirmed; one that only was too slow is tried again.
    """
    waiting = list(names)
    running: dict[str, str] = {}
    confirmed: dict[str, dict[str, Any]] = {}
    deadline = time.monotonic() + PUSH_SECONDS
    while waiting or running:
        while waiting and len(running) < PROCESSORS:
            name = waiting.pop(0)
            running[name] = begin_push(rest, name, (revisions or {}).get(name))
        time.sleep(POLL_SECONDS)
        late = time.monotonic() > deadline
        for name, push_id in list(running.items()):
            push: dict[str, Any] = rest.get(f"pushes/{push_id}/")
            if push["state"] in IN_FLIGHT and not late:
                continue
            del running[name]
            if _too_slow(push) and not late:
                waiting.append(name)
            else:
                _check(name, push, "confirmed")
                confirmed[name] = push
    return confirmed


def begin_push(rest: Rest, firewall: str, revision: int | None = None) -> str:
    """The id of a push of this revision, or of what is wanted."""
    body = {} if revision is None else {"revision": revision}
    return str(rest.post(f"firewalls/{firewall_id(rest, firewall)}/push/", body)["id"])


def _too_slow(push: dict[str, Any]) -> bool:
    """Whether a time limit ended it, and no verdict.

    An emulated guest on a busy machine is slower than a firewall may be.
    """
    return any(
        step["state"] == "failed" and (step["name"] == "connect" or step["seconds"] > TOOL_SECONDS)
        for step in push["steps"]
    )


def ended(rest: Rest, name: str, push_id: str, expected: str) -> dict[str, Any]:
    """This push of the firewall once it is over, in the state that is expected."""
    deadline = time.monotonic() + PUSH_SECONDS
    push: dict[str, Any] = rest.get(f"pushes/{push_id}/")
    while push["state"] in IN_FLIGHT and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
        push = rest.get(f"pushes/{push_id}/")
    _check(name, push, expected)
    return push


def _check(name: str, push: dict[str, Any], state: str) -> None:
    steps = "\n".join(
        f"{step['name']}: {step['state']} {step['seconds']}s {step['output'][-1500:]}"
        for step in push["steps"]
    )
    assert push["state"] == state, f"{name}: {push['state']}: {push['error']}\n{steps}"
