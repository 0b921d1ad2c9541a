"""No redirect turns what was posted into a GET, which would do nothing and look well."""

import pytest
from django.test import Client

from networks.models import Project
from tests.test_admin import staff

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/rollouts/new", "/admin/networks/project/add", "/logout"])
def test_without_the_final_slash_a_post_stays_one(path: str) -> None:
    answer = staff().post(path, {"id": "new", "name": "new"})
    assert (answer.status_code, answer["Location"]) == (308, f"{path}/")
    assert staff().get(path).status_code == 301


def test_what_was_posted_arrives() -> None:
    values = {"id": "new", "name": "new"}
    answer = staff().post("/admin/networks/project/add", values, follow=True)
    assert answer.status_code == 200 and Project.objects.filter(pk="new").exists()


def test_to_https_a_post_stays_one(settings: object) -> None:
    settings.SECURE_SSL_REDIRECT = True  # type: ignore[attr-defined]
    answer = Client().post("/api/v1/projects/", {}, content_type="application/json")
    assert (answer.status_code, answer["Location"][:8]) == (308, "https://")
    assert Client().get("/api/v1/projects/").status_code == 301
