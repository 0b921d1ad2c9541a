"""What stands on a map, in words: in the boxes, on the edges, and in full for who asks further."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from zlib import crc32

from firewalls.picture.folding import Bundle, Fold
from firewalls.picture.shapes import INSIDE, STATE, Box, Chip
from firewalls.picture.texts import SMALL, TITLE, fitting, several, shortened, width
from firewalls.picture.values import Consumer, Service, shape

STRIPES = 8  # colours of projects
MOST_LABEL = 15  # letters on an edge
CHIP, APART = 10, 5  # what the frame of a chip takes beside its text; from one to the next
At = tuple[float, float, float, float]  # x, y, width, height
Link = Callable[[str, str], str]
WORDS = {"in_sync": "in sync"}
NO_WAY_OUT = "no external network"


def word(state: str) -> str:
    return WORDS.get(state, state)


def stripe(project: str) -> int:
    """The colour of a project: by its name, so that it is the same on every page, for ever."""
    return crc32(project.encode()) % STRIPES


class Texts(NamedTuple):
    """What a box says: in its first line, in its second, and in full."""

    title: str
    below: str
    hint: str


def home(rows: Sequence[Bundle], at: At, link: Link) -> Box:
    """What is behind firewalls: a private network, or those of a project or tenant."""
    row = rows[0]
    if row.fold is Fold.FIREWALL:
        return _network(row.first, at, link)
    machines = several(row.machines, "machine")
    below = f"{several(len(row.networks), 'network')} · {machines}"
    one_set = row.fold is Fold.SET
    title = several(len(row.projects), "project") if one_set else row.key
    hint = f"{title}: {below}" if one_set else f"{row.fold} {title}: {below}"
    own = stripe(row.projects[0]) if len(row.projects) == 1 else None
    texts = Texts(title, below, hint)
    return _box("home", row.key, at, texts, href=link(row.fold, row.key), stripe=own)


def _network(one: Consumer, at: At, link: Link) -> Box:
    machines = several(one.machines, "machine")
    hint = f"{one.network}: {machines} of project {one.project}"
    texts = Texts(one.network, f"{one.project} · {machines}", hint)
    href, own = link("network", one.network), stripe(one.project)
    return _box("home", one.network, at, texts, href=href, stripe=own)


def firewall(row: Bundle, at: At, link: Link) -> Box:
    """A firewall with its way outside, or several with their states."""
    if len(row.consumers) > 1:
        return _firewalls(row, at, link)
    one = row.first
    outside = ", ".join(one.outside) or NO_WAY_OUT
    hint = f"{one.name}: {word(one.state)}; outside: {outside}"
    texts = Texts(one.name, "" if one.outside else NO_WAY_OUT, hint)
    href, of_state = link("firewall", one.key), shape(one.state)
    return _box("firewall", row.key, at, texts, href=href, shape=of_state, chips=one.outside)


def _firewalls(row: Bundle, at: At, link: Link) -> Box:
    states = [f"{number} {word(state)}" for state, number in row.states]
    below = f"all {word(row.state)}" if len(states) == 1 else ", ".join(states)
    title = several(len(row.consumers), "firewall")
    names = ", ".join(one.name for one in row.consumers)
    texts = Texts(title, below, f"{title}: {below}. {names}")
    href, of_state = link(row.fold, row.key), shape(row.state)
    return _box("firewall", row.key, at, texts, href=href, shape=of_state)


def shared(service: Service, at: At, link: Link) -> Box:
    below = " · ".join([*service.prefixes[:1], f"VRF {service.vrf}"])
    full = "; nearly full" if service.nearly_full else ""
    prefixes = ", ".join(service.prefixes)
    hint = f"{service.key}: {prefixes}; VRF {service.vrf}; of project {service.project}{full}"
    href = link("network", service.key)
    return _box("shared", service.key, at, Texts(service.key, below, hint), href=href)


def serves(service: Service, at: At, link: Link) -> Box:
    """The machines of a shared network, and its own firewalls with their way outside."""
    outside = sorted({name for guard in service.guards for name in guard.outside})
    title = several(service.machines, "machine") if service.machines else "no machines"
    own = ", ".join(guard.name for guard in service.guards) or "no firewall of its own"
    below = f"{own} · {', '.join(outside)}" if outside else own
    hint = f"{title} in {service.key}; {own}; outside: {', '.join(outside) or 'no way'}"
    texts, href = Texts(title, below, hint), link("machines", service.key)
    return _box("serves", f"{service.key} serves", at, texts, href=href)


def edge(row: Bundle, users: Sequence[Consumer], network: str) -> tuple[str, bool]:
    """What an edge says, and whether anything behind it reaches the network."""
    meets = any(join.meets for one in users for join in one.joins if join.network == network)
    if len(row.consumers) == 1:
        return _address(users[0], network), meets
    everyone = len(users) == len(row.consumers)
    return "all of them" if everyone else f"{len(users)} of them", meets


def _address(one: Consumer, network: str) -> str:
    """The first of its addresses there, and how many more there are."""
    addresses = _addresses(one, network)
    more = f" +{len(addresses) - 1}" if len(addresses) > 1 else ""
    first = addresses[0] if addresses else "no address"
    return shortened(first, (MOST_LABEL - len(more)) * SMALL, SMALL) + more


def use(row: Bundle, users: Sequence[Consumer], network: str) -> str:
    """The same in full."""
    if len(users) > 1:
        return f"{several(len(users), 'firewall')} of {len(row.consumers)} joined {network}"
    one = users[0]
    text = f"{one.name} joined {network}, as {', '.join(_addresses(one, network)) or 'nobody'}"
    meets = all(join.meets for join in one.joins if join.network == network)
    return text if meets else f"{text}; {one.network} has no address family in common with it"


def _addresses(one: Consumer, network: str) -> tuple[str, ...]:
    return next((join.addresses for join in one.joins if join.network == network), ())


def _box(
    kind: str, key: str, at: At, texts: Texts, *, chips: Sequence[str] = (), **fields: Any
) -> Box:
    """A box whose texts are as long as there is room."""
    x, y, wide, high = at
    room = wide - 2 * INSIDE
    of_title = room - STATE if fields.get("shape") else room
    title, below = shortened(texts.title, of_title, TITLE), shortened(texts.below, room, SMALL)
    laid_out = _chips(chips, x + INSIDE, room)
    return Box(kind, key, x, y, wide, high, title, below, texts.hint, chips=laid_out, **fields)


def _chips(texts: Sequence[str], x: float, room: float) -> tuple[Chip, ...]:
    shown = []
    for text in fitting(texts, room, SMALL, CHIP + APART):
        chip = Chip(x, width(text, SMALL) + CHIP, text)
        shown.append(chip)
        x += chip.width + APART
    return tuple(shown)
