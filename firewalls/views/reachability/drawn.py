"""An answer as its page draws it: hops with links, what is in the way once, and who may mend it."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, timedelta
from typing import NamedTuple
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from firewalls.intent.questions import Answered
from firewalls.intent.remedies import url_of
from firewalls.reachability import Blocker, Guard, Hop, Partition, Remedy, Verdict
from firewalls.reachability.remedies import ADMIN, OPERATOR

PERMISSIONS = {OPERATOR: "firewalls.add_attachment", ADMIN: "networks.share_network"}
BY_A_PUSH = ("new", "pending")


class DrawnHop(NamedTuple):
    """A place on the way, and its page, if it has one."""

    hop: Hop
    url: str


class DrawnFamily(NamedTuple):
    """Both ways in one address family; `stopped`: it ends on the way."""

    version: int
    verdict: Verdict
    path: tuple[DrawnHop, ...]
    return_path: tuple[DrawnHop, ...]
    stopped: bool


class InTheWay(NamedTuple):
    """One thing in the way, in all families in which it is."""

    blocker: Blocker
    versions: tuple[int, ...]


class Offered(NamedTuple):
    """A remedy, where it is done, and whether this user may."""

    remedy: Remedy
    url: str
    allowed: bool


def drawn(request: HttpRequest, found: Answered) -> dict[str, object]:
    """What the page of an answer shows."""
    answer, links = found.answer, _links(found.partition)
    families = [
        DrawnFamily(
            one.version,
            one.verdict,
            _hops(one.path, links),
            _hops(one.return_path, links),
            one.verdict is Verdict.UNREACHABLE,
        )
        for one in answer.families
    ]
    return {
        "found": found,
        "families": families,
        "in_the_way": list(_in_the_way(answer.blockers)),
        "remedies": [_offered(request, one) for one in answer.remedies],
        "unpushed": _unpushed(found),
        "ended_before": _just_before(found),
    }


def _just_before(found: Answered) -> str:
    """The last second in which it worked, as a field of time takes it."""
    if found.ended is None:
        return ""
    before = found.ended.at.astimezone(UTC) - timedelta(seconds=1)
    return before.strftime("%Y-%m-%dT%H:%M:%S")


def _hops(path: Iterable[Hop], links: dict[tuple[str, str], str]) -> tuple[DrawnHop, ...]:
    return tuple(DrawnHop(hop, links.get((hop.kind, hop.name), "")) for hop in path)


def _links(partition: Partition) -> dict[tuple[str, str], str]:
    """The pages of what is on the way, by kind and name; of names that several have, none."""
    known = [("firewall", one.name, "firewalls:detail", one.id) for one in partition.guards]
    known += [("machine", one.name, "firewalls:reaches", one.id) for one in partition.machines]
    known += [("vrf", id, "networks:detail", id) for id in partition.networks]
    times = Counter((kind, name) for kind, name, _, _ in known)
    return {
        (kind, name): reverse(page, args=[id])
        for kind, name, page, id in known
        if times[kind, name] == 1
    }


def _in_the_way(blockers: Iterable[Blocker]) -> Iterator[InTheWay]:
    alike: dict[tuple[str, str, str], list[Blocker]] = {}
    for one in blockers:
        alike.setdefault((one.code, one.message, one.where), []).append(one)
    for same in alike.values():
        yield InTheWay(same[0], tuple(sorted({one.version for one in same})))


def _offered(request: HttpRequest, remedy: Remedy) -> Offered:
    """The page that does it leads back to the question."""
    url = url_of(remedy)
    back = urlencode({"back": request.get_full_path()})
    allowed = request.user.has_perm(PERMISSIONS[remedy.role])
    return Offered(remedy, f"{url}{'&' if '?' in url else '?'}{back}", allowed)


def _unpushed(found: Answered) -> list[Guard]:
    """The firewalls on the way that have yet to be pushed to."""
    names = {
        hop.name for one in found.answer.families for hop in one.path if hop.kind == "firewall"
    }
    guards = (one for one in found.partition.guards if one.name in names)
    return [one for one in guards if one.state in BY_A_PUSH]
