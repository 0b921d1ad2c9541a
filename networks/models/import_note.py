"""What imports have left out or assumed of objects, and what they have kept out."""

import re

from django.db import models
from django.db.models import Count, Q, Value
from django.db.models.functions import Concat

from networks.common.triggers import Recorded
from networks.common.validation import ChoiceCheck

_RULE = re.compile(r"\((R\d+)\b")
_VERDICTS = ["noted", "kept_out"]


class ImportNoteQuerySet(models.QuerySet["ImportNote"]):
    def kept_out(self) -> "ImportNoteQuerySet":
        return self.filter(verdict=ImportNote.Verdict.KEPT_OUT)

    def about(self, kind: str, key: object) -> "ImportNoteQuerySet":
        """Those of one object, by the names that the audit trail has for it."""
        return self.filter(kind=kind, key=str(key))

    def objects_by_verdict(self) -> dict[str, int]:
        """How many objects have notes of each verdict, in one query."""
        number = Count(Concat("kind", Value(":"), "key"), distinct=True)
        return dict(self.order_by().values_list("verdict").annotate(number=number))


class ImportNote(models.Model):
    """One thing that an import has to say of an object, until another import has not.

    The object need not be here: one that breaks a rule is kept out. So this refers to it by kind
    and id, as the audit trail does. Written by imports alone.
    """

    class Verdict(models.TextChoices):
        NOTED = "noted", "taken with a note"
        KEPT_OUT = "kept_out", "kept out"

    LONGEST = {"kind": 30, "key": 200, "label": 200, "verdict": 8, "field": 200, "message": 1000}

    kind = models.CharField(max_length=30)
    key = models.CharField(max_length=200, help_text="The object's id.")
    label = models.CharField(max_length=200, help_text="What people call the object.")
    verdict = models.CharField(max_length=8, choices=Verdict.choices)
    field = models.CharField(max_length=200, blank=True, help_text="As the files call it.")
    message = models.CharField(max_length=1000)
    at = models.DateTimeField(auto_now_add=True)

    objects = ImportNoteQuerySet.as_manager()

    class Meta:
        ordering = ["kind", "key", "id"]
        default_permissions = ("view",)
        indexes = [models.Index(fields=["kind", "key", "id"], name="import_note_by_object")]
        constraints = [
            ChoiceCheck(name="import_verdict_is_known", condition=Q(verdict__in=_VERDICTS))
        ]
        triggers = [
            Recorded(
                kind="import-note",
                label="this.label",
                about=["this.kind || ':' || this.key"],
                hidden=["id", "at"],
            )
        ]

    def __str__(self) -> str:
        return f"{self.label}: {self.message}"

    @property
    def rule(self) -> str:
        """The rule that the object breaks, such as R14; empty where it breaks none."""
        match = _RULE.search(self.message)
        return match[1] if match else ""
