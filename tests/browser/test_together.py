"""Two people at once, one who acts and one who watches; and somebody on call, with a phone."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest
from django.conf import settings
from django.db.models.functions import Now
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from firewalls.device.outcomes import Outcome
from firewalls.models import Firewall, Observation, Push
from firewalls.pushing import claiming, rollouts
from firewalls.pushing.settling import finish
from tests.browser.chromium import listen_for_complaints
from tests.firewalls.askable import pushed
from tests.pages import visitor
from tests.world import world

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("published")]
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
Open = Callable[..., Page]


@pytest.fixture
def window(browser: Browser, live_server: LiveServer) -> Iterator[Open]:
    """Opens a window of somebody with a role, who shares nothing with others."""
    complaints: list[list[str]] = []
    with ExitStack() as opened:

        def opener(role: str, **options: Any) -> Page:
            context: BrowserContext = browser.new_context(base_url=live_server.url, **options)
            opened.enter_context(closing(context))
            name = settings.SESSION_COOKIE_NAME
            session = visitor(role).cookies[name].value
            context.add_cookies([{"name": name, "value": session, "url": live_server.url}])
            page = context.new_page()
            complaints.append(listen_for_complaints(page, ("error", "warning"), statuses="422|403"))
            return page

        yield opener
    assert not any(complaints)


@pytest.fixture
def walls() -> list[Firewall]:
    """Three firewalls that run what is wanted of them, and a network that is not shared yet."""
    fra = world()
    fra.private("store", fra.storage)
    made = [
        fra.firewall(f"fw-{n}", fra.shop, fra.private(f"net-{n}", fra.shop), host="192.0.2.7")
        for n in range(3)
    ]
    for wall in made:
        pushed(wall)
    return made


def work() -> int:
    """Do what workers do with the pushes that may start: all are confirmed. How many they were."""
    pushes = claiming.claim_pushes(10)
    for push in pushes:
        revision = Firewall.objects.get(pk=push.firewall_id).wanted
        Push.objects.filter(pk=push.pk).update(revision=revision)
        assert finish(push, Outcome("confirmed"))
        Observation.objects.filter(pk=push.firewall_id).update(applied=revision)
        assert push.rollout_id
        rollouts.advance(push.rollout_id)
    return len(pushes)


def is_untouched(page: Page) -> bool:
    return bool(page.evaluate("window.untouched === true"))


def test_one_shares_joins_several_and_rolls_out_and_the_other_sees_it_happen(
    window: Open, walls: list[Firewall]
) -> None:
    acts, watches = window("admin"), window("viewer")
    watches.goto("/")
    watches.evaluate("window.untouched = true")
    expect(watches.get_by_text("All firewalls have what is wanted of them.")).to_be_visible()

    share_and_join(acts, walls)
    expect(watches.get_by_text("Waits to be pushed: 3 firewalls joined store")).to_be_visible()

    acts.get_by_label("At once").fill("1")
    acts.get_by_role("button", name="Roll out to 3 firewalls").click()
    expect(acts.locator("#rollout-status")).to_have_attribute("data-state", "running")
    expect(watches.locator("#n-pushing, #n-fra-pushing").first).to_be_visible()
    follows = watches.context.new_page()
    follows.goto("/rollouts/")
    follows.get_by_role("link", name="store for its new consumers").click()
    follows.evaluate("window.untouched = true")
    assert [work() for _ in range(4)] == [1, 1, 1, 0]
    for page in (acts, follows):
        status = page.locator("#rollout-status")
        expect(status).to_have_attribute("data-state", "finished")
        expect(status).to_contain_text("3 of 3 done: 3 confirmed, 0 failed")
    expect(watches.get_by_text("All firewalls have what is wanted of them.")).to_be_visible()
    assert is_untouched(watches) and is_untouched(follows)


def share_and_join(page: Page, walls: list[Firewall]) -> None:
    """From the network's page, all of them together; a rollout of these is offered."""
    page.goto("/networks/store/share/")
    page.get_by_label("Type the network's name").fill("store")
    page.get_by_role("button", name="Share store").click()
    page.get_by_role("link", name="Join a firewall").first.click()
    for wall in walls:
        page.get_by_label(f"Choose {wall.name} with others").check()
    page.get_by_role("button", name="Join the chosen ones together").click()
    expect(page.get_by_text("3 gained, 0 lost")).to_be_visible()
    page.get_by_role("button", name="Join 3 firewalls").click()
    expect(page.get_by_role("heading", name="Roll out to 3 firewalls")).to_be_visible()


