"""The product as its user meets it: the real stack, a browser, and files of practice firewalls."""

import os
import re
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chromium import chromium, listen_for_complaints
from tests.conftest import needs
from tests.stack import PASSWORD, Stack, running

# How many seconds every step of a practice firewall takes longer.
SLOW = "0.15"
STALLED = "1.5"
PUSH_MS = 180_000
SETTLE_SECONDS = 20
LAB_PUSHES = """
from firewalls.models import Push
pushes = Push.objects.filter(firewall__machine__name="lab-fw")
print(list(pushes.values_list("state", "attempts")))
"""
LAB_STATE = """
from firewalls.models import Firewall
print(Firewall.objects.with_state().get(machine__name="lab-fw").state)
"""
OTHER_STATES = """
from firewalls.models import Firewall
firewalls = Firewall.objects.with_state().exclude(machine__name="lab-fw")
print(sorted(set(firewalls.values_list("state", flat=True))))
"""
VRF = """
from networks.models import Network
print(Network.objects.get(pk="analytics-private").vrf)
"""


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """The demo partition, served."""
    needs("chromium")
    folder = Path(tempfile.mkdtemp(prefix="sn-walk-"))
    try:
        with running(folder) as started:
            yield started
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def page(stack: Stack) -> Iterator[Page]:
    """A logged-in operator's browser; errors on its console fail the test, except refused forms."""
    with chromium() as browser:
        opened = browser.new_page(viewport={"width": 1280, "height": 900})
        complaints = listen_for_complaints(opened, ("error",), statuses="422")
        opened.goto(stack.url)
        opened.get_by_label("User name").fill("admin")
        opened.get_by_label("Password").fill(PASSWORD)
        opened.get_by_role("button", name="Log in").click()
        expect(opened.get_by_role("heading", name="Overview", level=1)).to_be_visible()
        yield opened
    assert complaints == []


def run(stack: Stack, code: str) -> str:
    """What this Python prints beside the stack, with its database."""
    return stack.manage("shell", "-v", "0", "-c", code)


def practice_file(stack: Stack, firewall: str, path: str) -> str:
    return (stack.var / "practice" / firewall / path).read_text()


def slow_down(stack: Stack, firewall: str, seconds: str) -> None:
    (stack.var / "practice" / f".slow-{firewall}").write_text(seconds)


def test_a_private_network_becomes_a_shared_one_whose_consumer_is_configured(
    stack: Stack, page: Page
) -> None:
    slow_down(stack, "shop-fw", SLOW)
    before = practice_file(stack, "shop-fw", "etc/frr/frr.conf")
    share_analytics(page)
    join_shop(page)
    watch_it_confirmed(page)
    vrf = run(stack, VRF)
    assert f"vrf vrf{vrf}" not in before
    read_what_was_pushed(stack, page, vrf)
    page.goto(f"{stack.url}/networks/analytics-private/")
    expect(page.locator("#consumers").get_by_role("link", name="shop-fw")).to_be_visible()
    read_the_history(page)


def share_analytics(page: Page) -> None:
    """Its effect is shown, its name is typed, and it is shared for good."""
    page.get_by_role("link", name="fra-equ01").first.click()
    expect(page.get_by_role("link", name="storage-fra: 10.128.0.0/22")).to_be_visible()
    page.locator("main").get_by_role("link", name="Networks", exact=True).click()
    page.get_by_role("link", name="analytics-private").click()
    page.get_by_role("link", name="Mark as shared").click()
    expect(page.get_by_text("firewalls of 3 projects in fra-equ01")).to_be_visible()
    page.get_by_label("Type the network's name").fill("analytics")
    page.get_by_role("button", name="Share analytics-private").click()
    expect(page.get_by_text("This is not the network's name.")).to_be_visible()
    page.get_by_label("Why").fill("training data for shop")
    page.get_by_label("Type the network's name").fill("analytics-private")
    page.get_by_role("button", name="Share analytics-private").click()
    expect(page.get_by_text("It stays shared.")).to_be_visible()
    expect(page.locator(".notice").get_by_text("training data for shop")).to_be_visible()
    expect(page.get_by_role("link", name="Mark as shared")).to_have_count(0)


def join_shop(page: Page) -> None:
    """A firewall of another project joins it; the change is shown before it happens."""
    page.get_by_role("link", name="Firewalls", exact=True).first.click()
    page.get_by_role("link", name="shop-fw", exact=True).click()
    page.get_by_role("link", name="Join a network").click()
    page.get_by_role("link", name="Choose analytics-private").click()
    expect(page.get_by_text("set community no-export additive").first).to_be_visible()
    page.get_by_role("button", name="Join analytics-private").click()


