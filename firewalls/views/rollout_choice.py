"""Which firewalls a rollout is for: chosen in the list, shown, and then exactly those."""

from collections.abc import Iterable
from typing import NamedTuple, Self
from uuid import UUID

from django.http import HttpRequest

from firewalls.models import Firewall, FirewallQuerySet
from firewalls.pushing.rollouts.sequence import in_order
from firewalls.views.firewalls import FILTERS, is_uuid
from networks.common.lists import given_filters

SEPARATOR = ":"


class Shown(NamedTuple):
    """A firewall as somebody saw it, who then decided: with the revision that was wanted of it.

    It goes with the form as a word.
    """

    pk: UUID
    wanted: str
    name: str

    @classmethod
    def of(cls, firewall: Firewall) -> Self:
        wanted = str(firewall.wanted.number) if firewall.wanted else ""
        return cls(firewall.pk, wanted, firewall.name)

    @classmethod
    def read(cls, word: str) -> Self | None:
        pk, _, rest = word.partition(SEPARATOR)
        wanted, _, name = rest.partition(SEPARATOR)
        return cls(UUID(pk), wanted, name) if is_uuid(pk) else None

    @property
    def word(self) -> str:
        return SEPARATOR.join([self.pk.hex, self.wanted, self.name])

    def changed(self, now: Firewall | None) -> str:
        """What is otherwise by now, in words; nothing if it is as it was shown."""
        if now is None:
            return f"{self.name} was freed"
        if self.of(now).wanted == self.wanted:
            return ""
        before = f"revision {self.wanted}" if self.wanted else "none"
        return f"{now.name} wants revision {self.of(now).wanted or 'none'} instead of {before}"


def words(firewalls: list[Firewall]) -> str:
    """What the form carries."""
    return " ".join(Shown.of(firewall).word for firewall in firewalls)


def shown(text: str) -> tuple[list[Firewall], list[str]]:
    """Those that the form carries and that are there, in its order; and what has changed since."""
    seen = list(filter(None, map(Shown.read, text.split())))
    now = _rows().in_bulk([one.pk for one in seen])
    changes = [change for one in seen if (change := one.changed(now.get(one.pk)))]
    return [now[one.pk] for one in seen if one.pk in now], changes


def chosen(request: HttpRequest) -> tuple[list[Firewall], str]:
    """The firewalls that are meant, in the order of their turns, and in words which these are."""
    firewalls, words = _chosen(request)
    words = request.GET.get("cause", "").strip() or words
    return [placed.firewall for placed in in_order(firewalls, {})], words


def _chosen(request: HttpRequest) -> tuple[list[Firewall], str]:
    if marked := ids(request.GET.getlist("firewall")):
        return _marked(marked)
    if "all" in request.GET:
        return _matching(given_filters(request, FILTERS))
    return [], ""


def _marked(ids: list[UUID]) -> tuple[list[Firewall], str]:
    """Those marked in the list."""
    firewalls = list(_rows().filter(pk__in=ids))
    return firewalls, f"{len(firewalls)} chosen firewall{'' if len(firewalls) == 1 else 's'}"


def _matching(filters: dict[str, str]) -> tuple[list[Firewall], str]:
    """All that match the filters of the list, as far as they can be pushed to."""
    rows = _rows().exclude(host="")
    said = []
    found = Firewall.objects.with_state().order_by()
    for name, value in filters.items():
        found = FILTERS[name](found, value)
        said.append(f"{'name like' if name == 'q' else name} {value}")
    cause = f"all firewalls with {', '.join(said)}" if said else "all firewalls"
    return list(rows.filter(pk__in=found.values("pk")) if filters else rows), cause


def on_page(firewalls: list[Firewall]) -> list[Firewall]:
    """These with all that is shown of them, as far as they are there."""
    known = Firewall.objects.with_relations().with_state().in_bulk([one.pk for one in firewalls])
    return [known[one.pk] for one in firewalls if one.pk in known]


def ids(values: Iterable[str]) -> list[UUID]:
    """Those of the values of a form that may be ids of firewalls."""
    return [UUID(value) for value in values if is_uuid(value)]


def _rows() -> FirewallQuerySet:
    return Firewall.objects.with_places().order_by("machine__name", "machine_id")
