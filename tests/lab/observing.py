"""Looking at packets: all conversations of some scenarios at once, the switches' routing tables, and a firewall's counters."""

import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

from tests.lab.running import Lab
from tests.lab.scenarios import Route, Scenario, Talk
from tests.lab.topology import HOSTS, SWITCHES

ANSWER_SECONDS, SILENCE_SECONDS = 8.0, 3.0
CONVERGED_SECONDS = 300.0
ONCE = 0.0  # patience with what must not come: asked once, for it is there at once if it is
Answers = Mapping[Talk, str]
Tables = Mapping[tuple[str, str, int], tuple[str, ...]]


@dataclass(frozen=True)
class Seen:
    """What was seen: who answered to what, or "" for silence; routes by switch, network and family; what a rule has counted."""

    answers: Answers
    tables: Tables
    counted: Mapping[tuple[str, str, str], int]
    expected: Mapping[str, str]  # what `seen_as` stands for
    prefixes: Mapping[str, tuple[str, ...]]


def observe(lab: Lab, scenarios: Iterable[Scenario], patience: float = CONVERGED_SECONDS) -> Seen:
    """All talks of these scenarios, once routes are as they must be and what must be answered is, or so many seconds later.

    Silence is heard out once; its control, the target's own leaf, is asked again until it is answered.
    """
    chosen = list(scenarios)
    talks = list(dict.fromkeys(talk for scenario in chosen for talk in scenario.talks))
    expected = {
        f"{name}/{version}": _address(lab, name, version)
        for name, version in {(t.seen_as, t.version) for t in talks if t.seen_as}
    }
    prefixes = {row["id"]: tuple(row["prefixes"]) for row in lab.rest.rows("networks/")}
    before = _counters(lab, chosen)
    deadline = time.monotonic() + patience
    tables = _settled(
        lab, [route for scenario in chosen for route in scenario.routes], prefixes, deadline
    )

    def as_expected(talk: Talk, heard: str) -> bool:
        return heard.endswith(f" {expected[f'{talk.seen_as}/{talk.version}']}")

    answers = _answered(lab, [talk for talk in talks if talk.seen_as], as_expected, deadline)
    silent = [talk for talk in talks if not talk.seen_as]
    answers |= _asked(lab, silent, SILENCE_SECONDS)
    near = list(dict.fromkeys(talk.near for talk in silent if "@" not in talk.target))
    answers |= _answered(
        lab, near, lambda _, heard: bool(heard), time.monotonic() + CONVERGED_SECONDS
    )
    after = _counters(lab, chosen)
    return Seen(
        answers, tables, {key: after[key] - before[key] for key in after}, expected, prefixes
    )


def problems(seen: Seen, scenario: Scenario) -> list[str]:
    """What is otherwise than the scenario says."""
    found = [line for talk in scenario.talks for line in _talk_problems(seen, talk)]
    found += [
        line
        for route in scenario.routes
        for line in _route_problems(seen.tables, seen.prefixes, route)
    ]
    if scenario.counted:
        most = sum(1 for talk in scenario.talks if seen.answers.get(talk))
        if seen.counted[scenario.counted] < max(most, 1):
            found.append(
                f"{' '.join(scenario.counted)}: {seen.counted[scenario.counted]} counted, at least {max(most, 1)} sent"
            )
    return found


def _talk_problems(seen: Seen, talk: Talk) -> list[str]:
    heard = seen.answers[talk]
    name = f"{talk.source} → {talk.target}:{talk.port} (IPv{talk.version})"
    if talk.seen_as:
        host = talk.page or talk.target
        wanted = f"{host} {seen.expected[f'{talk.seen_as}/{talk.version}']}"
        return [] if heard == wanted else [f"{name}: {heard or 'no answer'}, expected {wanted}"]
    if heard:
        return [f"{name}: answered {heard!r}, must be refused"]
    if "@" not in talk.target and not seen.answers[talk.near]:
        return [
            f"{name}: refused, but the target does not even answer its own leaf, so this means nothing"
        ]
    return []


