"""Asking who reaches whom as people do it: by pointer, by keyboard, on a phone, without scripts."""

import re
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.browser.chromium import listen_for_complaints
from tests.firewalls.askable import Place
from tests.pages import visitor

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("published")]


@pytest.fixture
def page(
    browser: Browser, live_server: LiveServer, request: pytest.FixtureRequest
) -> Iterator[Any]:
    """An operator's window; `till` cannot reach `disk` yet, for `pay-fw` has not joined storage."""
    Place()
    options = getattr(request, "param", {})
    context = browser.new_context(base_url=live_server.url, **options)
    name = settings.SESSION_COOKIE_NAME
    session = visitor("operator").cookies[name].value
    context.add_cookies([{"name": name, "value": session, "url": live_server.url}])
    opened = context.new_page()
    complaints = listen_for_complaints(opened, ("error", "warning"), statuses="422")
    with closing(context):
        yield opened
    assert complaints == []


def expect_the_way_there_and_back(page: Page) -> None:
    expect(page.get_by_role("heading", level=2, name="reachable")).to_be_visible()
    there = page.get_by_role("list", name="The way there").get_by_role("listitem")
    expect(there).to_have_text(
        [re.compile(text) for text in ("till", "pay", "pay-fw", "storage", "disk")]
    )
    back = page.get_by_role("list", name="The way back").get_by_role("listitem")
    expect(back).to_have_text(
        [re.compile(text) for text in ("disk", "storage", "pay-fw", "pay", "till")]
    )


WINDOWS: dict[str, dict[str, Any]] = {
    "desk": {},
    "phone": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True},
    "without scripts": {"java_script_enabled": False},
}


@pytest.mark.parametrize("page", WINDOWS.values(), ids=WINDOWS, indirect=True)
def test_what_is_in_the_way_is_read_mended_and_asked_again(page: Page) -> None:
    page.goto("/reachability/")
    page.get_by_label("From").fill("till")
    page.get_by_label("To", exact=True).fill("disk")
    page.get_by_label("Port").fill("2049")
    page.get_by_role("button", name="Ask").click()
    expect(page.get_by_role("heading", level=2, name="unreachable")).to_be_visible()
    expect(page.locator("#in-the-way")).to_contain_text("pay-fw has not joined storage.")
    expect(page.get_by_role("list", name="The way there")).to_contain_text("It ends here")
    page.get_by_role("link", name="Go there: Join pay-fw to storage").click()
    page.get_by_role("button", name="Join storage").click()
    expect_the_way_there_and_back(page)
    expect(page.get_by_label("Port")).to_have_value("2049")


def test_the_keyboard_alone_asks_and_mends(page: Page) -> None:
    page.goto("/reachability/")
    page.get_by_label("From").focus()
    for typed in ("till", "Tab", "disk", "Tab", "2049", "Enter"):
        if typed in ("Tab", "Enter"):
            page.keyboard.press(typed)
        else:
            page.keyboard.type(typed)
    remedy = page.get_by_role("link", name="Go there: Join pay-fw to storage")
    expect(remedy).to_be_visible()
    tab_to(page, remedy)
    page.keyboard.press("Enter")
    join = page.get_by_role("button", name="Join storage")
    expect(join).to_be_visible()
    tab_to(page, join)
    page.keyboard.press("Enter")
    expect_the_way_there_and_back(page)


def tab_to(page: Page, wanted: Any) -> None:
    """Press Tab until it has the focus, as somebody without a pointer does."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if wanted.evaluate("one => one === document.activeElement"):
            return
    raise AssertionError("The keyboard does not reach it.")


def test_what_is_meant_is_offered_while_one_types(page: Page) -> None:
    page.goto("/reachability/")
    page.get_by_label("To", exact=True).press_sequentially("stor")
    options = page.locator("#to-options option")
    expect(options).to_have_count(1)
    expect(options).to_have_attribute("value", "storage")
    page.get_by_label("From").press_sequentially("we")
    machines = page.locator("#from-options option")
    expect(machines).to_have_count(1)
    expect(machines).to_have_attribute("value", "web in shop")
