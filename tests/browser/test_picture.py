"""The picture of who uses what as people meet it: by pointer, by keyboard, on a phone, on paper."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from django.conf import settings
from playwright.sync_api import Browser, Locator, Page, expect
from pytest_django.live_server_helper import LiveServer

from firewalls.allocation import join
from tests.browser.chromium import listen_for_complaints
from tests.pages import visitor
from tests.world import world

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("published"),
]


@pytest.fixture
def page(browser: Browser, live_server: LiveServer) -> Iterator[Page]:
    """A window without scripts, for the picture needs none, on a partition of two consumers."""
    fra = world()
    networks = [fra.private(name, fra.storage) for name in ("backup", "store")]
    for network, home in zip(networks, ("lab", "shop"), strict=True):
        network.share("ada", "for all")
        join(fra.firewall(f"{home}-fw", fra.shop, fra.private(home, fra.shop)), network)
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False)
    name = settings.SESSION_COOKIE_NAME
    session = visitor("viewer").cookies[name].value
    context.add_cookies([{"name": name, "value": session, "url": live_server.url}])
    opened = context.new_page()
    complaints = listen_for_complaints(opened, ("error", "warning"), statuses="422")
    with closing(context):
        opened.goto("/partitions/fra/")
        yield opened
    assert complaints == []


def test_where_one_points_or_goes_its_path_is_lit_and_the_rest_is_dim(page: Page) -> None:
    shop, lab = page.locator(".way", has_text="shop-fw"), page.locator(".way", has_text="lab-fw")
    store, backup = (page.locator(".target", has_text=name).last for name in ("store", "backup"))
    page.locator("a.box.firewall", has_text="shop-fw").hover()
    for one, is_lit in ((shop, True), (store, True), (lab, False), (backup, False)):
        expect_lit(one, is_lit)
    page.mouse.move(0, 0)
    expect_lit(lab, True)
    page.locator("a.box.shared", has_text="backup").focus()
    for one, is_lit in ((lab, True), (backup, True), (shop, False), (store, False)):
        expect_lit(one, is_lit)


def expect_lit(one: Locator, is_lit: bool) -> None:
    expect(one).to_have_css("opacity", "1" if is_lit else "0.18")


def test_a_box_is_followed_by_keyboard(page: Page) -> None:
    page.locator("a.box.firewall", has_text="shop-fw").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="shop-fw", level=1)).to_be_visible()


def test_on_a_phone_the_networks_come_first_and_lead_to_those_that_use_them(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    expect(page.locator("svg.map")).to_be_hidden()
    networks, users = page.locator(".services"), page.locator(".twin")
    above, below = networks.bounding_box(), users.bounding_box()
    assert above and below and above["y"] < below["y"]
    networks.get_by_role("link", name="1 consumer of store").click()
    expect(users.get_by_role("link", name="shop-fw")).to_be_visible()
    expect(users.get_by_role("link", name="lab-fw")).to_have_count(0)


def test_on_paper_there_is_the_picture_and_nothing_to_click(page: Page) -> None:
    page.emulate_media(media="print")
    expect(page.locator("svg.map")).to_be_visible()
    for what in (".side", ".top", ".filters", ".actions"):
        expect(page.locator(what)).to_be_hidden()