def _route_problems(
    tables: Tables, prefixes: Mapping[str, tuple[str, ...]], route: Route
) -> list[str]:
    found = []
    for switch in route.where:
        hits = [
            entry
            for entry in tables[switch, route.network, route.version]
            if _concerns(entry, route, prefixes)
        ]
        if bool(hits) != route.known:
            what = f"knows {', '.join(hits)}" if hits else f"knows no IPv{route.version} route"
            found.append(f"{switch} {what} to {route.to} in {route.network}")
    return found


def _concerns(entry: str, route: Route, prefixes: Mapping[str, tuple[str, ...]]) -> bool:
    if route.to == "default":
        return entry == "default"
    if entry == "default":
        return False
    cidr = ip_network(entry)
    networks = [ip_network(prefix) for prefix in prefixes[route.to]]
    return any(
        one.version == cidr.version == route.version and cidr.subnet_of(one) for one in networks
    )  # type: ignore[arg-type]


def _address(lab: Lab, name: str, version: int) -> str:
    who, _, network = name.partition("@")
    return lab.address(who, network, version)


def _settled(
    lab: Lab, routes: list[Route], prefixes: Mapping[str, tuple[str, ...]], deadline: float
) -> Tables:
    """The switches' tables once these routes are known and unknown there as they must be, or at the deadline."""
    while True:
        tables = _tables(lab)
        if time.monotonic() > deadline or not any(
            _route_problems(tables, prefixes, route) for route in routes
        ):
            return tables
        time.sleep(0.5)


def _answered(
    lab: Lab, talks: list[Talk], good: Callable[[Talk, str], bool], deadline: float
) -> dict[Talk, str]:
    """What these talks have heard, asked again until it is good or the deadline has passed."""
    answers: dict[Talk, str] = {}
    while missing := [
        talk for talk in talks if talk not in answers or not good(talk, answers[talk])
    ]:
        answers |= _asked(lab, missing, ANSWER_SECONDS)
        if time.monotonic() > deadline:
            break
    return answers


def _asked(lab: Lab, talks: list[Talk], seconds: float) -> dict[Talk, str]:
    if not talks:
        return {}
    told = lab.guest.ask("talks", talks=[_request(lab, talk, seconds) for talk in talks])
    return {
        talk: answer.get("heard", "") for talk, answer in zip(talks, told["answers"], strict=True)
    }


def _request(lab: Lab, talk: Talk, seconds: float) -> dict[str, Any]:
    node, vrf = talk.source, ""
    if node == "near":
        where = {host.name: (host.leaf, host.network) for host in HOSTS} | {
            "internet": ("exit", "internet")
        }
        node, network = where[talk.target]
        vrf = f"vrf{lab.numbers.vrfs[network]}"
    who, _, network = talk.target.partition("@")
    page = lab.address(talk.page, version=talk.version) if talk.page else ""
    return {
        "node": node,
        "vrf": vrf,
        "to": lab.address(who, network, talk.version),
        "port": talk.port,
        "seconds": seconds,
        "page": f"http://{page}/" if page else "/",
    }


def _tables(lab: Lab) -> dict[tuple[str, str, int], tuple[str, ...]]:
    """The kernel's routes on every switch in every VRF, as destinations."""
    keys = [
        (switch.name, network, version)
        for switch in SWITCHES
        for network in switch.networks
        for version in (4, 6)
    ]
    lines = [
        f"echo '#'; ip -n {switch} -{version} route show vrf vrf{lab.numbers.vrfs[network]}"
        for switch, network, version in keys
    ]
    parts = lab.guest.run("; ".join(lines)).split("#\n")[1:]
    words = [
        [line.split() for line in part.splitlines() if re.match(r"default |[0-9a-f]*[.:]", line)]
        for part in parts
    ]
    return {key: tuple(line[0] for line in table) for key, table in zip(keys, words, strict=True)}


def _counters(lab: Lab, scenarios: list[Scenario]) -> dict[tuple[str, str, str], int]:
    """Packets that opened a connection, by the rules of a firewall between two networks."""
    counted = {}
    for scenario in scenarios:
        if scenario.counted:
            firewall, source, target = scenario.counted
            said = lab.guest.run("nft list chain inet metal forward", node=firewall)
            pair = rf'iifname "vrf{lab.numbers.vrfs[source]}" oifname "vlan{lab.numbers.vrfs[target]}".* packets (\d+) .*accept'
            counted[scenario.counted] = sum(int(number) for number in re.findall(pair, said))
    return counted
