"""The ways in, each doing the same things: whatever goes through one is judged as at the others.

A refusal is `{field: [(code, sentence)]}`. Fields that a door calls otherwise than the model does
are translated back.
"""

from typing import Any

from tests.doors.admin import Admin
from tests.doors.programs import Form, Orm
from tests.doors.refusals import Refusal
from tests.doors.rest import Rest

DOORS: dict[str, type[Any]] = {"orm": Orm, "form": Form, "rest": Rest, "admin": Admin}

__all__ = ["DOORS", "Refusal"]
