"""The audit trail as people read it: what one request, run or rollout did is one story."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, Q

from networks.common.links import links
from networks.models import Activity, ActivityQuerySet

PER_PAGE = 25
SHOWN = 8  # changes of one story that a page of stories shows; the rest are a link away
MOST = 1000  # changes of one story that are counted
FEW = 5000  # changes whose stories are found by reading them all; of more, by looking at stories


class Difference(NamedTuple):
    """A field that changed, in words."""

    name: str
    before: str
    after: str


@dataclass(frozen=True)
class Change:
    """One object that was created, changed or removed."""

    row: Activity
    differences: tuple[Difference, ...]
    url: str  # the page of the object, or of what it belongs to; empty if nothing is left of it

    @property
    def sentence(self) -> str:
        before, after = self.row.changes.get("state", (None, None))
        if self.row.verb == Activity.Verb.CHANGED and before and after:
            return f"{self.row.kind} {self.row.label} is {_text(after).replace('_', ' ')}"
        return f"{self.row.kind} {self.row.label} was {self.row.verb}"


@dataclass(frozen=True)
class Story:
    """What somebody did, in a sentence, and what it changed: the oldest change first.

    `latest` is the newest of its changes; `total` counts them, up to MOST + 1.
    """

    opening: Activity
    changes: tuple[Change, ...]
    latest: Change
    total: int

    @property
    def key(self) -> str:
        return self.opening.story

    @property
    def at(self) -> datetime:
        return self.opening.at

    @property
    def sentence(self) -> str:
        """The operation; where it has no name, what became of its objects."""
        if self.opening.operation:
            return self.opening.operation
        if self.total == 1:
            return self.changes[0].sentence
        return f"{self.changes[0].sentence}, and {self.counted(self.total - 1)} more"

    @property
    def url(self) -> str:
        """The page of the rollout that it is about; empty if it is about none."""
        return next((one.url for one in self.changes if one.row.kind == "rollout"), "")

    @property
    def reason(self) -> str:
        return next((one.row.reason for one in self.changes if one.row.reason), "")

    @property
    def went_on(self) -> bool:
        """Whether another request or run, such as the worker's, went on with it."""
        return self.latest.row.request != self.opening.request

    @property
    def more(self) -> str:
        """How many further changes belong to it."""
        return self.counted(self.total - len(self.changes)) if self.total > SHOWN else ""

    def counted(self, number: int) -> str:
        return f"more than {MOST - SHOWN:,}" if self.total > MOST else f"{number:,}"


def stories(rows: ActivityQuerySet, before: int | None = None) -> tuple[list[Story], bool]:
    """The stories of these rows, the newest first; and whether there are more.

    A story stands where it began, whatever is added to it later: no page misses one or shows one
    twice. `before`: only those that began before the change with this id.
    """
    few = list(rows.order_by().values_list("story", "pk")[: FEW + 1])
    if len(few) <= FEW:
        among = Q(story__in={story for story, _ in few})
    else:
        among = Q(Exists(rows.filter(story=OuterRef("story"))))
    openings = Activity.objects.filter(among, opens=True)
    if before is not None:
        openings = openings.filter(pk__lt=before)
    found = list(openings.order_by("-pk")[: PER_PAGE + 1])
    shown = found[:PER_PAGE]
    ids = _grouped(few) if len(few) <= FEW else _read(rows, shown)
    return _told(shown, ids), len(found) > PER_PAGE


def _grouped(pairs: Iterable[tuple[str, int]]) -> dict[str, list[int]]:
    """The changes of each story, the oldest first."""
    grouped: dict[str, list[int]] = defaultdict(list)
    for story, pk in sorted(pairs):
        grouped[story].append(pk)
    return grouped


def _read(rows: ActivityQuerySet, openings: list[Activity]) -> dict[str, list[int]]:
    """As `_grouped`: the first ones of each story and its last, however many there are."""
    own = rows.filter(story=OuterRef("story"))
    ids = ArraySubquery(own.order_by("pk").values("pk")[: MOST + 1])
    last = ArraySubquery(own.order_by("-pk").values("pk")[:1])
    keys = Activity.objects.filter(pk__in=[opening.pk for opening in openings]).order_by()
    read = keys.values_list("story", ids, last)
    return {
        story: [*first, *newest] if len(first) > MOST else first for story, first, newest in read
    }


def _told(openings: list[Activity], ids: dict[str, list[int]]) -> list[Story]:
    keys = [opening.story for opening in openings]
    shown = {pk for key in keys for pk in (*ids[key][:SHOWN], ids[key][-1])}
    rows = {one.row.pk: one for one in changes(Activity.objects.filter(pk__in=shown))}
    return [
        Story(
            opening,
            tuple(rows[pk] for pk in ids[opening.story][:SHOWN]),
            rows[ids[opening.story][-1]],
            len(ids[opening.story]),
        )
        for opening in openings
    ]


def changes(rows: Iterable[Activity]) -> list[Change]:
    """What these rows say, in a query for each sort of object that has a page."""
    read = list(rows)
    pages = links(name for row in read for name in row.about)
    return [
        Change(
            row,
            tuple(_differences(row)),
            next((pages[name] for name in row.about if name in pages), ""),
        )
        for row in read
    ]


def of_rows(rows: Iterable[Activity]) -> list[Story]:
    """What these rows, newest first, tell: the stories as far as they are in them."""
    told: dict[str, list[Change]] = {}
    for one in changes(rows):
        told.setdefault(one.row.story, []).insert(0, one)
    return [Story(of[0].row, tuple(of[:SHOWN]), of[-1], len(of)) for of in told.values()]


def _differences(row: Activity) -> Iterator[Difference]:
    """The fields that changed, as texts; what stayed empty is left out."""
    for name, (before, after) in row.changes.items():
        difference = Difference(name.replace("_", " "), _text(before), _text(after))
        if difference.before or difference.after:
            yield difference


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_text(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{name}={_text(item)}" for name, item in sorted(value.items()))
    return str(value)
