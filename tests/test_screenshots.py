"""Which pages are photographed: a few of each kind, and nothing that is no page."""

import pytest

from tests.screenshots.walking import MOST_OF_ONE_KIND, Walk, file_name, kind_of, view_of


def test_links_are_followed_once_and_a_few_of_each_kind() -> None:
    walk = Walk()
    assert next(iter(walk)) == "/"
    links = [f"http://localhost/networks/net-{place}/" for place in range(20)]
    walk.note([*links, *links, "http://localhost/", "http://localhost/activity/#main"])
    found = list(walk)
    assert sum("/networks/net-" in address for address in found) < len(links)
    assert "/activity/" in found and len(found) == len(set(found))
    walk.note(f"/networks/?q={place}" for place in range(9))
    assert len(list(walk)) == MOST_OF_ONE_KIND


def test_where_it_matters_not_what_is_chosen_a_view_counts_once() -> None:
    walk = Walk(view_of)
    walk.note(f"/networks/?{chosen}=fra" for chosen in ("partition", "project", "q", "kind"))
    assert len(list(walk)) == 1 + MOST_OF_ONE_KIND


@pytest.mark.parametrize(
    "address",
    [
        "/admin/",
        "/api/v1/",
        "/nowhere",
        "/networks/?format=csv",
        "/firewalls/65ba7372-2842-5da1-bcf0-11aa3de83ab8/config/download/?file=x",
    ],
)
def test_what_is_no_page_is_left_out(address: str) -> None:
    assert kind_of(address) == ""


def test_files_are_named_by_what_they_show() -> None:
    assert file_name(7, "/networks/?shared=yes&partition=fra") == (
        "007-networks-list-by-partition-shared"
    )
