"""Every page as a picture, in light and dark, at three widths: `make screenshots`.

`python -m tests.screenshots [--demo large] [--only firewalls:detail] [--url http://…] [--into …]`
"""

import argparse
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import django
from playwright.sync_api import Browser, Page, StorageState, expect

from tests.browser.chromium import chromium
from tests.screenshots.walking import Walk, file_name, kind_of
from tests.stack import PASSWORD, ROOT, running

WIDTHS = (1440, 820, 390)
THEMES = ("light", "dark")
HEIGHT, TALLEST = 900, 8000
LINKS = 'all => all.map(one => new URL(one.getAttribute("href"), document.baseURI).href)'


def main() -> None:
    wanted = _arguments()
    django.setup()
    folder = Path(wanted.into) / wanted.demo
    shutil.rmtree(folder, ignore_errors=True)
    with _served(wanted) as url, chromium() as browser:
        studio = Studio(browser, url, _log_in(browser, url))
        chosen = [one for one in studio.found() if wanted.only in kind_of(one)]
        for look in product(THEMES, WIDTHS):
            studio.take(chosen, folder, *look)
    print(f"{len(chosen)} pages, {len(chosen) * len(THEMES) * len(WIDTHS)} pictures in {folder}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--demo", default="default", help="default or large")
    parser.add_argument("--only", default="", help="pages whose view has this in its name")
    parser.add_argument("--url", default="", help="of a stack that runs already")
    parser.add_argument("--into", default=str(ROOT / "var" / "screenshots"))
    return parser.parse_args()


@contextmanager
def _served(wanted: argparse.Namespace) -> Iterator[str]:
    """The address of a stack: the one that was named, or one of our own for as long as it takes."""
    if wanted.url:
        yield wanted.url
        return
    folder = Path(tempfile.mkdtemp(prefix="sn-shots-"))
    try:
        with running(folder, DEMO=wanted.demo) as stack:
            yield stack.url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _log_in(browser: Browser, url: str) -> StorageState:
    """As the demo's administrator; the session, with which a window opens."""
    context = browser.new_context(base_url=url)
    page = context.new_page()
    page.goto("/login/")
    page.get_by_label("User name").fill("admin")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", name="Overview").wait_for()
    session = context.storage_state()
    context.close()
    return session


@dataclass
class Studio:
    """A browser that is logged in."""

    browser: Browser
    url: str
    session: StorageState

    @contextmanager
    def window(self, **options: Any) -> Iterator[Page]:
        context = self.browser.new_context(base_url=self.url, storage_state=self.session, **options)
        with closing(context):
            yield context.new_page()

    def found(self) -> list[str]:
        """The addresses of the pages, by following links."""
        walk, found = Walk(), []
        with self.window() as page:
            for address in walk:
                _open(page, address)
                walk.note(page.locator("a[href]:not([download])").evaluate_all(LINKS))
                found.append(address)
        return found

    def take(self, addresses: Sequence[str], folder: Path, theme: str, width: int) -> None:
        """A picture of each, as tall as it is, in a folder for the look."""
        viewport = {"width": width, "height": HEIGHT}
        with self.window(color_scheme=theme, viewport=viewport) as page:
            for number, address in enumerate(addresses):
                _open(page, address)
                height = min(TALLEST, page.evaluate("document.documentElement.scrollHeight"))
                path = folder / f"{theme}-{width}" / f"{file_name(number, address)}.png"
                clip: Any = {"x": 0, "y": 0, "width": width, "height": height}
                page.screenshot(path=path, full_page=True, clip=clip)


def _open(page: Page, address: str) -> None:
    """Open it, and wait for the parts that come later."""
    page.goto(address)
    expect(page.locator("[hx-trigger='load']")).to_have_count(0)


if __name__ == "__main__":
    main()
