"""The pages that ask who reaches whom: names as people type them, answers, remedies, lists."""

from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from firewalls.allocation import join
from firewalls.models import Endpoint, Rule
from networks.models import Address
from tests.firewalls.askable import Place, pushed
from tests.pages import queries, says, visitor, words
from tests.test_admin import staff

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("published")]


@pytest.fixture
def place() -> Iterator[Place]:
    yield Place()


def url(**query: object) -> str:
    named = {"from" if name == "source" else name: value for name, value in query.items()}
    return f"/reachability/?{urlencode(named)}"


def test_a_question_in_names_is_answered_hop_by_hop_with_the_way_back(place: Place) -> None:
    response = visitor().get(url(source="web", to="disk in storage", port=2049))
    assert says(response, "web in shop → disk in storage, tcp/2049")
    text = words(response)
    there, back = text.index("The way there"), text.index("The way back")
    shown = Address.objects.get(machine=place.shop_fw.pk, prefix__network="storage").address
    for hop in ("web", "shop-fw", str(shown), "disk"):
        assert hop in text[there:back] and hop in text[back:]
    assert "It comes about once what is wanted is pushed." in text
    assert "In the way" not in text


@pytest.mark.parametrize(
    ("source", "to", "meant"),
    [
        ("{web}", "internet", "web in shop → internet"),
        ("network shop", "storage", "shop → storage"),
        ("{address}", "the internet", "{address} → internet"),
        ("shop", "{shop_fw}", "shop → shop-fw in shop"),
        ("disk", "{published}:8080", "disk in storage → {published}:8080/tcp"),
        ("disk", "{published}:81", "disk in storage → {published}, tcp/81"),
    ],
)
def test_places_are_named_as_people_have_them_at_hand(
    place: Place, source: str, to: str, meant: str
) -> None:
    published = Address.objects.get(machine=place.shop_fw.pk, prefix__network="storage")
    Endpoint(address=published, port=8080, machine=place.web, target_port=80).save()
    names = {
        "web": place.web.pk,
        "shop_fw": place.shop_fw.pk,
        "address": place.web.addresses.get().address,
        "published": published.address,
    }
    query = {"source": source.format(**names), "to": to.format(**names)}
    assert says(visitor().get(url(**query)), meant.format(**names))


def test_what_is_unclear_is_asked_back_with_links(place: Place) -> None:
    place.fra.machine("pay", place.fra.shop, place.shop)
    response = visitor().get(url(source="pay", to="storage"))
    assert says(response, "pay is more than one thing here. Choose which.", 422)
    for value in ("network+pay", "pay%20in%20shop", "network%20pay"):
        assert (value in response.content.decode()) == (value != "network+pay")
    response = visitor().get(url(source="we", to="storage"))
    assert says(response, "Nothing here is called we.", 422)
    assert "from=web%20in%20shop&amp;to=storage" in response.content.decode()
    assert says(visitor().get(url(source="web", to="super-fra")), "no machine is in it (R8)", 422)
    assert says(visitor().get(url(source="web", to="")), "This field is required.", 422)
    assert says(visitor().get(url(to="disk")), "Name who asks", 422)
    assert says(visitor().get(url(source="web", to="10.0.0.1:80", port=81)), "leave this", 422)
    beyond = visitor().get(url(source="web", to="10.0.0.1:65536"))
    assert says(beyond, "Nothing here is called 10.0.0.1:65536.", 422)
    ping = visitor().get(url(source="web", to="disk", protocol="icmp", port=8))
    assert says(ping, "Pings have no ports.", 422)


def test_everything_in_the_way_comes_with_what_takes_it_away(place: Place) -> None:
    question = url(source="till", to="disk", port=2049)
    response = visitor("operator").get(question)
    assert says(response, "pay-fw has not joined storage.")
    join_page = f"/firewalls/{place.pay_fw.pk}/join/storage/?{urlencode({'back': question})}"
    assert join_page in response.content.decode()
    operator = visitor("operator")
    done = operator.post(join_page, {"addresses": ""})
    assert (done.status_code, done.headers["Location"]) == (302, question)
    assert says(operator.get(question), "Connections come about, and replies find back.")
    assert "takes the role operator" in words(visitor().get(question.replace("disk", "internet")))


def test_a_network_that_is_not_shared_is_shared_and_then_joined(place: Place) -> None:
    private = place.fra.private("closed", place.fra.storage)
    place.fra.machine("vault", place.fra.storage, private)
    question = url(source="till", to="vault", port=22)
    text = words(visitor("admin").get(question))
    assert "closed is private and not shared" in text and "pay-fw has not joined" in text
    share_page = f"/networks/closed/share/?{urlencode({'back': question})}"
    assert share_page in visitor("admin").get(question).content.decode()
    done = visitor("admin").post(share_page, {"confirm": "closed", "reason": ""})
    assert done.headers["Location"] == question


@pytest.mark.parametrize(
    "back", ["https://evil.example/reachability/?x", "//evil.example/", "/admin/", ""]
)
def test_the_way_back_leads_to_questions_alone(place: Place, back: str) -> None:
    address = f"/firewalls/{place.pay_fw.pk}/join/storage/?{urlencode({'back': back})}"
    done = visitor("operator").post(address, {"addresses": ""})
    assert done.headers["Location"] == f"/firewalls/{place.pay_fw.pk}/"


