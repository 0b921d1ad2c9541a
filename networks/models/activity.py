"""The audit trail: read by everybody, written by triggers alone.

Except for who logs in and who is refused, which changes no row: `config.access.knocks`.
"""

from typing import Any

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex, GinIndex
from django.db import connection, models

from networks.common.triggers import recorded_kinds, refusal

# PostgreSQL's DISTINCT reads all rows: here a step in the index for each name.
_NAMES = """
WITH RECURSIVE names AS (
    SELECT min(who) AS who FROM networks_activity
    UNION ALL
    SELECT (SELECT min(who) FROM networks_activity WHERE who > names.who)
    FROM names WHERE names.who IS NOT NULL
)
SELECT who FROM names WHERE who IS NOT NULL
"""


class AppendOnly(pgtrigger.Trigger):
    """Refuses to change or remove what was recorded."""

    name = "what_was_written_stays"
    when = pgtrigger.Before
    operation = pgtrigger.Update | pgtrigger.Delete

    def get_func(self, model: models.Model) -> str:
        return refusal("The trail is not edited.")


class ActivityQuerySet(models.QuerySet["Activity"]):
    def visible_to(self, user: Any) -> "ActivityQuerySet":
        """Without accounts and tokens for those who may not see tokens."""
        if user.has_perm("config.view_token"):
            return self
        return self.exclude(kind__in=Activity.OF_ACCESS)

    def by(self, text: str) -> "ActivityQuerySet":
        """What was done by those with this in their names."""
        return self.filter(who__in=[who for who in _names() if text.lower() in who.lower()])

    def of(self, name: str) -> "ActivityQuerySet":
        """The history of whatever has, or once had, this id or name."""
        with_name = Activity.objects.filter(kind__in=Activity.NAMED, label=name).order_by()
        objects = [f"{kind}:{name}" for kind in recorded_kinds()]
        for kind, key in with_name.values_list("kind", "key").distinct():
            objects.append(f"{kind}:{key}")
        return self.filter(about__overlap=objects)


def _names() -> list[str]:
    """Everybody who ever did something: from the index, a step for each."""
    with connection.cursor() as cursor:
        cursor.execute(_NAMES)
        return [who for (who,) in cursor.fetchall()]


class Activity(models.Model):
    """One change of one object: who, when, by which way in, what exactly, and why."""

    WAYS = ("browser", "api", "token", "admin", "command", "task", "sql")
    OF_ACCESS = ("user", "role", "token", "login")
    NAMED = ("machine", "firewall", "user", "token")  # their ids are not what people call them

    class Verb(models.TextChoices):
        CREATED = "created", "created"
        CHANGED = "changed", "changed"
        REMOVED = "removed", "removed"

    at = models.DateTimeField()
    who = models.CharField(max_length=150, blank=True)
    via = models.CharField(
        max_length=10,
        help_text="browser, api, token, admin, command, task, or sql where nobody said who.",
    )
    request = models.CharField(
        max_length=64, help_text="What was done in one request, or one run, has one id."
    )
    operation = models.CharField(max_length=400, blank=True)
    reason = models.CharField(max_length=400, blank=True)
    verb = models.CharField(max_length=7, choices=Verb.choices)
    kind = models.CharField(max_length=30)
    key = models.TextField(help_text="The object's id.")
    label = models.TextField(blank=True, help_text="What the object was called then.")
    about = ArrayField(
        models.TextField(), help_text="The objects whose history this belongs to, as kind:id."
    )
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    story = models.CharField(
        max_length=80, help_text="What one request, run or rollout did is one story."
    )
    opens = models.BooleanField(help_text="Whether it is the first of its story.")

    objects = ActivityQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "activities"
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["request", "id"], name="activity_by_request"),
            models.Index(fields=["who", "id"], name="activity_by_who"),
            models.Index(fields=["kind", "id"], name="activity_by_kind"),
            models.Index(fields=["label", "id"], name="activity_by_label"),
            models.Index(fields=["story", "id"], name="activity_by_story"),
            models.Index(fields=["id"], name="activity_opens", condition=models.Q(opens=True)),
            models.Index(
                fields=["story"], name="activity_opens_story", condition=models.Q(opens=True)
            ),
            GinIndex(fields=["about"], name="activity_about"),
            BrinIndex(fields=["at"], name="activity_at"),
        ]
        triggers = [AppendOnly()]

    def __str__(self) -> str:
        return f"{self.kind} {self.label} {self.verb}"

    @property
    def by(self) -> str:
        """Who it was, in words: a run is named after what it does."""
        if self.via == "task":
            return f"the worker ({self.who})"
        return f"manage.py {self.who}" if self.via == "command" else self.who or "nobody named"

    @property
    def changes(self) -> dict[str, tuple[Any, Any]]:
        """Before and after of every field that changed."""
        before, after = self.before or {}, self.after or {}
        return {
            name: (before.get(name), after.get(name))
            for name in sorted(before.keys() | after.keys())
        }
