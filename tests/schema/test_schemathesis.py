"""Schemathesis finds nothing: what the schema allows is answered as it says, and nothing else is.

Each operation is asked twenty times, as one role or another. `make fuzz` asks it two hundred times
as each role, other things every time.
"""

import os
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.schema.asking import (
    cases,
    connection_kept,
    described,
    operations,
    sent,
    strictly,
    tokens,
)
from tests.schema.scene import scene

pytestmark = pytest.mark.django_db
STRANGER = ""
EXAMPLES = int(os.environ.get("FUZZ", "20"))
TRIED = settings(
    max_examples=EXAMPLES,
    derandomize="FUZZ" not in os.environ,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],  # a request is short enough as it is
)


def test_every_operation_answers_every_role_as_the_schema_says(published: list[str]) -> None:
    rows, by_role = scene(), {STRANGER: ""} | tokens()
    together = [[role] for role in by_role] if "FUZZ" in os.environ else [[*by_role]]
    asked = operations(strictly(described()))
    for operation, roles in product(asked, together):

        @TRIED
        @given(case=cases(operation, rows), role=st.sampled_from(roles))
        def answers(case: Any, role: str) -> None:
            with connection_kept():
                sent(case, by_role[role])

        try:
            answers()
        except Exception as error:
            pytest.fail(f"{operation.method.upper()} {operation.path}: {error!r}\n{_said(error)}")


def _said(error: Exception) -> str:
    found = getattr(error, "exceptions", ())
    return "\n".join(map(str, found))
