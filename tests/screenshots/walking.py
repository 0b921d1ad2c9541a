"""Which pages there are: whatever links lead to, a few of each kind."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qs, urljoin, urlsplit

from django.urls import Resolver404, resolve

APPS = ("firewalls", "networks", "machines")
MOST_OF_ONE_KIND = 2
# Of these the state decides what the page says.
MORE = {"firewalls:detail": 8, "networks:detail": 6, "firewalls:push_detail": 4}
NOT_PAGES = frozenset({"format", "page"})  # what one downloads, and more of the same
FILES = ("firewalls:download",)


def _address(link: str) -> str:
    """Path and query."""
    parts = urlsplit(link)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def view_of(address: str) -> str:
    """The view, whatever is chosen; nothing for what is no page of the dashboard."""
    return kind_of(address).partition("?")[0]


def kind_of(address: str) -> str:
    """The view, and what is chosen in the query; nothing for what is no page of the dashboard."""
    parts = urlsplit(address)
    chosen = parse_qs(parts.query)
    try:
        view = resolve(parts.path).view_name
    except Resolver404:
        return ""
    if view in FILES or view.partition(":")[0] not in APPS or NOT_PAGES & chosen.keys():
        return ""
    return "?".join([view, *(["&".join(sorted(chosen))] if chosen else [])])


@dataclass
class Walk:
    """The addresses that are still to be looked at, and of each kind how many there were."""

    kind: Callable[[str], str] = kind_of
    ahead: list[str] = field(default_factory=lambda: ["/"])
    known: set[str] = field(default_factory=lambda: {"/"})
    kinds: Counter[str] = field(default_factory=Counter)

    def __iter__(self) -> Iterator[str]:
        while self.ahead:
            yield self.ahead.pop(0)

    def note(self, links: Iterable[str]) -> None:
        """What a page leads to, unless there were enough of that kind."""
        for link in links:
            address = _address(link)
            if address in self.known or not (kind := self.kind(address)):
                continue
            self.known.add(address)
            if self.kinds[kind] < MORE.get(kind, MOST_OF_ONE_KIND):
                self.kinds[kind] += 1
                self.ahead.append(address)


def file_name(number: int, address: str) -> str:
    """As the address reads, and as short as a name of a file must be."""
    kind = kind_of(address).replace(":", "-").replace("?", "-by-").replace("&", "-")
    return f"{number:03}-{kind or 'overview'}"


def links(page: str, address: str) -> Sequence[str]:
    """What it leads to, save what is downloaded."""
    found = _Links()
    found.feed(page)
    return [urljoin(address, target) for target in found.targets]


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "a" and (target := given.get("href")) and "download" not in given:
            self.targets.append(target)
