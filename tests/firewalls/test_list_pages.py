"""Lists: filters, order, page and choice keep each other, and the URL says nothing twice."""

import re
from html import unescape

import pytest
from django.test import Client
from django.utils.datastructures import MultiValueDict

from firewalls.models import Firewall
from networks.models import Project
from tests.pages import queries, visitor, words
from tests.world import World, world

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("published")]

Fields = MultiValueDict[str, str]


@pytest.fixture
def fra() -> World:
    return world()


@pytest.fixture
def fleet(fra: World) -> list[Firewall]:
    lan = fra.private("shop", fra.shop)
    return [fra.firewall(f"fw-{number:02}", fra.shop, lan) for number in range(53)]


def fields(page: str) -> Fields:
    """What the page's form sends with none of its buttons."""
    form = page[page.index('<form method="get">') :]
    sent: Fields = MultiValueDict()
    for tag in re.findall(r"<input[^>]*>", form[: form.index("</form>")]):
        attributes = dict(re.findall(r'([a-z]+)="([^"]*)"', tag))
        if attributes.get("type") != "checkbox" or " checked" in tag:
            sent.appendlist(attributes["name"], unescape(attributes.get("value", "")))
    for name, select in re.findall(r'<select name="(\w+)">(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'<option(?: value="([^"]*)")?[^>]* selected>([^<]*)', select)
        sent.appendlist(name, (chosen[1] or chosen[2]) if chosen else "")
    return sent


def pressed(client: Client, page: str, button: str, value: str, **typed: str) -> str:
    """The page after one of the form's buttons."""
    sent = fields(page)
    for name, text in typed.items():
        sent[name] = text
    sent.appendlist(button, value)
    return client.get("/firewalls/", sent, follow=True).content.decode()


def rows(page: str) -> list[str]:
    return re.findall(r'href="/firewalls/[-0-9a-f]{36}/">([^<]+)</a>', page)


def chosen(page: str) -> set[str]:
    return set(fields(page).getlist("firewall"))


@pytest.mark.parametrize(
    "path",
    [
        "/firewalls/?state=&q=fw&sort=",
        "/networks/?kind=&q=fw&project=",
        "/machines/?q=fw&partition=",
        "/rollouts/?q=fw&state=",
        "/activity/?who=&q=fw",
        "/partitions/fra/?q=fw&tenant=",
        "/partitions/fra/leak-audit/?q=fw&leaks=",
    ],
)
def test_what_a_form_leaves_empty_is_not_in_the_address(fra: World, path: str) -> None:
    answer = visitor().get(path)
    assert answer.status_code == 302 and answer["Location"] == path.partition("?")[0] + "?q=fw"
    assert visitor().get(answer["Location"]).status_code == 200


def test_a_filter_keeps_the_order(fra: World, fleet: list[Firewall]) -> None:
    page = visitor().get("/networks/?sort=-vrf").content.decode()
    assert re.search(r'<option value="-vrf" selected>', page)
    client = visitor("operator")
    page = client.get("/firewalls/?sort=-name").content.decode()
    page = pressed(client, page, "q", "", partition="fra")
    assert rows(page)[0] == "fw-52"


def test_the_choice_survives_turning_and_sorting(fleet: list[Firewall]) -> None:
    client = visitor("operator")
    first, last = str(fleet[0].pk), str(fleet[52].pk)
    page = client.get("/firewalls/", {"firewall": first, "q": "fw"}).content.decode()
    assert chosen(page) == {first}
    page = pressed(client, page, "page", "2")
    assert rows(page) == ["fw-50", "fw-51", "fw-52"] and chosen(page) == {first}
    assert "1 chosen on other pages" in page
    page = pressed(client, page, "sort", "-name", firewall=first)
    assert rows(page)[0] == "fw-52" and chosen(page) == {first}
    page = pressed(client, page, "choose", "1")
    assert len(chosen(page)) == 51 and last in chosen(page)
    review = client.get("/rollouts/new/", {"firewall": sorted(chosen(page))})
    assert "51 chosen firewalls" in review.content.decode()


def test_viewers_turn_and_sort_by_links(fleet: list[Firewall]) -> None:
    page = visitor().get("/firewalls/").content.decode()
    assert 'rel="next"' in page and 'type="checkbox"' not in page


def test_projects_are_offered_while_one_types_and_not_sent_along(fra: World) -> None:
    client = visitor()
    paths = ["/networks/", "/machines/", "/firewalls/", "/partitions/fra/"]
    paths.append("/partitions/fra/leak-audit/")
    before = [(queries(client, path), visitor().get(path).content) for path in paths]
    Project.objects.bulk_create(
        Project(id=f"pro-{number}", name="Pro", tenant="aurora") for number in range(400)
    )
    assert [queries(client, path) for path in paths] == [count for count, _ in before]
    assert not any(b"pro-7" in client.get(path).content for path in paths)
    offered = client.get("/project-options/?project=aurora pro-39").content.decode()
    assert re.findall(r'value="([^"]+)"', offered)[0] == "pro-39" and offered.count("<option") == 11


def test_a_part_of_a_project_is_enough_and_its_whole_id_is_only_that(fra: World) -> None:
    fra.private("one", fra.shop)
    Project.objects.create(id="shop-eu", name="EU")
    fra.private("two", Project.objects.get(pk="shop-eu"))
    client = visitor()
    assert "two private" not in words(client.get("/networks/?project=shop&kind=private"))
    both = words(client.get("/networks/?project=sho&kind=private"))
    assert "one" in both and "two" in both
