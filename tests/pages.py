"""A visitor of the pages with a role, and what a page says to them."""

import html
import re
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.api import someone


def visitor(role: str = "viewer") -> Client:
    client = Client()
    client.force_login(someone(role))
    return client


def words(response: Any) -> str:
    """The text of the page's main part, or of the part that came alone, as one line."""
    body = response.content.decode()
    found = re.search(r"<main.*?</main>", body, re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", found[0] if found else body)).split())


def says(response: Any, sentence: str, status: int = 200) -> bool:
    """Whether the page has this status and says this."""
    assert response.status_code == status, (response.status_code, words(response))
    return sentence in words(response)


def queries(client: Client, url: str, **headers: str) -> int:
    """How many queries the page takes, once everything that a process remembers is remembered."""
    client.get(url, headers=headers)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url, headers=headers).status_code == 200
    return len(captured)
