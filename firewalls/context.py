"""What every page shows: the partitions, and in which of them something is wrong."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject

from firewalls.models import Firewall
from networks.common.statements import Fixed
from networks.models import Partition


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """A partition by its id, and how many of its firewalls are in trouble."""

    id: str
    trouble: int

    @property
    def url(self) -> str:
        return reverse("firewalls:partition", args=[self.id])


def navigation(request: HttpRequest) -> dict[str, Any]:
    """The partitions with the number of their firewalls in trouble.

    Lazy: only pages that show them pay for the queries.
    """
    return {"navigation_partitions": SimpleLazyObject(partial(_partitions, request))}


@Fixed
def _in_trouble() -> "QuerySet[Firewall, tuple[str, int]]":
    rows = Firewall.objects.in_trouble().order_by()
    return rows.values_list("machine__partition").annotate(Count("pk"))


def _partitions(request: HttpRequest) -> list[MenuEntry]:
    if not request.user.is_authenticated:
        return []
    trouble = dict(_in_trouble.rows())
    partitions = Partition.objects.order_by("id").values_list("id", flat=True)
    return [MenuEntry(partition, trouble.get(partition, 0)) for partition in partitions]
