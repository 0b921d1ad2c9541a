"""What has changed since reconcile last ran, and concerns a firewall.

Written by a trigger on the audit trail, so that nothing that is recorded can be missed. Left out is
what cannot be in the configuration of a firewall: new networks, networks and prefixes where no
firewall is, and machines and addresses that are neither a firewall's nor where an endpoint leads.
"""

from collections.abc import Iterable, Sequence
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import connection, models

# The product itself has changed: what it renders may be different everywhere.
EVERYTHING = "everything"
# A few of the many firewalls that something concerns.
PART = "part"
# What a network is, for whoever has joined it.
NETWORKS = ("network", "prefix")
# Before the network whose firewalls a change of one of them concerns.
SIBLINGS = "siblings"

# By hand, for the ORM would name each row by a parameter: PostgreSQL takes 65,535 of them, and an
# import touches more rows than that. It is also faster: 0.5 s instead of 2.0 s for 20,000 rows.
_CLAIM = """
DELETE FROM firewalls_touched
WHERE id IN (SELECT id FROM firewalls_touched {which} FOR UPDATE SKIP LOCKED)
RETURNING id, kind, about
"""
_CHANGES = _CLAIM.format(which="WHERE kind <> %s ORDER BY id")
_NEXT_PART = _CLAIM.format(which="WHERE kind = %s ORDER BY id LIMIT 1")


class TouchedQuerySet(models.QuerySet["Touched"]):
    def are_there(self) -> bool:
        """Whether anything waits for reconcile. Asked after each change, so it is written once."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT EXISTS (SELECT FROM firewalls_touched)")
            return bool(cursor.fetchone()[0])

    def claim_changes(self) -> list["Touched"]:
        """Remove and return what has been committed so far: each row goes to one caller only.

        To be called in the transaction that acts on it.
        """
        return list(self.raw(_CHANGES, [PART]))

    def claim_part(self) -> list["Touched"]:
        """The same for the next few firewalls of those for which `split` has left it to others."""
        return list(self.raw(_NEXT_PART, [PART]))

    def split(self, firewalls: Sequence[UUID], size: int) -> None:
        """Note these firewalls, so many a row, instead of the changes that concern them."""
        parts = [firewalls[start : start + size] for start in range(0, len(firewalls), size)]
        self.bulk_create(
            Touched(kind=PART, about=[f"firewall:{pk}" for pk in part]) for part in parts
        )


class Touched(models.Model):
    """One change of a row, by the objects that it is about.

    Rows are only added and removed, so none is lost between two transactions.
    """

    kind = models.CharField(max_length=30)
    about = ArrayField(models.TextField())

    objects = TouchedQuerySet.as_manager()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.kind} {', '.join(self.about)}"


def object_ids(rows: Iterable[Touched], kind: str) -> set[str]:
    """The ids of the objects of this kind that the rows are about."""
    prefix = f"{kind}:"
    objects = (name for row in rows for name in row.about)
    return {name.removeprefix(prefix) for name in objects if name.startswith(prefix)}
