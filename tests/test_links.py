"""Whatever a page leads to is there, and is not refused to whom it is shown."""

import pytest
from django.test import Client

from tests.browser.every_page import every_page
from tests.pages import visitor
from tests.screenshots.walking import Walk, links

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("published")]


@pytest.mark.parametrize("role", ["viewer", "admin"])
def test_every_link_leads_to_a_page(role: str) -> None:
    every_page()
    seen, walk = visitor(role), Walk()
    refused, led_by = {}, {"/": ""}
    for address in walk:
        status, text = _opened(seen, address)
        known = set(walk.known)
        walk.note(links(text, address))
        led_by.update(dict.fromkeys(walk.known - known, address))
        if status != 200:
            refused[address] = f"{status}, and {led_by[address]} leads there"
    assert len(walk.known) > 100
    assert refused == {}


def _opened(visitor: Client, address: str) -> tuple[int, str]:
    answer = visitor.get(address, follow=True)
    return answer.status_code, answer.content.decode()
