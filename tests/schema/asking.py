"""Requests that a schema allows, and some that it does not, sent to the API as some role."""

from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from itertools import count
from typing import Any

from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from django.test import Client
from hypothesis import strategies as st
from schemathesis import Case, Config, GenerationMode
from schemathesis.openapi import from_dict
from schemathesis.schemas import APIOperation, BaseSchema

from config.access.models import Token

MOSTLY: st.SearchStrategy[bool] = st.sampled_from([True] * 9 + [False])
ROLES = ("admin", "operator", "viewer")
REFUSED = ["400", "401", "403", "404", "406", "409", "412", "413", "415"]
CONFIG = {
    "generation": {"with-security-parameters": False},
    "checks": {
        # What a schema cannot say, the rules of rows say with 400, and If-Match with 412.
        "positive_data_acceptance": {"expected-statuses": ["2xx", "304", *REFUSED]},
        "negative_data_rejection": {"expected-statuses": ["304", *REFUSED]},
    },
}


def described() -> dict[str, Any]:
    """The schema, as anybody gets it."""
    answer: dict[str, Any] = Client().get("/api/v1/schema/?format=json").json()
    return answer


def strictly(schema: dict[str, Any]) -> dict[str, Any]:
    """The same without leave to show a key that it does not name."""
    for name, component in schema["components"]["schemas"].items():
        if "properties" in component and not name.endswith("Request"):
            component.setdefault("additionalProperties", False)
    return schema


def operations(schema: dict[str, Any]) -> list[APIOperation[Any, Any, Any, Any]]:
    asked: BaseSchema = from_dict(schema, config=Config.from_dict(CONFIG))
    asked.app = from_everywhere(get_wsgi_application())
    found: Iterator[Any] = asked.get_all_operations()
    return [one.ok() for one in found]


def from_everywhere(application: Any) -> Any:
    """Each request comes from an address of its own, or tokens would be refused too often."""
    numbers = count(1)

    def served(environ: dict[str, Any], start: Any) -> Any:
        address = ip_address("2001:db8:ffff::") + (next(numbers) << 64)
        return application(environ | {"REMOTE_ADDR": str(address)}, start)

    return served


@contextmanager
def connection_kept() -> Iterator[None]:
    """Requests leave the test's connection to the database open, as with Django's own client."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in signals:
            signal.connect(close_old_connections)


@st.composite
def cases(draw: st.DrawFn, operation: Any, rows: dict[str, list[str]]) -> Case[Any]:
    """A request, most often about rows that there are: about others, little is ever answered."""
    mode = draw(st.sampled_from([GenerationMode.POSITIVE, GenerationMode.NEGATIVE]))
    case: Case[Any] = draw(operation.as_strategy(generation_mode=mode))
    resource = operation.path.removeprefix("/api/v1/").partition("/")[0]
    for name in case.path_parameters or {}:
        ids = rows.get(resource if name in ("id", "address") else name, [])
        if ids and mode is GenerationMode.POSITIVE and draw(MOSTLY):
            case.path_parameters[name] = draw(st.sampled_from(ids))
    if mode is GenerationMode.POSITIVE:
        _about(draw, case.body, rows)
    return case


def _about(draw: st.DrawFn, body: object, rows: dict[str, list[str]]) -> None:
    """Let the ids in a body be those of rows."""
    if isinstance(body, list):
        for item in body:
            _about(draw, item, rows)
    if isinstance(body, dict):
        for key, value in body.items():
            if isinstance(value, str) and key in rows and draw(MOSTLY):
                body[key] = draw(st.sampled_from(rows[key]))
            else:
                _about(draw, value, rows)


def tokens() -> dict[str, str]:
    """A token of each role."""
    return {role: Token.objects.issue(role, role)[1] for role in ROLES}


def sent(case: Case[Any], token: str) -> None:
    """Send it, look at the answer with every check, and take back what it did."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with transaction.atomic():
        response = case.call(headers=headers, base_url="http://localhost")
        transaction.set_rollback(True)
    case.validate_response(response, headers=headers)
