"""What our triggers have in common: guards that refuse, and the audit trail.

The audit trail: every change of a row is one row of `Activity`, written by a trigger in the same transaction.

So it holds for `update()`, bulk code and fixtures as well, and what was rolled back was never recorded.
"""

from collections.abc import Collection, Mapping
from typing import Any

import pgtrigger
from django.db import models

MACHINE = "(SELECT name FROM machines_machine WHERE id = {row}.machine_id)"
FIREWALL = "(SELECT name FROM machines_machine WHERE id = {row}.firewall_id)"


def refuse(sentence: str, unless: str = "") -> str:
    """PL/pgSQL that refuses the statement: `sentence` may use `format()`'s %s, with its arguments after it, separated by commas."""
    text, *arguments = sentence.split(" | ")
    said = ", ".join([f"'{text}'", *arguments])
    refusal = f"RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = format({said});"
    return f"IF NOT ({unless}) THEN {refusal} END IF;" if unless else refusal


class Guard(pgtrigger.Trigger):
    """Refuses a statement unless the SQL condition holds for the row."""

    when = pgtrigger.Before

    def __init__(self, *, sentence: str, unless: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.sentence, self.unless = sentence, unless

    def get_func(self, model: models.Model) -> str:
        row = "OLD" if self.operation == pgtrigger.Delete else "NEW"
        return f"{refuse(self.sentence, self.unless)} RETURN {row};"


class Fixed(pgtrigger.ReadOnly):
    """Refuses to change these columns."""

    def __init__(self, *, sentence: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.sentence = sentence

    def get_func(self, model: models.Model) -> str:
        return refuse(self.sentence)


class Recorded(pgtrigger.Trigger):
    """Records the changes of a table.

    `label` and `about` are SQL expressions over `this`, the row as it is now or, once removed, was: what people call it, and
    the other objects whose history it belongs to, such as `'network:' || this.network_id`. `key` is its id there.
    `hidden` columns leave no trace; `shown_as` ones are written down as the SQL expression says, over `{row}`.
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
    ) -> None:
        super().__init__()
        self.label, self.kind, self.key, self.about, self.hidden, self.shown_as = (
            label,
            kind,
            key,
            about,
            hidden,
            shown_as or {},
        )

    def get_declare(self, model: models.Model) -> list[tuple[str, str]]:
        return [("this", model._meta.db_table)]

    def get_func(self, model: models.Model) -> str:
        assert model._meta.pk is not None
        kind, key = (
            self.kind or model._meta.model_name,
            self.key or f"this.{model._meta.pk.column}::text",
        )
        about = ", ".join([f"'{kind}:' || {key}", *self.about])
        return f"""
            IF TG_OP = 'DELETE' THEN this := OLD; ELSE this := NEW; END IF;
            PERFORM networks_record('{kind}', {key}, {self.label}, ARRAY[{about}],
                CASE WHEN TG_OP <> 'INSERT' THEN {self._values(model, "OLD")} END,
                CASE WHEN TG_OP <> 'DELETE' THEN {self._values(model, "NEW")} END);
            RETURN NULL;
        """

    def _values(self, model: models.Model, row: str) -> str:
        shown = {
            field.name: f"{row}.{field.column}"
            for field in model._meta.concrete_fields
            if field.name not in self.hidden
        }
        shown |= {name: expression.format(row=row) for name, expression in self.shown_as.items()}
        pairs = ", ".join(f"'{name}', {expression}" for name, expression in shown.items())
        return f"jsonb_build_object({pairs})"
