"""What every page shows: the partitions, and whether something is wrong in one."""

from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from firewalls.models import Firewall
from networks.models import Partition

TROUBLE = (Firewall.State.FAILED, Firewall.State.DRIFTED, Firewall.State.UNREACHABLE)


def navigation(request: HttpRequest) -> dict[str, Any]:
    """The partitions with the number of their firewalls in trouble; asked only by pages that show them."""
    return {"navigation_partitions": SimpleLazyObject(lambda: list(_partitions(request)))}


def _partitions(request: HttpRequest) -> "QuerySet[Partition]":
    if not request.user.is_authenticated:
        return Partition.objects.none()
    trouble = Firewall.objects.in_state(*TROUBLE).filter(pk=OuterRef("machines__firewall"))
    return Partition.objects.annotate(trouble=Count("machines", filter=Q(Exists(trouble)))).order_by("id")
