"""A client of the REST API with a role, and what it was refused."""

import json
from typing import Any

from django.contrib.auth.models import Group, User
from django.test import Client

Codes = dict[str, list[str]]


def someone(role: str = "admin", name: str = "") -> User:
    """A user of that role."""
    user, _ = User.objects.get_or_create(username=name or role)
    user.groups.set(Group.objects.filter(name=role))
    return user


class Api:
    """Speaks JSON to `/api/v1/`."""

    def __init__(self, role: str = "admin") -> None:
        self.client = Client(raise_request_exception=True)
        self.client.force_login(someone(role))

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(f"/api/v1/{path}", headers=_named(headers))

    def post(self, path: str, body: object = None, **headers: str) -> Any:
        return self._write("post", path, body, headers)

    def patch(self, path: str, body: object = None, **headers: str) -> Any:
        return self._write("patch", path, body, headers)

    def delete(self, path: str, **headers: str) -> Any:
        return self._write("delete", path, None, headers)

    def _write(self, method: str, path: str, body: object, headers: dict[str, str]) -> Any:
        data = "" if body is None else body if isinstance(body, str) else json.dumps(body)
        return getattr(self.client, method)(
            f"/api/v1/{path}", data, content_type="application/json", headers=_named(headers)
        )


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def codes(response: Any, status: int = 400) -> Codes:
    """The codes by field with which a request was refused, in the one shape that refusals have."""
    assert response.status_code == status, (response.status_code, response.content)
    answer = response.json()
    assert all(set(one) >= {"message", "code"} for errors in answer.values() for one in errors)
    return {field: [one["code"] for one in errors] for field, errors in answer.items()}
