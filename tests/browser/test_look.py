"""Every page in a real browser: readable for everyone, at night, on a phone, by keyboard and without scripts."""

import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from asyncssh import generate_private_key as new_key
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from firewalls.allocation import join
from firewalls.models import Drift, Firewall, Push, Rollout, Rule
from firewalls.pushing import rollouts
from networks.models import Network
from tests.conftest import needs
from tests.pages import visitor
from tests.world import world

expect.set_options(timeout=60_000)  # a busy machine's; whatever comes sooner is not waited for
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("browser", "published"),
]

LONG = "a-network-whose-name-is-as-long-as-any-name-in-here-may-ever-be"
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# What is wider than the window, and panels that cut off what is in them.
TOO_WIDE = """width => [document.documentElement, ...document.querySelectorAll("main .panel, main .facts > *, main .notice, main td")]
    .filter((one, index) => one.scrollWidth > (index ? one.clientWidth + 1 : width)).map((one) => one.outerHTML.slice(0, 200))"""
Open = Callable[..., Any]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium. Playwright runs a loop in this thread, which Django would otherwise refuse to work in."""
    needs("chromium")
    arguments = ["--no-sandbox", "--disable-background-networking"]
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        with closing(
            playwright.chromium.launch(executable_path="/usr/bin/chromium", args=arguments)
        ) as opened:
            yield opened


@pytest.fixture
def visit(browser: Browser, live_server: LiveServer) -> Open:
    """Open a window of somebody with a role; whatever its console complains about fails the test."""

    @contextmanager
    def opened(role: str = "admin", width: int = 1280, **options: Any) -> Iterator[Page]:
        context = browser.new_context(
            viewport={"width": width, "height": 844}, base_url=live_server.url, **options
        )
        if role:
            value = visitor(role).cookies[settings.SESSION_COOKIE_NAME].value
            context.add_cookies(
                [{"name": settings.SESSION_COOKIE_NAME, "value": value, "url": live_server.url}]
            )
        page, complaints = context.new_page(), []
        page.on(
            "console",
            lambda message: (
                complaints.append(message.text) if message.type in ("error", "warning") else None
            ),
        )
        page.on("pageerror", lambda error: complaints.append(str(error)))
        with closing(context):
            yield page
        # Chromium also tells of every page that is not answered with 200, which some are on purpose.
        assert [
            text for text in complaints if not re.search(r"status of (403|404|422)", text)
        ] == []

    return opened


@pytest.fixture
def pages() -> dict[str, int]:
    """The address of every page, each at its fullest and at its emptiest, and the status it is answered with."""
    fra = world(v6="2001:db8:128::/48")
    store, home, lone = (
        fra.private("store", fra.storage),
        fra.private(LONG, fra.shop),
        fra.private("lone", fra.analytics),
    )
    store.share("ada", "backups of every project, agreed with the storage team")
    fra.machine("till", fra.shop, home)
    firewall = fra.firewall("shop-fw", fra.shop, home, fra.internet, host="192.0.2.7", user="metal")
    Rule(
        firewall=firewall,
        position=1,
        direction="egress",
        protocol="tcp",
        ports=["443"],
        destinations=["0.0.0.0/0"],
        comment="web",
    ).save()
    join(firewall, store)
    join(_silent(fra.firewall("a" * 63, fra.analytics, lone)), store)
    tiny = fra.private("tiny", fra.storage, prefix_length={4: 29, 6: 64})
    tiny.share("ada")
    one, running, failed = (
        f"/firewalls/{firewall.pk}",
        _push(firewall, "running"),
        _push(firewall, "failed"),
    )
    fine = [
        "/",
        "/networks/",
        "/networks/?q=nothing",
        "/networks/store/",
        f"/networks/{LONG}/",
        "/networks/super-fra/",
        "/networks/internet-fra/",
        f"/networks/{LONG}/share/",
        "/networks/super-fra/share/",
        "/networks/store/share/",
        "/networks/store/consumers/",
        "/networks/tiny/join/",
        "/firewalls/",
        "/firewalls/?state=drifted",
        f"{one}/",
        f"{one}/config/",
        f"{one}/diff/",
        f"{one}/join/",
        f"{one}/join/tiny/",
        f"{one}/leave/store/",
        f"/pushes/{running.pk}/",
        f"/pushes/{failed.pk}/",
        "/search/?q=s",
        "/search/?q=nothing",
        "/activity/",
        "/activity/?object=nothing",
        "/activity/network/store/",
        "/rollouts/",
        "/rollouts/?state=paused",
        "/rollouts/new/",
        "/rollouts/new/?all=1",
        f"/rollouts/{_rollout(firewall).pk}/",
        *_observed(fra.firewall("drift-fw", fra.analytics, lone)),
    ]
    return {
        **dict.fromkeys(fine, 200),
        f"{one}/join/tiny/?addresses=10.9.9.9": 422,
        f"{one}/join/lone/": 422,
        "/networks/nothing/": 404,
    }


def _rollout(firewall: Firewall) -> Rollout:
    """One that has just begun."""
    return rollouts.start(
        [firewall],
        cause="the new storage network, on every firewall of the partition that has joined it",
        by="ada",
    )


def _observed(firewall: Firewall) -> list[str]:
    """One that was changed by hand and shows another key, and one of which nothing is known."""
    key = " ".join(new_key("ssh-ed25519").export_public_key("openssh").decode().split()[:2])
    Firewall.objects.filter(pk=firewall.pk).update(
        host_key=key, offered_key=key[:-4] + "AAAA", drifted_at=timezone.now(), drift="nft"
    )
    found = {"/etc/nftables.conf": ["drop\n", "accept # by hand " + "x" * 200 + "\n"]}
    Drift.objects.create(firewall=firewall, found=found, digest="0" * 64, found_at=timezone.now())
    other = Firewall.objects.get(machine__name="shop-fw")
    return [
        f"/firewalls/{one.pk}/{part}/"
        for one in (firewall, other)
        for part in ("host-key", "drift")
    ] + [f"/firewalls/{firewall.pk}/"]


def _silent(firewall: Firewall) -> Firewall:
    """Far behind: never pushed, and not answering."""
    Firewall.objects.filter(pk=firewall.pk).update(unreachable_since=timezone.now())
    return firewall


def _push(firewall: Firewall, state: str) -> Push:
    steps = [
        {
            "name": "connect",
            "state": "ok",
            "seconds": 0.2,
            "output": "metal@192.0.2.7:22, host key as pinned",
        },
        {
            "name": "check-frr",
            "state": "failed" if state == "failed" else "running",
            "seconds": 1.5,
            "output": "x" * 400,
        },
    ]
    now = timezone.now()
    ended = (
        {"finished_at": now, "error": "FRR does not take line 9."}
        if state == "failed"
        else {"heartbeat_at": now}
    )
    return Push.objects.create(
        firewall=firewall, state=state, steps=steps, requested_by="ada", **ended
    )


def go(page: Page, url: str, status: int = 200) -> None:
    answer = page.goto(url)
    assert answer is not None and answer.status == status, url
    for part in ("#consumers", "#history"):
        if page.locator(f"{part}[hx-get]").count():
            page.locator(f"{part}:not([hx-get])").wait_for()
    page.locator(".event details").evaluate_all("all => all.forEach(one => one.open = true)")


def test_no_page_keeps_anybody_out(visit: Open, pages: dict[str, int]) -> None:
    found = {}
    with visit(bypass_csp=True) as page:
        for url, status in pages.items():
            found[url] = violations(page, url, status)
    with visit(role="", bypass_csp=True) as page:
        found["/login/"] = violations(page, "/login/")
    with visit(role="viewer", bypass_csp=True) as page:
        for url, status in ((f"/networks/{LONG}/share/", 200), ("/networks/tiny/join/", 403)):
            found[f"{url} of a viewer"] = violations(page, url, status)
    assert {url: what for url, what in found.items() if what} == {}


def violations(page: Page, url: str, status: int = 200) -> list[str]:
    """What axe finds wrong with the page by day, and then by night."""
    page.emulate_media(color_scheme="light")
    go(page, url, status)
    found = (
        Axe()
        .run(page, options={"runOnly": WCAG, "resultTypes": ["violations"]})
        .response["violations"]
    )
    page.emulate_media(color_scheme="dark")
    found += page.evaluate(
        "axe.run({runOnly: ['color-contrast', 'link-in-text-block']}).then(answer => answer.violations)"
    )
    return [
        f"{one['id']}: {node['html'][:200]} {node['failureSummary']}"
        for one in found
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("width", [390, 320])
def test_no_page_scrolls_sideways_on_a_phone(
    visit: Open, pages: dict[str, int], width: int
) -> None:
    found = {}
    with visit(width=width) as page:
        for url, status in pages.items():
            go(page, url, status)
            found[url] = page.evaluate(TOO_WIDE, width)
    assert {url: what for url, what in found.items() if what} == {}


def test_the_menu_of_a_phone_leads_on(visit: Open) -> None:
    with visit(width=390) as page:
        go(page, "/")
        page.get_by_text("Menu", exact=True).click()
        page.get_by_role("link", name="Networks").click()
        expect(page.get_by_role("heading", name="Networks", level=1)).to_be_visible()


def test_the_keyboard_reaches_search_and_content(visit: Open, pages: dict[str, int]) -> None:
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


def test_the_chosen_theme_is_remembered(visit: Open) -> None:
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


def test_sharing_works_without_scripts(visit: Open, pages: dict[str, int]) -> None:
    with visit(java_script_enabled=False) as page:
        page.goto(f"/networks/{LONG}/")
        page.get_by_role("link", name="Mark as shared").click()
        page.get_by_label("Type the network's name").fill(LONG)
        page.get_by_role("button", name=f"Share {LONG}").click()
        expect(page.get_by_text("It stays shared.")).to_be_visible()
        page.get_by_role("link", name="Show the firewalls that joined").click()
        expect(page.get_by_text("No firewall has joined it yet.")).to_be_visible()
    assert Network.objects.get(pk=LONG).shared
