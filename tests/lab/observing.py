"""Observing packets: all connections of some scenarios at once, routing tables, and counters."""

import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

from tests.lab.running import Lab
from tests.lab.scenarios import OWN_LEAF, Connection, Route, Scenario
from tests.lab.topology import HOSTS, SWITCHES

ANSWER_SECONDS = 8.0
SILENCE_SECONDS = 3.0
CONVERGED_SECONDS = 300.0
ONCE = 0.0  # for what must not work: tried once, for it works at once if it does
Answers = Mapping[Connection, str]
Prefixes = Mapping[str, tuple[str, ...]]
# Destinations by switch, network and IP version.
Tables = Mapping[tuple[str, str, int], tuple[str, ...]]


@dataclass(frozen=True)
class Observation:
    """What was observed, and what is needed to judge it."""

    answers: Answers  # "" where there was none
    tables: Tables
    counted: Mapping[tuple[str, str, str], int]
    expected: Mapping[Connection, str]  # the address that `appears_as` stands for
    prefixes: Prefixes  # by network


def observe(
    lab: Lab, scenarios: Iterable[Scenario], patience: float = CONVERGED_SECONDS
) -> Observation:
    """Try all connections of these scenarios, and read the routing tables.

    What must work or be known is waited for as long as `patience` (seconds). What must be refused
    is tried once after that; its control, the target's own leaf, again until it is answered.
    """
    chosen = list(scenarios)
    connections = list(dict.fromkeys(one for scenario in chosen for one in scenario.connections))
    answered = [one for one in connections if one.appears_as]
    refused = [one for one in connections if not one.appears_as]
    expected = {one: _address(lab, one.appears_as, one.version) for one in answered}
    prefixes = {row["id"]: tuple(row["prefixes"]) for row in lab.rest.rows("networks/")}
    counted_before = _counters(lab, chosen)
    deadline = time.monotonic() + patience

    def as_expected(connection: Connection, answer: str) -> bool:
        return answer.endswith(f" {expected[connection]}")

    def any_answer(connection: Connection, answer: str) -> bool:
        return bool(answer)

    routes = [route for scenario in chosen for route in scenario.routes]
    tables = _tables_once_good(lab, routes, prefixes, deadline)
    answers = _answers_once_good(lab, answered, as_expected, deadline)
    answers |= _answers(lab, refused, SILENCE_SECONDS)
    controls = list(dict.fromkeys(one.control for one in refused if _has_control(one)))
    later = time.monotonic() + CONVERGED_SECONDS
    answers |= _answers_once_good(lab, controls, any_answer, later)
    counted_after = _counters(lab, chosen)
    counted = {key: counted_after[key] - counted_before[key] for key in counted_after}
    return Observation(answers, tables, counted, expected, prefixes)


def problems(observation: Observation, scenario: Scenario) -> list[str]:
    """What is otherwise than the scenario says, a line each."""
    lines: list[str] = []
    for connection in scenario.connections:
        lines += _connection_problems(observation, connection)
    for route in scenario.routes:
        lines += _route_problems(observation.tables, observation.prefixes, route)
    if scenario.counted:
        lines += _counter_problems(observation, scenario, scenario.counted)
    return lines


def _connection_problems(observation: Observation, connection: Connection) -> list[str]:
    answer = observation.answers[connection]
    target = f"{connection.target}:{connection.port} (IPv{connection.version})"
    name = f"{connection.source} → {target}"
    if connection.appears_as:
        host = connection.page or connection.target
        expected = f"{host} {observation.expected[connection]}"
        if answer == expected:
            return []
        return [f"{name}: {answer or 'no answer'}, expected {expected}"]
    if answer:
        return [f"{name}: answered {answer!r}, must be refused"]
    if _has_control(connection) and not observation.answers[connection.control]:
        return [f"{name}: refused, but that means nothing: the target's own leaf is refused too"]
    return []


def _has_control(connection: Connection) -> bool:
    """Machines have one; an address of a firewall has no leaf of its own."""
    return "@" not in connection.target


def _route_problems(tables: Tables, prefixes: Prefixes, route: Route) -> list[str]:
    lines = []
    for switch in route.switches:
        table = tables[switch, route.network, route.version]
        known = [destination for destination in table if _leads(destination, route, prefixes)]
        if bool(known) != route.known:
            what = f"knows {', '.join(known)}" if known else f"knows no IPv{route.version} route"
            lines.append(f"{switch} {what} to {route.to} in {route.network}")
    return lines