def test_a_missing_rule_is_added_from_its_remedy(place: Place) -> None:
    operator = visitor("operator")
    question = url(source="web", to="internet", port=853)
    response = operator.get(question)
    assert says(response, "No egress rule of shop-fw lets tcp/853")
    start = f"/firewalls/{place.shop_fw.pk}/rules/add/?direction=egress&amp;protocol=tcp"
    body = response.content.decode()
    href = body[body.index(start) :].split('"')[0].replace("&amp;", "&")
    assert says(operator.get(href), "Add the rule")
    filled = {"direction": "egress", "protocol": "tcp", "ports": "853", "destinations": "0.0.0.0/0"}
    done = operator.post(href, filled)
    assert done.headers["Location"] == question
    added = Rule.objects.get(firewall=place.shop_fw, ports=["853"])
    assert added.position == 1 and str(added.destinations[0]) == "0.0.0.0/0"
    assert says(operator.get(question), "Connections come about")
    assert visitor().get(href).status_code == 403


def test_a_rule_that_is_none_is_refused_at_its_field(place: Place) -> None:
    address = f"/firewalls/{place.shop_fw.pk}/rules/add/"
    response = visitor("operator").get(f"{address}?direction=egress&protocol=tcp&ports=")
    assert says(response, "names at least one port", 422)
    assert says(visitor("operator").get(address), "Show what changes")


def test_what_was_applied_is_asked_for_beside_what_is_wanted(place: Place) -> None:
    question = url(source="web", to="disk", basis="applied")
    assert says(visitor().get(question), "shop-fw was never pushed to")
    assert says(visitor("operator").get(url(source="web", to="disk")), "Review and push shop-fw")
    pushed(place.shop_fw)
    assert says(visitor().get(question), "What was applied last does the same.")


def test_who_reaches_a_network_is_listed_by_project_and_paged(place: Place) -> None:
    assert visitor().get(url(to="storage", port=2049)).headers["Location"] == (
        "/networks/storage/reachable-from/?port=2049"
    )
    response = visitor().get("/networks/storage/reachable-from/?port=2049")
    assert says(response, "2 machines, 2 networks")
    shown = Address.objects.get(machine=place.shop_fw.pk, prefix__network="storage").address
    assert f"shop-fw {shown}" in words(response)
    assert says(visitor().get("/networks/super-fra/reachable-from/"), "no machine is in it")
    assert visitor().get("/networks/storage/reachable-from/?port=x").status_code == 422


def test_what_a_machine_reaches_is_listed_with_what_it_does_not(place: Place) -> None:
    response = visitor().get(f"/machines/{place.till.pk}/reaches/")
    body = response.content.decode()
    assert says(response, "1 machine, 1 network")
    assert f"/reachability/?from={place.till.pk}&amp;to=network+storage" in body
    assert visitor().get(f"/machines/{place.shop_fw.pk}/reaches/").status_code == 404


def test_names_are_suggested_while_they_are_typed(place: Place) -> None:
    body = visitor().get("/reachability/ends/?from=sto").content.decode()
    assert '<option value="storage" label="shared network of storage-team">' in body
    body = visitor().get("/reachability/ends/?to=inter").content.decode()
    assert body.index('value="internet"') < body.index('value="internet-fra"')
    assert "web in shop" in visitor().get("/reachability/ends/?from=we").content.decode()
    assert "shop-fw" not in visitor().get("/reachability/ends/?from=shop-f").content.decode()
    assert "shop-fw in shop" in visitor().get("/reachability/ends/?to=shop-f").content.decode()


def test_pages_say_why_something_is_not_usable(place: Place) -> None:
    lonely = place.fra.private("lonely", place.fra.shop)
    part = visitor().get(f"/networks/{lonely.pk}/firewalls/").content.decode()
    assert "/reachability/?from=network+lonely&amp;to=internet" in part
    firewall = visitor().get(f"/firewalls/{place.pay_fw.pk}/").content.decode()
    assert "/reachability/?from=network+pay&amp;to=internet" in firewall
    network = visitor().get("/networks/pay/").content.decode()
    assert f"/machines/{place.till.pk}/" in network
    assert "/networks/pay/reachable-from/" in network
    machine = visitor().get(f"/machines/{place.till.pk}/").content.decode()
    assert f"/machines/{place.till.pk}/reaches/" in machine


def test_no_page_takes_more_queries_where_there_is_more(place: Place) -> None:
    addresses = [
        url(source="web", to="disk in storage", port=2049),
        "/networks/storage/reachable-from/",
        f"/machines/{place.web.pk}/reaches/",
        "/reachability/ends/?to=sto",
    ]
    viewer = visitor()
    before = [queries(viewer, one) for one in addresses]
    for number in range(3):
        network = place.fra.private(f"stock-{number}", place.fra.shop)
        network.share(by="somebody")
        join(place.shop_fw, network, by="somebody")
        place.fra.firewall(f"shop-fw-{number}", place.fra.shop, place.shop, place.storage)
        place.fra.machine(f"m-{number}", place.fra.shop, network)
    assert [queries(viewer, one) for one in addresses] == before


def test_the_admin_takes_rules_with_prefixes_as_well(place: Place) -> None:
    address = f"/admin/firewalls/rule/add/?firewall={place.pay_fw.pk}"
    typed = {
        "firewall": str(place.pay_fw.pk),
        "direction": "egress",
        "position": 1,
        "protocol": "tcp",
        "ports": "443",
        "destinations": "0.0.0.0/0, 192.0.2.0/24",
    }
    assert staff().post(address, typed).status_code == 302
    added = Rule.objects.get(firewall=place.pay_fw)
    assert [str(one) for one in added.destinations] == ["0.0.0.0/0", "192.0.2.0/24"]
