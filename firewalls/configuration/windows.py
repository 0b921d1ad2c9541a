"""When pushes may start: weekly spans by the clock of a time zone, pure.

A span means what a clock on a wall there shows: where summer time begins, a span inside the hour
that is left out does not open that day; where it ends, the hour that comes twice counts twice.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

WEEK = (1, 2, 3, 4, 5, 6, 7)  # ISO 8601: Monday is 1
NAMES = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Span:
    """Open on these days from one time to another, or to that time of the next day."""

    days: tuple[int, ...]
    begins: time
    ends: time
    zone: str

    def __str__(self) -> str:
        days = "daily" if self.days == WEEK else ", ".join(NAMES[day - 1] for day in self.days)
        return f"{days} {self.begins:%H:%M} to {self.ends:%H:%M} {self.zone}"

    def is_open(self, now: datetime) -> bool:
        """Whether a push may start at this moment."""
        there = now.astimezone(_zone(self.zone))
        clock, today = there.time(), there.isoweekday()
        if self.begins < self.ends:
            return today in self.days and self.begins <= clock < self.ends
        since_yesterday = (there.date() - DAY).isoweekday() in self.days and clock < self.ends
        return since_yesterday or (today in self.days and clock >= self.begins)

    def openings(self, now: datetime) -> Iterator[datetime]:
        """When it opens in the coming two weeks, in UTC.

        Two, for a day on which the clock leaves the beginning out may be the only one in the first.
        """
        zone = _zone(self.zone)
        today = now.astimezone(zone).date()
        for offset in range(2 * len(WEEK) + 1):
            opens = _moment(today + offset * DAY, self.begins, zone)
            if opens > now and self.is_open(opens):
                yield opens


def is_open(spans: Iterable[Span], now: datetime) -> bool:
    """Whether one of them is."""
    return any(span.is_open(now) for span in spans)


def next_opening(spans: Iterable[Span], now: datetime) -> datetime | None:
    """When the first of them opens again, in UTC; None if none does."""
    return min((opens for span in spans for opens in span.openings(now)), default=None)


def zone_problem(name: str) -> str:
    """Why this is no time zone, as a sentence; empty if it is one."""
    if name in _zones():
        return ""
    return f"{name!r} is no time zone; give one such as Europe/Berlin, or UTC."


def _moment(day: date, at: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, at, zone).astimezone(UTC)


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