def fail(*walls: Firewall) -> None:
    steps = [{"name": "connect", "state": "ok"}, {"name": "write", "state": "failed"}]
    for wall in walls:
        Push.objects.create(
            firewall=wall, state="refused", steps=steps, error="no room", finished_at=Now()
        )


def no_wider_than_the_phone(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def test_on_call_it_is_four_taps_from_the_overview_to_pushing_again(
    window: Open, walls: list[Firewall]
) -> None:
    fail(*walls[:2])
    page = window("operator", **PHONE)
    page.goto("/")
    taps = (
        (page.locator(".cause .count a").first, "Firewalls"),  # the cause
        (page.get_by_role("link", name="fw-0", exact=True), "fw-0"),  # the firewall
        (page.get_by_role("link", name="See what happened"), "Push to fw-0"),
        (page.get_by_role("link", name="Try again"), "Push to fw-0"),
    )
    for target, heading in taps:
        target.tap()
        expect(page.get_by_role("heading", level=1)).to_contain_text(heading)
        assert no_wider_than_the_phone(page), page.url
    expect(page.get_by_role("button", name="Push to fw-0")).to_be_visible()
    assert not Push.objects.open().exists(), "nothing is sent before it was reviewed"


def test_on_call_a_cause_leads_to_what_happened_and_to_the_push_itself(
    window: Open, walls: list[Firewall]
) -> None:
    fail(walls[0])
    page = window("operator", **PHONE)
    page.goto("/")
    page.locator(".cause .names").get_by_role("link", name="fw-0").tap()
    expect(page.get_by_role("alert")).to_contain_text("no room")
    page.get_by_role("link", name="Try again").tap()
    page.get_by_role("button", name="Push to fw-0").tap()
    expect(page.locator("#push-status")).to_have_attribute("data-state", "queued")
    assert Push.objects.open().count() == 1


@pytest.mark.parametrize("options", [{}, PHONE, {"java_script_enabled": False}])
def test_a_cause_is_acknowledged_and_stands_below_with_its_note(
    window: Open, walls: list[Firewall], options: dict[str, Any]
) -> None:
    fail(*walls[:2])
    page = window("operator", **options)
    page.goto("/")
    page.get_by_role("link", name="Acknowledge").first.click()
    page.get_by_label("Note").fill("the vendor looks into it")
    page.get_by_role("button", name="Acknowledge").click()
    known = page.locator(".cause.known")
    expect(known).to_contain_text("the vendor looks into it")
    page.goto("/partitions/fra/")
    expect(page.locator(".cause.known")).to_contain_text("by operator until")


@pytest.mark.parametrize("options", [{}, {"java_script_enabled": False}])
def test_a_session_that_ends_in_the_middle_of_a_form_loses_nothing(
    window: Open, walls: list[Firewall], options: dict[str, Any]
) -> None:
    user = visitor("operator").get("/").wsgi_request.user
    user.set_password("correct horse")
    user.save()
    page = window("operator", **options)
    page.context.clear_cookies()
    log_in(page)
    page.goto(f"/firewalls/{walls[0].pk}/when/")
    page.get_by_label("Why").first.fill('"until" they <answer>')
    page.get_by_label("Until, in UTC").fill("2090-01-02T03:04")
    page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    page.get_by_role("button", name="Hold fw-0").click()
    expect(page.get_by_text("kept for half an hour")).to_be_visible()
    page.get_by_role("link", name="Log in").click()
    log_in(page)
    expect(page.get_by_text("What you had typed is in the form again.")).to_be_visible()
    expect(page.get_by_label("Why").first).to_have_value('"until" they <answer>')
    expect(page.get_by_label("Until, in UTC")).to_have_value("2090-01-02T03:04")
    page.get_by_role("button", name="Hold fw-0").click()
    expect(page.get_by_text("It is held by operator")).to_be_visible()


def log_in(page: Page) -> None:
    if "/login/" not in page.url:
        page.goto("/login/")
    page.get_by_label("User name").fill("operator")
    page.get_by_label("Password").fill("correct horse")
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(lambda url: "/login/" not in url)
