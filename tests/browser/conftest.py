"""What tests in a browser share."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.chromium import chromium
from tests.conftest import needs


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    needs("chromium")
    with pytest.MonkeyPatch.context() as patch, chromium() as launched:
        # Playwright runs a loop in this thread, in which Django would refuse to work.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield launched
