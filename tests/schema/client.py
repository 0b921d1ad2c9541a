"""The REST API through a client that was generated from its schema, as its users have one."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from enum import Enum
from functools import cached_property
from importlib import import_module
from inspect import Parameter, signature
from pathlib import Path
from types import UnionType
from typing import Any, NamedTuple, get_args, get_type_hints
from urllib.parse import parse_qsl, unquote, urlsplit
from uuid import UUID

import httpx
import pytest

from tests.api import Api
from tests.schema.asking import described

PACKAGE = "generated_client"
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:")
HOLE = re.compile(r"\{(\w+)\}")
# What the tests send to see it refused cannot always be said with a client that knows the types.
UNSAYABLE = (ValueError, TypeError, KeyError, AttributeError)


class Operation(NamedTuple):
    """An operation of the schema, and the function of the client that asks for it."""

    method: str
    path: "re.Pattern[str]"
    ask: Callable[..., Any]


def generate(schema: dict[str, Any], folder: Path) -> list[Operation]:
    """Make the client, without a warning, and find its functions."""
    (folder / "schema.json").write_text(json.dumps(schema))
    (folder / "config.yml").write_text("post_hooks: []")
    command: list[Any] = [Path(sys.executable).with_name("openapi-python-client"), "generate"]
    options = {"path": "schema.json", "config": "config.yml", "output-path": PACKAGE}
    options |= {"meta": "none"}
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    made = subprocess.run(
        [*command, "--fail-on-warning", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    sys.path.insert(0, str(folder))
    try:
        return list(_operations(schema))
    finally:
        sys.path.remove(str(folder))


def _operations(schema: dict[str, Any]) -> Iterator[Operation]:
    for path, methods in schema["paths"].items():
        pattern = HOLE.sub(r"(?P<\1>.+)" if "{cidr}" in path else r"(?P<\1>[^/]+)", path)
        for method, operation in methods.items():
            (tag,) = operation["tags"]
            name = f"{PACKAGE}.api.{tag.replace('-', '_')}.{operation['operationId']}"
            ask = import_module(name).sync_detailed
            yield Operation(method, re.compile(pattern), ask)


class Django(httpx.BaseTransport):
    """Brings what the client asks to the test client, and keeps the answer for the test."""

    def __init__(self, api: "Generated") -> None:
        self.api = api

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        sent = request.read()
        kept = {name: value for name, value in request.headers.items() if name.startswith("i")}
        path = request.url.raw_path.decode()
        answer = self.api.client.generic(
            request.method, path, sent, "application/json", headers=kept
        )
        self.api.answer = answer
        return httpx.Response(
            answer.status_code, headers=dict(answer.items()), content=answer.content
        )


class Generated(Api):
    """Speaks as Api does; what was done or shown went through the client, both ways, whole."""

    operations: list[Operation] = []
    answer: Any

    @cached_property
    def speaker(self) -> Any:
        made = import_module(PACKAGE).Client(base_url="http://localhost")
        transport = httpx.Client(transport=Django(self), base_url="http://localhost")
        return made.set_httpx_client(transport)

    def get(self, path: str, **headers: str) -> Any:
        return self._write("get", path, None, headers)

    def _write(self, method: str, path: str, body: object, headers: dict[str, str]) -> Any:
        try:
            return self._through_the_client(method, path, body, headers)
        except UNSAYABLE as reason:
            answer = self._bare(method, path, body, headers)
            assert answer.status_code >= 400 or answer["Content-Type"].startswith("text/"), (
                method,
                path,
                body,
                reason,
            )
            return answer

    def _bare(self, method: str, path: str, body: object, headers: dict[str, str]) -> Any:
        if method == "get":
            return super().get(path, **headers)
        return super()._write(method, path, body, headers)

    def _through_the_client(
        self, method: str, path: str, body: object, headers: dict[str, str]
    ) -> Any:
        url = urlsplit(f"/api/v1/{path}")
        operation, values = self._operation(method, url.path)
        values |= {name.lower(): value for name, value in headers.items()}
        values |= _query(parse_qsl(url.query, keep_blank_values=True))
        arguments = _arguments(operation.ask, values, body)
        answer = operation.ask(client=self.speaker, **arguments)
        if answer.parsed is not None:
            shown = answer.parsed.to_dict()
            assert _moments(shown) == _moments(json.loads(self.answer.content))
        return self.answer

    def _operation(self, method: str, path: str) -> tuple[Operation, dict[str, Any]]:
        for operation in self.operations:
            match = operation.path.fullmatch(path)
            if match and operation.method == method:
                values = {name: unquote(value) for name, value in match.groupdict().items()}
                return operation, values
        raise KeyError(path)


def _query(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if len(names) > len(set(names)):
        raise ValueError("given twice")
    return dict(pairs)


def _arguments(ask: Any, values: Mapping[str, Any], body: object) -> dict[str, Any]:
    """What the client's function takes, of its own types."""
    hints = get_type_hints(ask)
    parameters: Mapping[str, Parameter] = signature(ask).parameters
    given = {name.replace("-", "_"): value for name, value in values.items()}
    given = {f"{name}_" if f"{name}_" in parameters else name: given[name] for name in given}
    if unknown := given.keys() - parameters.keys():
        raise KeyError(unknown)
    arguments = {name: _typed(hints[name], value) for name, value in given.items()}
    if "body" in parameters and body is not None:
        arguments["body"] = _typed(hints["body"], body)
        if arguments["body"].to_dict() != body:
            raise ValueError("the client has no words for all of it")
    elif body:
        raise KeyError("body")
    return arguments


def _typed(hint: Any, value: Any) -> Any:
    """The value as the client's type, so that the client writes it again."""
    for kind in get_args(hint) if isinstance(hint, UnionType) else (hint,):
        if hasattr(kind, "from_dict"):
            return kind.from_dict(value)
        if kind is bool and value in ("true", "false"):
            return value == "true"
        if isinstance(value, str) and (kind in (int, UUID) or issubclass(kind, Enum)):
            return kind(value)
    return value


def _moments(value: Any) -> Any:
    """The same with times for their texts: Z and +00:00 are one."""
    if isinstance(value, dict):
        return {key: _moments(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_moments(inner) for inner in value]
    is_time = isinstance(value, str) and MOMENT.match(value)
    return datetime.fromisoformat(value) if is_time else value


def through_the_client(folders: pytest.TempPathFactory) -> None:
    """Have the client made, once in a test run."""
    if not Generated.operations:
        Generated.operations = generate(described(), folders.mktemp("client"))
