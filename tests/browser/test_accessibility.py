"""Every page in a real browser: accessible, at night, on a phone, by keyboard, without scripts."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from networks.models import Network
from tests.browser.chromium import listen_for_complaints
from tests.browser.every_page import LONG_NAME, every_page
from tests.pages import visitor

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("browser", "published"),
]

Visit = Callable[..., AbstractContextManager[Page]]
HEIGHT = 844
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
CONTRAST_PROBLEMS = """
axe.run({runOnly: ["color-contrast", "link-in-text-block"]}).then(answer => answer.violations)
"""
# The page if it is wider than the window, and panels that cut off what is in them.
TOO_WIDE = """width => {
    const panels = "main .panel, main .facts > *, main .notice, main td"
    return [document.documentElement, ...document.querySelectorAll(panels)]
        .filter((one, index) => one.scrollWidth > (index ? one.clientWidth + 1 : width))
        .map((one) => one.outerHTML.slice(0, 200))
}"""


# What is cut off for good: wider than its panel, and nothing to scroll it by.
CUT_OFF = """() => [...document.querySelectorAll("main .panel, main .panel *, main .facts > *")]
    .filter((one) => one.scrollWidth > one.clientWidth + 1
        && one.clientWidth > 1
        && getComputedStyle(one).overflowX === "hidden"
        && getComputedStyle(one).textOverflow !== "ellipsis")
    .map((one) => one.outerHTML.slice(0, 200))
"""


@pytest.fixture
def visit(browser: Browser, live_server: LiveServer) -> Visit:
    """Open a window of somebody with a role, or of nobody.

    What its console complains about fails the test, except for the pages that refuse on purpose.
    """

    @contextmanager
    def window(role: str = "admin", width: int = 1280, **options: Any) -> Iterator[Page]:
        context = browser.new_context(
            viewport={"width": width, "height": HEIGHT}, base_url=live_server.url, **options
        )
        if role:
            name = settings.SESSION_COOKIE_NAME
            session = visitor(role).cookies[name].value
            context.add_cookies([{"name": name, "value": session, "url": live_server.url}])
        page = context.new_page()
        complaints = listen_for_complaints(page, ("error", "warning"), statuses="403|404|422")
        with closing(context):
            yield page
        assert complaints == []

    return window


@pytest.fixture
def pages() -> dict[str, int]:
    """The address of every page, and the status that it answers."""
    return every_page()


PARTS = ("#consumers", "#siblings", "#ego", "#internet", "#endpoints", "#history")


def go(page: Page, url: str, status: int = 200) -> None:
    """Open the page, wait for the parts that come later, and unfold what is folded."""
    answer = page.goto(url)
    assert answer is not None and answer.status == status, url
    for part in PARTS:
        if page.locator(f"{part}[hx-get]").count():
            page.locator(f"{part}:not([hx-get])").wait_for()
    page.locator(".event details").evaluate_all("all => all.forEach(one => one.open = true)")


def test_every_page_keeps_the_rules_of_accessibility_by_day_and_by_night(
    visit: Visit, pages: dict[str, int]
) -> None:
    problems: dict[str, list[str]] = {}
    with visit(bypass_csp=True) as page:
        for url, status in pages.items():
            problems[url] = accessibility_problems(page, url, status)
    with visit(role="", bypass_csp=True) as page:
        problems["/login/"] = accessibility_problems(page, "/login/")
    with visit(role="viewer", bypass_csp=True) as page:
        for url, status in ((f"/networks/{LONG_NAME}/share/", 200), ("/networks/tiny/join/", 403)):
            problems[f"{url} of a viewer"] = accessibility_problems(page, url, status)
    assert {url: lines for url, lines in problems.items() if lines} == {}


def accessibility_problems(page: Page, url: str, status: int = 200) -> list[str]:
    """What axe finds wrong with the page by day, and with its colours by night; a line each."""
    page.emulate_media(color_scheme="light")
    go(page, url, status)
    options = {"runOnly": RULES, "resultTypes": ["violations"]}
    broken_rules = Axe().run(page, options=options).response["violations"]
    page.emulate_media(color_scheme="dark")
    broken_rules += page.evaluate(CONTRAST_PROBLEMS)
    return [
        f"{rule['id']}: {element['html'][:200]} {element['failureSummary']}"
        for rule in broken_rules
        for element in rule["nodes"]
    ]


@pytest.mark.parametrize("width", [390, 320])
def test_no_page_scrolls_sideways_on_a_phone(
    visit: Visit, pages: dict[str, int], width: int
) -> None:
    too_wide: dict[str, list[str]] = {}
    with visit(width=width) as page:
        for url, status in pages.items():
            go(page, url, status)
            too_wide[url] = page.evaluate(TOO_WIDE, width)
    assert {url: elements for url, elements in too_wide.items() if elements} == {}


def test_no_table_is_cut_off_on_a_tablet(visit: Visit, pages: dict[str, int]) -> None:
    cut_off: dict[str, list[str]] = {}
    with visit(width=820) as page:
        for url, status in pages.items():
            go(page, url, status)
            cut_off[url] = page.evaluate(CUT_OFF)
            assert page.evaluate("document.documentElement.scrollWidth") <= 820, url
    assert {url: elements for url, elements in cut_off.items() if elements} == {}


def test_the_menu_of_a_phone_leads_to_other_pages(visit: Visit) -> None:
    with visit(width=390) as page:
        go(page, "/")
        page.get_by_text("Menu", exact=True).click()
        page.get_by_role("link", name="Networks").click()
        expect(page.get_by_role("heading", name="Networks", level=1)).to_be_visible()


def test_the_keyboard_reaches_search_and_content(visit: Visit, pages: dict[str, int]) -> None:
    with visit() as page:
        go(page, "/networks/")
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("#main")).to_be_focused()
        page.keyboard.press("/")
        expect(page.locator("#search")).to_be_focused()
        page.keyboard.type("sto/re")
        expect(page.locator("#search")).to_have_value("sto/re")
        page.locator("#search").fill("store")
        page.keyboard.press("Enter")
        expect(page.get_by_text("What matches “store”")).to_be_visible()


def test_the_chosen_theme_is_remembered(visit: Visit) -> None:
    with visit(color_scheme="light") as page:
        go(page, "/")
        bright = background(page)
        switch = page.get_by_role("button", name="Theme")
        switch.click()
        switch.click()
        dark = background(page)
        assert dark != bright
        go(page, "/networks/")
        expect(switch).to_have_text("Theme: dark")
        assert background(page) == dark
        switch.click()
        expect(switch).to_have_text("Theme: auto")
        assert background(page) == bright


def background(page: Page) -> str:
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))


def test_sharing_works_without_scripts(visit: Visit, pages: dict[str, int]) -> None:
    with visit(java_script_enabled=False) as page:
        page.goto(f"/networks/{LONG_NAME}/")
        page.get_by_role("link", name="Mark as shared").click()
        page.get_by_label("Type the network's name").fill(LONG_NAME)
        page.get_by_role("button", name=f"Share {LONG_NAME}").click()
        expect(page.get_by_text("It stays shared.")).to_be_visible()
        page.get_by_role("link", name="Show the firewalls that joined").click()
        expect(page.get_by_text("No firewall has joined it yet.")).to_be_visible()
    assert Network.objects.get(pk=LONG_NAME).shared