def watch_it_confirmed(page: Page) -> None:
    """It is rendered, pushed and confirmed while one watches, without a reload."""
    expect(page).to_have_url(re.compile(r"/pushes/"))
    address = page.url
    status = page.locator("#push-status")
    expect(status).to_have_attribute("data-state", re.compile("queued|running"))
    page.evaluate("window.untouched = true")
    expect(status.locator("li", has_text="Check FRR").locator(".state")).to_have_text(
        "ok", timeout=PUSH_MS
    )
    expect(status).to_have_attribute("data-state", "confirmed", timeout=PUSH_MS)
    assert page.evaluate("window.untouched")
    assert page.url == address
    expect(status).not_to_have_attribute("hx-trigger", re.compile("."))


def read_what_was_pushed(stack: Stack, page: Page, vrf: str) -> None:
    """The pages show what lies in the practice firewall's folder."""
    after = practice_file(stack, "shop-fw", "etc/frr/frr.conf")
    assert f"vrf vrf{vrf}" in after
    page.get_by_role("link", name=re.compile("Files of revision")).click()
    assert page.locator("#file-text").text_content() == after
    page.get_by_role("link", name="/etc/nftables.conf").click()
    rules = practice_file(stack, "shop-fw", "etc/nftables.conf")
    assert page.locator("#file-text").text_content() == rules
    assert re.search(rf'oifname "bridge{vrf}" ip saddr .* snat ip to 10\.128\.68\.\d+', rules)
    page.get_by_role("link", name="Differences").click()
    expect(page.get_by_text("They are the same.")).to_be_visible()
    page.get_by_label("From").select_option("1")
    page.get_by_role("button", name="Compare").click()
    expect(page.locator(".diff .add", has_text=f"vrf vrf{vrf}").first).to_be_visible()


def read_the_history(page: Page) -> None:
    """The network's page, and the activity of all, which is filtered and exported."""
    history = page.locator("#history .event")
    expect(history.first).to_contain_text("shop-fw joined analytics-private by admin")
    expect(history.nth(1)).to_contain_text("analytics-private was shared by admin")
    expect(history.nth(1)).to_contain_text("training data for shop")
    page.get_by_role("link", name="Activity", exact=True).first.click()
    story = page.locator(".event")
    expect(story.first).to_contain_text("shop-fw joined analytics-private by admin")
    expect(story.first).to_contain_text("then push shop-fw is confirmed")
    page.get_by_label("Object").fill("shop-fw")
    page.get_by_label("Who").fill("adm")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_role("link", name="Clear")).to_be_visible()
    expect(story.first).to_contain_text("shop-fw joined analytics-private")
    story.first.locator("summary").click()
    expect(story.first).to_contain_text("attachment shop-fw in analytics-private created")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    heading, *lines = download.value.path().read_text().splitlines()
    assert heading.startswith("at,who,via,what")
    assert any("shop-fw joined analytics-private" in line for line in lines)


def test_a_worker_killed_in_the_middle_of_a_push_is_replaced_and_the_push_ends_confirmed_once(
    stack: Stack, page: Page
) -> None:
    slow_down(stack, "lab-fw", STALLED)
    page.goto(f"{stack.url}/firewalls/?q=lab-fw")
    page.get_by_role("link", name="lab-fw", exact=True).click()
    page.get_by_role("link", name="Push", exact=True).click()  # its first: what it may cost first
    page.get_by_role("button", name="Push to lab-fw").click()
    status = page.locator("#push-status")
    expect(status.locator("li", has_text="Check nftables").locator(".state")).to_have_text(
        "running", timeout=PUSH_MS
    )
    killed = stack.pids("celery", "--pool")
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    slow_down(stack, "lab-fw", "0")
    expect(status).to_have_attribute("data-state", "confirmed", timeout=PUSH_MS)
    assert not set(killed) & set(stack.pids("celery", "--pool"))
    assert run(stack, LAB_PUSHES) == "[('confirmed', 2)]"
    assert run(stack, LAB_STATE) == "in_sync"
    assert not (stack.var / "practice" / "lab-fw" / "var/lib/shared-networks/pending").exists()


def test_every_state_of_the_product_can_be_seen_at_once(stack: Stack) -> None:
    """Right after the walk the demo's firewalls are in the states that they are there to show."""
    deadline = time.monotonic() + SETTLE_SECONDS
    states = run(stack, OTHER_STATES)
    while "pushing" in states and time.monotonic() < deadline:
        time.sleep(0.5)
        states = run(stack, OTHER_STATES)
    assert states == "['drifted', 'failed', 'in_sync', 'pending', 'unreachable']"
