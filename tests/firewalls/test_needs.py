"""What a firewall needs, asked over SSH: by a command and on its page."""

import asyncio
import base64
import io
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from firewalls import tasks
from firewalls.device import answers, transport
from firewalls.device.applier.packages import BY_TOOL
from firewalls.device.transport import Need, TransportError
from firewalls.models import Firewall, Needs
from firewalls.pushing import needs as needs_now
from tests.conftest import needs
from tests.firewalls.boxes import Boxes
from tests.pages import says, visitor, words

pytestmark = pytest.mark.django_db(transaction=True)
TOOLS = (*(BY_TOOL.keys() - {"frr-reload.py"}), "/usr/lib/frr/frr-reload.py")
MISSING = (
    Need("programs", "failed", "Missing here: visudo. Install it."),
    Need("others", "note", "ufw runs here too."),
)


@pytest.fixture
def lacking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every firewall lacks something."""
    monkeypatch.setattr(needs_now, "look", lambda firewall: MISSING)


def url(firewall: Firewall) -> str:
    return f"/firewalls/{firewall.pk}/needs/"


def test_a_firewall_says_over_ssh_what_it_needs_and_nothing_is_changed(box: Boxes) -> None:
    needs(*TOOLS)
    target = box.target("asked")
    before = sorted((box.folder / "asked").rglob("*"))
    seen = {need.name: need for need in asyncio.run(transport.check(target, key_path=box.key))}
    assert (seen["programs"].state, seen["room"].state) == ("ok", "ok")
    assert "MiB are free" in seen["room"].text
    assert seen["running"] == Need("running", "skipped", seen["login"].text)
    assert sorted((box.folder / "asked").rglob("*")) == before


def test_an_answer_that_is_cut_off_or_from_an_older_applier_is_none() -> None:
    text = base64.b64encode(b"visudo").decode()
    line = f"check\tprograms\tfailed\t{text}\n"
    assert answers.needs(line.encode()) is None
    assert answers.needs(b"This account runs the applier only.\n") is None
    whole = f"{line}check\tx\tperhaps\t{text}\nend\n"
    assert answers.needs(whole.encode()) == (Need("programs", "failed", "visudo"),)


def test_the_command_prints_what_there_is(firewall: Firewall) -> None:
    needs(*TOOLS)
    output = io.StringIO()
    call_command("check_firewall", firewall.name, stdout=output)
    assert "MiB are free" in output.getvalue() and output.getvalue().endswith("All is there.\n")


@pytest.mark.usefixtures("lacking")
def test_the_command_ends_badly_where_something_is_missing(firewall: Firewall) -> None:
    output = io.StringIO()
    with pytest.raises(CommandError, match="1 thing to be put right"):
        call_command("check_firewall", firewall.name, stdout=output)
    assert "! programs" in output.getvalue() and "i others" in output.getvalue()


def test_the_command_says_who_is_not_known_or_does_not_answer(firewall: Firewall) -> None:
    with pytest.raises(CommandError, match="There is no firewall nobody"):
        call_command("check_firewall", "nobody")
    Firewall.objects.filter(pk=firewall.pk).update(port=1)
    with pytest.raises(CommandError, match="does not answer"):
        call_command("check_firewall", firewall.name, stdout=io.StringIO())


def asked(firewall: Firewall) -> Any:
    """The page after somebody has asked, and a worker has looked."""
    operator = visitor("operator")
    waiting = operator.post(url(firewall), follow=True)
    assert says(waiting, "It is being looked at.") and b'hx-trigger="every' in waiting.content
    tasks.look_at_needs(str(firewall.pk))
    return operator.get(f"/firewalls/{firewall.pk}/host-key/")


@pytest.mark.usefixtures("lacking")
def test_the_page_says_what_is_to_be_put_right(firewall: Firewall) -> None:
    page = asked(firewall)
    assert says(page, "Missing here: visudo. Install it.")
    assert words(page).count("To be put right.") == 1 and "Worth knowing." in words(page)
    assert b'hx-trigger="every' not in page.content


def test_the_page_says_that_it_does_not_answer(
    firewall: Firewall, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(firewall: Firewall) -> tuple[Need, ...]:
        raise TransportError("it does not answer")

    monkeypatch.setattr(needs_now, "look", silent)
    assert says(asked(firewall), "it does not answer")


def test_no_request_waits_for_a_firewall(
    firewall: Firewall, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(firewall: Firewall) -> tuple[Need, ...]:
        raise AssertionError("asked within a request")

    monkeypatch.setattr(needs_now, "look", never)
    assert visitor("operator").post(url(firewall)).status_code == 302


@pytest.mark.usefixtures("lacking")
def test_a_lost_message_is_sent_again_and_an_answer_is_looked_for_once(firewall: Firewall) -> None:
    needs_now.ask(firewall)
    assert list(needs_now.unanswered()) == []
    Needs.objects.update(asked_at=timezone.now() - 2 * needs_now.FORGOTTEN)
    assert list(needs_now.unanswered()) == [firewall.pk]
    needs_now.record(firewall.pk)
    seen = Needs.objects.get().seen_at
    needs_now.record(firewall.pk)
    assert seen and Needs.objects.get().seen_at == seen and list(needs_now.unanswered()) == []


def test_looking_takes_the_role_operator(firewall: Firewall) -> None:
    assert says(visitor().post(url(firewall)), "takes the role operator.", 403)
    assert visitor("operator").get(url(firewall)).status_code == 405
