"""What the triggers of all apps have in common: guards that refuse, and the record of every change.

A trigger holds for `update()`, bulk code, fixtures and hand-written SQL as well, and works in the
transaction of the statement: what is rolled back was never recorded.
"""

from collections.abc import Collection, Mapping
from functools import cache
from typing import Any

import pgtrigger
from django.apps import apps
from django.db import models

# For `Recorded(shown_as=...)`: the names that people know, in place of ids.
MACHINE = "(SELECT name FROM machines_machine WHERE id = {row}.machine_id)"
FIREWALL = "(SELECT name FROM machines_machine WHERE id = {row}.firewall_id)"


def lines(*statements: str) -> str:
    """SQL written a statement, or a part of one, a line."""
    return "\n" + "\n".join(statements) + "\n"


def refusal(sentence: str, *arguments: str, unless: str = "") -> str:
    """PL/pgSQL that refuses the statement, unless this SQL condition holds.

    `sentence` is a format string with a %s for each of the `arguments`, which are SQL expressions.
    """
    literal = sentence.replace("'", "''")
    values = ", ".join([f"'{literal}'", *arguments])
    raised = f"RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = format({values});"
    return f"IF NOT ({unless}) THEN {raised} END IF;" if unless else raised


class Guard(pgtrigger.Trigger):
    """Refuses a statement unless the SQL condition holds for the row; says so as `refusal` does."""

    when = pgtrigger.Before

    def __init__(
        self,
        *,
        sentence: str,
        arguments: Collection[str] = (),
        unless: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.sentence = sentence
        self.arguments = arguments
        self.unless = unless

    def get_func(self, model: models.Model) -> str:
        row = "OLD" if self.operation == pgtrigger.Delete else "NEW"
        return f"{refusal(self.sentence, *self.arguments, unless=self.unless)} RETURN {row};"


class Fixed(pgtrigger.ReadOnly):
    """Refuses to change these columns."""

    def __init__(self, *, sentence: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.sentence = sentence

    def get_func(self, model: models.Model) -> str:
        return refusal(self.sentence)


class Recorded(pgtrigger.Trigger):
    """Writes every change of a row into the audit trail (`networks.models.Activity`).

    SQL expressions over `this`, which is the row as it is now or, once it is removed, was:
      `label`   what people call the row
      `key`     its id in the audit trail; by default its primary key
      `about`   further objects whose history it belongs to, as `'network:' || this.network_id`;
                of a row that was changed, also those that it was about before
    Fields by their names:
      `hidden`    left out of the audit trail: secrets, ids of rows that nobody sees, and what
                  programs observe rather than people decide. A change of nothing but hidden
                  fields is not recorded at all.
      `shown_as`  recorded as this SQL expression over `{row}`, instead of or beside the fields
    `operation` and `condition` narrow it to what people decide, where programs change rows as well.
    """

    name = "recorded"
    when = pgtrigger.After
    operation = pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete

    def __init__(
        self,
        *,
        label: str,
        kind: str = "",
        key: str = "",
        about: Collection[str] = (),
        hidden: Collection[str] = (),
        shown_as: Mapping[str, str] | None = None,
        operation: pgtrigger.Operation | None = None,
        condition: pgtrigger.Condition | None = None,
    ) -> None:
        super().__init__(operation=operation, condition=condition)
        self.label = label
        self.kind = kind
        self.key = key
        self.about = about
        self.hidden = hidden
        self.shown_as = shown_as or {}

    def get_declare(self, model: models.Model) -> list[tuple[str, str]]:
        return [("this", model._meta.db_table), ("about", "text[]")]

    def get_func(self, model: models.Model) -> str:
        assert model._meta.pk is not None
        kind = self.kind or model._meta.model_name
        key = self.key or f"this.{model._meta.pk.column}::text"
        about = ", ".join([f"'{kind}:' || {key}", *self.about])
        return f"""
            IF TG_OP = 'DELETE' THEN this := OLD; ELSE this := NEW; END IF;
            about := array_remove(ARRAY[{about}], NULL);
            IF TG_OP = 'UPDATE' THEN
                this := OLD;
                about := about || ARRAY(
                    SELECT one FROM unnest(ARRAY[{about}]) AS one WHERE one <> ALL (about));
                this := NEW;
            END IF;
            PERFORM networks_record('{kind}', {key}, {self.label}, about,
                CASE WHEN TG_OP <> 'INSERT' THEN {self._values(model, "OLD")} END,
                CASE WHEN TG_OP <> 'DELETE' THEN {self._values(model, "NEW")} END);
            RETURN NULL;
        """

    def _values(self, model: models.Model, row: str) -> str:
        """The recorded fields of OLD or NEW as a JSON object."""
        expressions: dict[str, str] = {}
        for field in model._meta.concrete_fields:
            if field.name not in self.hidden:
                expressions[field.name] = f"{row}.{field.column}"
        for name, expression in self.shown_as.items():
            expressions[name] = expression.format(row=row)
        pairs = ", ".join(f"'{name}', {expression}" for name, expression in expressions.items())
        return f"jsonb_build_object({pairs})"


@cache
def recorded_kinds() -> tuple[str, ...]:
    """The kinds of objects whose changes are recorded; and logins, which change no row."""
    kinds = {
        trigger.kind or str(model._meta.model_name)
        for model in apps.get_models()
        for trigger in getattr(model._meta, "triggers", ())
        if isinstance(trigger, Recorded)
    }
    return tuple(sorted({*kinds, "login"}))
