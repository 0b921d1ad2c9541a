"""What every page shows: the partitions, and whether something is wrong in one."""

from functools import partial
from typing import Any

from django.db.models import Count
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from firewalls.models import Firewall
from networks.models import Partition


def navigation(request: HttpRequest) -> dict[str, Any]:
    """The partitions, each with its firewalls in trouble; counted only by pages that show them."""
    return {"navigation_partitions": SimpleLazyObject(partial(_partitions, request))}


def _partitions(request: HttpRequest) -> list[Partition]:
    if not request.user.is_authenticated:
        return []
    firewalls = Firewall.objects.in_trouble().order_by()
    trouble = dict(firewalls.values_list("machine__partition").annotate(Count("pk")))
    partitions = list(Partition.objects.order_by("id"))
    for partition in partitions:
        partition.trouble = trouble.get(partition.pk, 0)  # type: ignore[attr-defined] # for the template
    return partitions
