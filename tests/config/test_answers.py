"""Errors: JSON for programs, whatever they send; for people a page of the product, that helps."""

import json
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from networks.models import Project
from tests.api import Api, codes, someone
from tests.pages import says, visitor, words
from tests.test_admin import staff
from tests.world import World, world

pytestmark = pytest.mark.django_db
MUCH = "x" * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)


@pytest.fixture
def fra() -> World:
    return world()


def is_json(response: Any) -> bool:
    return bool(response["Content-Type"] == "application/json" and json.loads(response.content))


class TestPrograms:
    @pytest.mark.parametrize("key", [{}, {"Idempotency_Key": "k"}])
    def test_are_told_the_limit_of_a_body(self, fra: World, key: dict[str, str]) -> None:
        for path in ("projects/", "ip-addresses/", "networks/super-fra/share/"):
            answer = Api().post(path, json.dumps({"name": MUCH}), **key)
            assert codes(answer, 413) == {"non_field_errors": ["too_large"]}
            assert "2.5 MiB" in answer.json()["non_field_errors"][0]["message"]
        assert Project.objects.count() == 3

    def test_are_told_that_the_server_has_another_name(self, fra: World) -> None:
        for path in ("/api/v1/networks/", "/api/", "/healthz", "/readyz", "/metrics"):
            answer = Client().get(path, headers={"Host": "elsewhere.example"})
            assert codes(answer) == {"non_field_errors": ["unknown_host"]}

    @pytest.mark.parametrize("method", ["post", "patch", "delete", "put", "trace", "options"])
    @pytest.mark.parametrize(
        "path", ["", "v1", "v1/", "v2/networks/", "v1/nothing", "v1/net%00works/", "v1/%ff/", "/"]
    )
    def test_get_json_whatever_the_address_and_the_method(
        self, fra: World, method: str, path: str
    ) -> None:
        answer = getattr(Api().client, method)(f"/api/{path}")
        assert answer.status_code in (200, 404, 405) and is_json(answer), answer.content
        stranger = getattr(Client(), method)(f"/api/{path}")
        assert stranger.status_code in (401, 405) and is_json(stranger), stranger.content

    @pytest.mark.parametrize(
        ("kind", "status"),
        [
            ("text/html", 415),
            ("", 415),
            ("application/x-www-form-urlencoded", 415),
            ("multipart/form-data", 415),
            ("multipart/form-data; boundary=\xff", 415),
            ("application/json; charset=klingon", 201),
            ("application/json; charset=utf-16", 400),
            ("application/json; charset=\xff", 201),
            ("nonsense", 415),
            (";", 415),
        ],
    )
    def test_get_json_whatever_the_type_of_their_body(
        self, fra: World, kind: str, status: int
    ) -> None:
        body = b'{"name": "x"}'
        answer = Api().client.generic("POST", "/api/v1/projects/", body, content_type=kind)
        assert answer.status_code == status and is_json(answer), answer.content

    def test_get_json_where_no_format_suits_them(self, fra: World) -> None:
        for accepted in ("application/xml", "nonsense", "\xff", ";;", "text/html;q=x"):
            answer = Api().get("networks/", Accept=accepted)
            assert answer.status_code in (200, 406), accepted
            assert is_json(answer) or "text/html" in accepted, accepted
        assert Api().get("networks/?format=csv").status_code == 404


class TestAnAddressWithoutItsFinalSlash:
    def test_is_the_one_with_it(self, fra: World) -> None:
        api = Api()
        made = api.post("projects", {"id": "new", "name": "New"})
        assert made.status_code == 201 and api.get("projects/new").json()["name"] == "New"
        assert api.patch("projects/new", {"name": "Newer"}).json()["name"] == "Newer"
        assert api.delete("projects/new").status_code == 204
        assert Client().get("/api").status_code == 401

    def test_is_the_same_to_an_idempotency_key(self, fra: World) -> None:
        first = Api().post("projects", {"name": "New"}, Idempotency_Key="k")
        again = Api().post("projects/", {"name": "New"}, Idempotency_Key="k")
        assert (again.status_code, again.content) == (201, first.content)

    def test_is_followed_by_pages_that_have_it(self, fra: World) -> None:
        assert "/networks/?limit=1" in Api().get("networks?limit=1").json()["next"]


class TestPeople:
    @pytest.mark.parametrize("path", ["/nowhere/", "/admin/nowhere/", "/networks/nope/"])
    def test_are_told_that_there_is_nothing(self, fra: World, path: str) -> None:
        page = staff().get(path)
        assert says(page, "There is nothing at this address.", 404)
        assert 'href="/">Back to the overview' in page.content.decode()

    def test_are_told_what_their_role_does_not_allow(self, fra: World) -> None:
        assert says(visitor().get("/rollouts/new/"), "Not allowed", 403)
        assert says(staff("viewer").get("/admin/networks/network/add/"), "Not allowed", 403)

    def test_are_told_that_they_were_logged_out(self, fra: World) -> None:
        stranger = Client()
        before = "http://testserver/networks/super-fra/share/?a=b"
        page = stranger.post("/networks/super-fra/share/", headers={"Referer": before})
        assert says(page, "You were logged out meanwhile", 403)
        assert "/login/?next=/networks/super-fra/share/%3Fa%3Db" in page.content.decode()

    @pytest.mark.parametrize("url", ["http://evil.example//evil.example/", "https://[", "", "%"])
    def test_are_led_to_no_other_server(self, fra: World, url: str) -> None:
        page = Client().post("/rollouts/new/", headers={"Referer": url})
        assert "evil.example" not in page.content.decode().replace("next=/evil.example/", "")
        assert 'href="/login/?next=/' in page.content.decode()

    def test_are_led_to_the_login_by_a_part_of_a_page_too(self, fra: World) -> None:
        headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/firewalls/?q=a"}
        answer = Client().get("/firewalls/", headers=headers)
        assert answer["HX-Redirect"] == "/login/?next=/firewalls/%3Fq%3Da"
        assert (answer.status_code, answer.content) == (403, b"")

    def test_are_led_back_where_their_form_was_too_old(self, fra: World) -> None:
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(someone())
        for path in ("/networks/super-fra/share/", "/login/", "/admin/auth/user/add/", "/logout/"):
            page = strict.post(path, headers={"Referer": "http://testserver/networks/"})
            assert says(page, "This page was too old", 403), path
            assert 'href="/networks/">Open the page again' in page.content.decode()

    @pytest.mark.parametrize("path", ["/login/", "/rollouts/new/", "/admin/auth/group/add/"])
    def test_are_told_how_much_is_too_much(self, fra: World, path: str) -> None:
        assert says(staff().post(path, {"username": MUCH}), "at most 2.5 MiB", 413)
        fields = {f"field-{number}": "" for number in range(1001)}
        assert says(staff().post(path, fields), "at most 1,000 fields", 400)

    def test_are_told_that_there_is_only_a_button(self, fra: World) -> None:
        page = visitor().get("/logout/")
        assert says(page, "There is no page at this address", 405) and page["Allow"]

    def test_are_told_that_the_server_has_another_name(self, fra: World) -> None:
        for path in ("/", "/admin/", "/login/"):
            page = Client().get(path, headers={"Host": "elsewhere.example"})
            assert "ALLOWED_HOSTS" in words(page) and page.status_code == 400
