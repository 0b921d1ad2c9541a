"""The two ways to storm: in this process, and over HTTP against what `make run` starts.

Each thread has a door of its own.
"""

import http.client
import json
import re
import urllib.parse
from abc import ABC, abstractmethod
from http.cookies import SimpleCookie
from typing import Any

TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


class Door(ABC):
    """A program with JSON, and a person with forms."""

    @abstractmethod
    def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """A request of the REST API: its status, and what was answered, if it is JSON."""

    @abstractmethod
    def post(self, path: str, data: dict[str, str]) -> int:
        """A form of a page or of the admin: its status."""

    @abstractmethod
    def look(self, path: str) -> int:
        """A page that is read: its status."""


class OverHttp(Door):
    """Over a connection for each request, with a token and with a session."""

    def __init__(self, port: int, token: str, name: str, password: str) -> None:
        self.port, self.token = port, token
        self.cookies: SimpleCookie = SimpleCookie()
        status, text = self._request("GET", "/login/")
        login = {"username": name, "password": password}
        status = self.post("/login/", login)
        assert status == http.HTTPStatus.FOUND, (status, text)

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/json",
            "Host": "localhost",
        }
        data = None if body is None else json.dumps(body)
        status, text = self._send(method, f"/api/v1/{path}", data, headers)
        return status, json.loads(text) if text[:1] in ("{", "[") else None

    def post(self, path: str, data: dict[str, str]) -> int:
        secret = self.cookies["shared_networks_csrf"].value
        form = urllib.parse.urlencode({**data, "csrfmiddlewaretoken": secret})
        return self._request("POST", path, form)[0]

    def get(self, path: str) -> tuple[int, str]:
        """A page: its status and text."""
        return self._request("GET", path)

    def look(self, path: str) -> int:
        return self._request("GET", path)[0]

    def _request(self, method: str, path: str, data: str | None = None) -> tuple[int, str]:
        cookies = "; ".join(f"{name}={one.value}" for name, one in self.cookies.items())
        headers = {
            "Cookie": cookies,
            "Host": "localhost",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        return self._send(method, path, data, headers)

    def _send(
        self, method: str, path: str, data: str | None, headers: dict[str, str]
    ) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request(method, path, data, headers)
            answer = connection.getresponse()
            for name, value in answer.getheaders():
                if name.lower() == "set-cookie":
                    self.cookies.load(value)
            return answer.status, answer.read().decode()
        finally:
            connection.close()
