"""Things in the way, in words: a sentence each, and the rule or chapter that it follows from."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from firewalls.reachability.answers import Blocker
from firewalls.reachability.obstacles import Obstacle
from firewalls.reachability.values import ICMP, Packet

ROUTING, FILTERING = "Routing", "Filtering and translation"
SEVERAL, UNJUDGED = "Several firewalls in one network", "Reachability"


class Wording(NamedTuple):
    """The rule, and the sentence of an obstacle."""

    rule: str
    sentence: Callable[[Obstacle], str]


def _guard(obstacle: Obstacle) -> str:
    return obstacle.guard.name if obstacle.guard else "A firewall"


def service(packet: Packet) -> str:
    """What is asked for, as tcp/443, or tcp, or a ping."""
    if packet.protocol == ICMP:
        return "ping"
    return packet.protocol if packet.port is None else f"{packet.protocol}/{packet.port}"


def there(packet: Packet) -> str:
    """Where it goes: an address, or the internet as such."""
    return "the internet" if packet.anywhere else str(packet.destination)


WORDS: Mapping[str, Wording] = {
    "other_partition": Wording(
        "R2",
        lambda o: f"{o.target} is of another partition than {o.network}, and is used there alone.",
    ),
    "not_shared": Wording(
        "R6",
        lambda o: (
            f"{o.target} is private and not shared, so no other network's firewall may join it."
        ),
    ),
    "not_joined": Wording("R6", lambda o: f"{_guard(o)} has not joined {o.target}."),
    "no_firewall": Wording(
        ROUTING,
        lambda o: f"{o.network} has no firewall, so its machines reach each other alone.",
    ),
    "no_way_outside": Wording(
        ROUTING,
        lambda o: (
            f"{_guard(o)} has joined no external network that leads to"
            f" {there(o.packet)} by IPv{o.packet.version}."
        ),
    ),
    "no_route": Wording(ROUTING, lambda o: f"No route of {o.network} leads to {there(o.packet)}."),
    "never_pushed": Wording(
        UNJUDGED, lambda o: f"{_guard(o)} was never pushed to, so it passes nothing on."
    ),
    "runs_something_else": Wording(
        UNJUDGED,
        lambda o: f"What {_guard(o)} runs is another configuration than the one that is wanted.",
    ),
    "shared_never_opens": Wording(
        FILTERING,
        lambda o: (
            f"Machines of a shared network open no connections into what uses it: {_guard(o)}"
            f" lets nothing from {o.network} into {o.target} but what is addressed to an endpoint."
        ),
    ),
    "no_egress_rule": Wording(
        FILTERING,
        lambda o: (
            f"No egress rule of {_guard(o)} lets {service(o.packet)} from {o.packet.source}"
            f" to {there(o.packet)} out into {o.target}."
        ),
    ),
    "no_ingress_rule": Wording(
        FILTERING,
        lambda o: (
            f"No ingress rule of {_guard(o)} lets {service(o.packet)} from"
            f" {o.packet.source} to {there(o.packet)} in."
        ),
    ),
    "narrowed": Wording(
        FILTERING,
        lambda o: (
            f"The egress rules of {_guard(o)} name parts of {o.target}, and none of them lets"
            f" {service(o.packet)} from {o.packet.source} to {there(o.packet)} through."
        ),
    ),
    "nothing_allowed": Wording(
        FILTERING,
        lambda o: f"{_guard(o)} lets nothing from {o.network} into {o.target}.",
    ),
    "cannot_hide": Wording(
        FILTERING,
        lambda o: (
            f"{_guard(o)} has no IPv{o.packet.version} address in {o.target} to hide"
            " machines behind."
        ),
    ),
    "bgp": Wording(FILTERING, lambda o: f"{_guard(o)} lets no BGP (tcp/179) through."),
    "forged": Wording(
        FILTERING,
        lambda o: f"{o.packet.source} is no address of a machine behind {_guard(o)}.",
    ),
    "firewall_closed": Wording(
        FILTERING,
        lambda o: (
            f"{o.packet.destination} is {_guard(o)}'s own address, with no endpoint at"
            f" {service(o.packet)}, and the firewall itself does not answer {o.network} there."
        ),
    ),
    "hidden_from_outside": Wording(
        ROUTING,
        lambda o: (
            f"The prefix of {o.target} is announced to nobody outside, so {o.network} knows"
            " no way there."
        ),
    ),
    "lives_elsewhere": Wording(
        UNJUDGED,
        lambda o: (
            f"{o.packet.destination} is a public address of {o.network}; whether a machine"
            " behind a firewall bears it is not known here."
        ),
    ),
    "led_outside": Wording(
        UNJUDGED,
        lambda o: (
            f"{o.packet.destination} is of {o.target}; whether {o.network} leads there is"
            " decided outside."
        ),
    ),
    "outside_alone": Wording(
        UNJUDGED,
        lambda o: (
            f"{o.packet.source} and {o.packet.destination} are both outside, where nothing is"
            " known here."
        ),
    ),
    "way_back_outside": Wording(
        UNJUDGED,
        lambda o: (
            f"{o.packet.destination} shows itself in {o.network} as it is; whether what is"
            f" outside knows the way back to {_guard(o)} is decided there."
        ),
    ),
    "no_way_back": Wording(
        ROUTING,
        lambda o: (
            f"Replies to {o.packet.destination} do not find back from {o.network} to {_guard(o)}."
        ),
    ),
    "reply_elsewhere": Wording(
        SEVERAL,
        lambda o: (
            f"Replies to {o.packet.destination} may go to {_guard(o)}, which knows nothing of"
            " the connection and drops them."
        ),
    ),
}


def blocker(obstacle: Obstacle) -> Blocker:
    """An obstacle as people read it."""
    words = WORDS[obstacle.code]
    place = obstacle.guard.name if obstacle.guard else obstacle.target or obstacle.network
    kind = "firewall" if obstacle.guard else "network"
    version = obstacle.packet.version
    return Blocker(obstacle.code, words.rule, words.sentence(obstacle), f"{kind} {place}", version)
