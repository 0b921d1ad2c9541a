"""What has changed since reconcile looked: written by a trigger on the trail, so that nothing that is recorded can be missed."""

from collections.abc import Iterable

from django.contrib.postgres.fields import ArrayField
from django.db import models

EVERYTHING = (
    "everything"  # the product itself has changed: what it renders may be different everywhere
)

# A statement of its own: there may be more rows than a statement may have parameters.
_TAKE = """
DELETE FROM firewalls_touched WHERE id IN (SELECT id FROM firewalls_touched ORDER BY id FOR UPDATE SKIP LOCKED) RETURNING id, kind, about
"""


class TouchedQuerySet(models.QuerySet["Touched"]):
    def claim_all(self) -> list["Touched"]:
        """What has been committed so far, each for one taker. To be called in the transaction that acts on it."""
        return list(self.raw(_TAKE))

    def everything(self) -> None:
        self.create(kind=EVERYTHING, about=[])


class Touched(models.Model):
    """One change of a row, by the objects it is about. Lines are only added and taken, so none is lost between two transactions."""

    kind = models.CharField(max_length=30)
    about = ArrayField(models.TextField())

    objects = TouchedQuerySet.as_manager()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.kind} {', '.join(self.about)}"


def object_ids(rows: Iterable[Touched], kind: str) -> set[str]:
    """The ids of the objects of this kind that the rows are about."""
    mark = f"{kind}:"
    return {one.removeprefix(mark) for row in rows for one in row.about if one.startswith(mark)}