def _leads(destination: str, route: Route, prefixes: Prefixes) -> bool:
    """Whether a table's destination is the route's, or a part of its network."""
    if "default" in (destination, route.to):
        return destination == route.to
    cidr = ip_network(destination)
    networks = [ip_network(prefix) for prefix in prefixes[route.to]]
    return any(
        cidr.network_address in network and cidr.prefixlen >= network.prefixlen
        for network in networks
    )


def _counter_problems(
    observation: Observation, scenario: Scenario, rule: tuple[str, str, str]
) -> list[str]:
    answered = sum(1 for one in scenario.connections if observation.answers.get(one))
    least = max(answered, 1)
    counted = observation.counted[rule]
    if counted >= least:
        return []
    return [f"{' '.join(rule)}: {counted} counted, at least {least} sent"]


def _address(lab: Lab, name: str, version: int) -> str:
    """Of `machine`, or of `firewall@network`."""
    node, _, network = name.partition("@")
    return lab.address(node, network, version)


def _tables_once_good(lab: Lab, routes: list[Route], prefixes: Prefixes, deadline: float) -> Tables:
    """The switches' tables once these routes are known and unknown as they must, or at the end."""
    while True:
        tables = _tables(lab)
        good = not any(_route_problems(tables, prefixes, route) for route in routes)
        if good or time.monotonic() > deadline:
            return tables
        time.sleep(0.5)


def _answers_once_good(
    lab: Lab,
    connections: list[Connection],
    good: Callable[[Connection, str], bool],
    deadline: float,
) -> dict[Connection, str]:
    """The answers, tried again until they are good or the deadline has passed."""
    answers: dict[Connection, str] = {}
    remaining = connections
    while remaining:
        answers |= _answers(lab, remaining, ANSWER_SECONDS)
        if time.monotonic() > deadline:
            break
        remaining = [one for one in remaining if not good(one, answers[one])]
    return answers


def _answers(lab: Lab, connections: list[Connection], seconds: float) -> dict[Connection, str]:
    if not connections:
        return {}
    requests = [_request(lab, connection, seconds) for connection in connections]
    responses = lab.guest.request("connect", connections=requests)["responses"]
    return {
        connection: response.get("answer", "")
        for connection, response in zip(connections, responses, strict=True)
    }


def _request(lab: Lab, connection: Connection, seconds: float) -> dict[str, Any]:
    """A connection as the agent is asked to try it."""
    node = connection.source
    vrf = ""
    if node == OWN_LEAF:
        node, network = _plugged_into(connection.target)
        vrf = f"vrf{lab.numbers.vrfs[network]}"
    page = "/"
    if connection.page:
        page = f"http://{lab.address(connection.page, version=connection.version)}/"
    return {
        "node": node,
        "vrf": vrf,
        "to": _address(lab, connection.target, connection.version),
        "port": connection.port,
        "seconds": seconds,
        "page": page,
    }


def _plugged_into(machine: str) -> tuple[str, str]:
    """The leaf, and the network whose VRF the machine is in there."""
    if machine == "internet":
        return "exit", "internet"
    host = next(host for host in HOSTS if host.name == machine)
    return host.leaf, host.network


def _tables(lab: Lab) -> dict[tuple[str, str, int], tuple[str, ...]]:
    """The kernel's routes on every switch in every VRF."""
    keys = [
        (switch.name, network, version)
        for switch in SWITCHES
        for network in switch.networks
        for version in (4, 6)
    ]
    commands = [
        f"echo '#'; ip -n {switch} -{version} route show vrf vrf{lab.numbers.vrfs[network]}"
        for switch, network, version in keys
    ]
    outputs = lab.guest.run("; ".join(commands)).split("#\n")[1:]
    return {key: _destinations(output) for key, output in zip(keys, outputs, strict=True)}


def _destinations(output: str) -> tuple[str, ...]:
    """The destinations in the output of `ip route`, without routes that lead nowhere."""
    lines = [line for line in output.splitlines() if re.match(r"default |[0-9a-f]*[.:]", line)]
    return tuple(line.split()[0] for line in lines)


def _counters(lab: Lab, scenarios: list[Scenario]) -> dict[tuple[str, str, str], int]:
    """Packets that opened a connection, by the rules of a firewall between two networks."""
    counters = {}
    for rule in [scenario.counted for scenario in scenarios if scenario.counted]:
        firewall, source, target = rule
        listed = lab.guest.run("nft list table inet metal", node=firewall)
        way = f"vrf{lab.numbers.vrfs[source]}-to-vrf{lab.numbers.vrfs[target]}"
        chains = re.findall(rf"chain {way}-\w+ {{\n(.*?)\n\t}}", listed, re.DOTALL)
        packets = re.findall(r" packets (\d+) .*accept", "\n".join(chains))
        counters[rule] = sum(int(number) for number in packets)
    return counters
