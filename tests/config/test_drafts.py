"""A session that ends in the middle of a form: what was typed is there again after the login."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core import signing
from django.test import Client

from config.access import drafts
from config.access.refilling import refilled
from firewalls.models import Firewall, Hold
from tests.api import someone
from tests.pages import says
from tests.world import world

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("published")]
PASSWORD = "correct horse battery"
TYPED = {"reason": 'the "vendor" <looks>', "until": "2030-01-02T03:04", "note": "x"}


@pytest.fixture
def wall() -> Firewall:
    fra = world()
    return fra.firewall("fw", fra.shop, fra.private("shop", fra.shop), host="192.0.2.1")


def known(name: str = "ada", role: str = "operator") -> User:
    user = someone(role, name)
    user.set_password(PASSWORD)
    user.save()
    return user


def log_in(client: Client, name: str = "ada") -> Any:
    return client.post("/login/", {"username": name, "password": PASSWORD})


def logged_out(name: str = "ada") -> Client:
    """A browser in which somebody was logged in, and whose session has ended."""
    known(name)
    client = Client()
    assert log_in(client, name).status_code == 302
    Session.objects.all().delete()
    return client


def send(client: Client, wall: Firewall, values: dict[str, Any] | None = None) -> Any:
    """Send the form that holds it, from its page."""
    page = f"http://testserver/firewalls/{wall.pk}/when/"
    return client.post(f"/firewalls/{wall.pk}/hold/", values or TYPED, headers={"Referer": page})


def page_of(client: Client, wall: Firewall) -> Any:
    return client.get(f"/firewalls/{wall.pk}/when/")


class TestWhatWasTyped:
    def test_stands_in_the_form_again_with_a_sentence(self, wall: Firewall) -> None:
        client = logged_out()
        refused = send(client, wall)
        assert refused.status_code == 403 and b"kept for half an hour" in refused.content
        assert f"/login/?next=/firewalls/{wall.pk}/when/".encode() in refused.content
        log_in(client)
        page = page_of(client, wall)
        assert says(page, "What you had typed is in the form again.")
        text = page.content.decode()
        assert 'value="the &quot;vendor&quot; &lt;looks&gt;"' in text
        assert 'value="2030-01-02T03:04"' in text
        assert not Hold.objects.exists()

    def test_is_put_back_once(self, wall: Firewall) -> None:
        client = logged_out()
        send(client, wall)
        log_in(client)
        page_of(client, wall)
        assert not says(page_of(client, wall), "What you had typed")

    def test_waits_until_its_page_is_opened(self, wall: Firewall) -> None:
        client = logged_out()
        send(client, wall)
        log_in(client)
        assert not says(client.get("/"), "What you had typed")
        assert says(page_of(client, wall), "What you had typed")

    def test_is_for_nobody_else(self, wall: Firewall) -> None:
        client = logged_out()
        send(client, wall)
        known("eve")
        log_in(client, "eve")
        assert not says(page_of(client, wall), "What you had typed")
        assert "vendor" not in page_of(client, wall).content.decode()
        client.post("/logout/")
        log_in(client)
        assert not says(page_of(client, wall), "What you had typed"), "gone for good"

    def test_of_a_stranger_is_not_kept(self, wall: Firewall) -> None:
        client = Client()
        refused = send(client, wall)
        assert refused.status_code == 403 and b"kept" not in refused.content
        assert not Session.objects.exists()
        client.cookies[drafts.COOKIE] = signing.dumps(1, salt="another")
        send(client, wall)
        assert not Session.objects.exists()

    def test_is_forgotten_after_a_while(
        self, wall: Firewall, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        client = logged_out()
        send(client, wall)
        log_in(client)
        monkeypatch.setattr(drafts, "KEPT_FOR", -1)
        assert not says(page_of(client, wall), "What you had typed")

    def test_that_is_a_secret_or_a_confirmation_is_never_kept(self, wall: Firewall) -> None:
        client = logged_out()
        secret = {"host_key": "S1", "password": "S2", "jump_key": "S3", "api_token": "S4"}
        send(client, wall, {**TYPED, **secret, "confirm": "S5", "fingerprint": "S6"})
        stored = Session.objects.get().get_decoded()["draft"]
        kept = signing.loads(stored, salt="config.access.drafts")
        assert kept["fields"].keys() == TYPED.keys()

    def test_of_enormous_size_is_not_kept(self, wall: Firewall) -> None:
        refused = send(logged_out(), wall, {"reason": "x" * (drafts.MOST + 1)})
        assert b"kept for" not in refused.content and not Session.objects.exists()


class TestAPageThatIsTooOld:
    def old(self, wall: Firewall, origin: str) -> Client:
        """It was opened before its owner logged in anew, and is sent now."""
        known()
        client = Client(enforce_csrf_checks=True)
        client.get("/login/")
        before = client.cookies["shared_networks_csrf"].value
        form = {"username": "ada", "password": PASSWORD, "csrfmiddlewaretoken": before}
        assert client.post("/login/", form).status_code == 302
        page = f"http://testserver/firewalls/{wall.pk}/when/"
        sent = {**TYPED, "csrfmiddlewaretoken": before}
        headers = {"Referer": page, "Origin": origin}
        refused = client.post(f"/firewalls/{wall.pk}/hold/", sent, headers=headers)
        assert refused.status_code == 403
        return client

    def test_loses_nothing(self, wall: Firewall) -> None:
        page = page_of(self.old(wall, "http://testserver"), wall)
        assert says(page, "What you had typed is in the form again.")
        assert 'value="2030-01-02T03:04"' in page.content.decode()

    def test_takes_nothing_from_elsewhere(self, wall: Firewall) -> None:
        page = page_of(self.old(wall, "http://elsewhere.example"), wall)
        assert not says(page, "What you had typed")


FORM = """<main id="main">
<form method="get" action="/do/"><input name="a" value="other"></form>
<form id="f" method="post" action="/do/?x=1">
<input type="hidden" name="h" value="page's"><input name="a" value="old"><input name="a">
<textarea name="t">was &lt;b&gt;</textarea>
<input type="checkbox" name="c" checked><input type="checkbox" name="d" value="2">
<input type="radio" name="r" value="1" checked><input type="radio" name="r" value="2">
<select name="s"><option value="">all</option>
<option selected>one</option><option>two &amp; 3</option></select>
<input type="password" name="p"><button name="b" value="1">Go</button>
</form><input form="f" name="far" value=""></main>"""


class TestRefilling:
    def filled(self, **values: list[str]) -> str:
        return refilled(FORM, "/page/", "/do/", values, "<p>note</p>")

    def test_every_kind_of_field(self) -> None:
        text = self.filled(
            h=["x"], a=["1", '"2"'], t=["<i>"], d=["2"], r=["2"], s=["two & 3"], p=["x"], far=["9"]
        )
        assert '<main id="main"><p>note</p>' in text
        for tag in (
            '<input name="a" value="other">',
            '<input type="hidden" name="h" value="page\'s">',
            '<input name="a" value="1"><input name="a" value="&quot;2&quot;">',
            '<textarea name="t">&lt;i&gt;</textarea>',
            '<input type="checkbox" name="c"><input type="checkbox" name="d" value="2" checked>',
            '<input type="radio" name="r" value="1"><input type="radio" name="r" value="2" ',
            '<input type="radio" name="r" value="2" checked>',
            "<option>one</option><option selected>two &amp; 3</option>",
            '<input type="password" name="p">',
            '<input form="f" name="far" value="9">',
        ):
            assert tag in text, tag

    def test_a_page_without_the_form_stays_as_it_is(self) -> None:
        assert refilled(FORM, "/page/", "/other/", {"a": ["1"]}, "") == ""
        assert refilled("<p>", "/page/", "/do/", {"a": ["1"]}, "") == ""

    def test_a_form_without_an_action_is_sent_to_its_page(self) -> None:
        page = '<main><form method="POST"><input name="a"></form></main>'
        assert 'value="1"' in refilled(page, "/here/", "/here/", {"a": ["1"]}, "")
