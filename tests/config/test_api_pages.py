"""The API's own pages: schema, docs and the browsable API, from here, under a strict CSP."""

import json
import re
from pathlib import Path

import pytest
import yaml
from django.core.management import call_command
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from tests.api import Api
from tests.world import world

INLINE = re.compile(
    r"<style|<script(?![^>]*(?:src=|application/json))|\son\w+=|"
    r"https?://(?!testserver|www\.w3\.org)"
)


def policy(response: object) -> str:
    return str(response["Content-Security-Policy"])  # type: ignore[index]


@pytest.mark.django_db
def test_the_schema_is_openapi_3_1_and_complete_without_a_warning(tmp_path: Path) -> None:
    call_command("spectacular", "--file", str(tmp_path / "schema"), "--validate", "--fail-on-warn")
    schema = yaml.safe_load((tmp_path / "schema").read_text())
    assert schema["openapi"].startswith("3.1")
    resources = (
        "partitions projects networks ip-addresses machines firewalls revisions pushes rollouts"
    )
    assert {f"/api/v1/{name}/" for name in resources.split()} <= set(schema["paths"])
    assert (
        "/api/v1/networks/{id}/share/" in schema["paths"]
        and "token" in schema["components"]["securitySchemes"]
    )


@pytest.mark.django_db
def test_the_schema_and_its_page_are_open_and_hold_nothing_inline() -> None:
    assert Client().get("/api/v1/schema/").status_code == 200
    page = Client().get("/api/v1/docs/")
    assert page.status_code == 200 and not INLINE.search(page.content.decode())
    assert "script-src 'self';" in policy(page) + ";" and "style-src 'self';" in policy(page)
    assert Client().get("/api/v1/docs/?script=").status_code == 200


@pytest.mark.django_db
def test_the_schema_is_made_once_in_each_format(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes seconds, and anybody may ask."""
    formats = ("application/vnd.oai.openapi", "application/vnd.oai.openapi+json")
    first = [Client().get("/api/v1/schema/", headers={"Accept": one}) for one in formats]
    assert [one["Content-Type"] for one in first] == [*formats]
    assert yaml.safe_load(first[0].content) == json.loads(first[1].content)
    monkeypatch.delattr(SchemaGenerator, "get_schema")
    again = [Client().get("/api/v1/schema/", headers={"Accept": one}) for one in formats]
    assert [one.content for one in again] == [one.content for one in first]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path",
    [
        "",
        "networks/",
        "networks/super-fra/",
        "networks/super-fra/share/",
        "firewalls/",
        "pushes/",
        "nothing/",
    ],
)
def test_the_browsable_api_needs_no_inline_script_or_style_element(path: str) -> None:
    world()
    page = Api().get(path, Accept="text/html")
    assert page["Content-Type"].startswith("text/html") and not INLINE.search(page.content.decode())
    assert "style-src 'self';" in policy(page) and "script-src 'self';" in policy(page) + ";"


@pytest.mark.django_db
def test_what_does_not_exist_is_answered_in_json() -> None:
    world()
    assert Api().get("nothing/").json() == {"detail": "Not found."}
    assert Api().get("networks/a%00b/").json() == {"detail": "Not found."}
