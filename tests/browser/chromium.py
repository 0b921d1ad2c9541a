"""Chromium as the tests run it."""

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager

from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

# For a busy machine; whatever comes sooner is not waited for.
expect.set_options(timeout=60_000)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser, until the block ends."""
    arguments = ["--no-sandbox", "--disable-background-networking"]
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=arguments)
        with closing(launched):
            yield launched


def listen_for_complaints(page: Page, types: tuple[str, ...], statuses: str) -> list[str]:
    """A list that grows with such messages on the page's console, and with its errors.

    Chromium reports every answer but 200 as an error; those with one of these statuses are wanted.
    """
    complaints: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        wanted = re.search(rf"status of ({statuses})", message.text)
        if message.type in types and not wanted:
            complaints.append(message.text)

    page.on("console", listen)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return complaints
