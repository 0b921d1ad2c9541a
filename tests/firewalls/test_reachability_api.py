"""The question over REST: as it was promised, from the rows, with a constant number of queries."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from firewalls.allocation import join
from firewalls.intent import revisions
from firewalls.models import Endpoint, Firewall, Revision, Rule
from machines.models import Machine
from networks.models import Address
from tests.api import Api, codes
from tests.firewalls.askable import Place, pushed
from tests.world import network, world

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("published")]


@pytest.fixture
def place() -> Iterator[Place]:
    yield Place()


def ask(**query: Any) -> Any:
    return Api("viewer").get("reachability/?" + "&".join(f"{k}={v}" for k, v in query.items()))


def asked(**query: Any) -> Any:
    response = ask(**query)
    assert response.status_code == 200, response.content
    return response.json()


def address(machine: Machine) -> str:
    return str(Address.objects.get(machine=machine).address)


def test_a_consumers_machine_reaches_the_shared_network(place: Place) -> None:
    answer = asked(machine=place.web.pk, to_machine=place.disk.pk, port=2049)
    assert (answer["reachable"], answer["verdict"], answer["basis"]) == (
        True,
        "reachable",
        "wanted",
    )
    assert answer["blockers"] == answer["remedies"] == []
    assert "reason" not in answer
    kinds = [hop["kind"] for hop in answer["path"]]
    assert kinds == ["machine", "vrf", "firewall", "vrf", "machine"]
    firewall = answer["path"][2]
    shown = str(Address.objects.get(machine=place.shop_fw.pk, prefix__network="storage").address)
    assert firewall["translation"] == {"of": "source", "from": address(place.web), "to": shown}
    assert "to storage" in firewall["line"] and "accept" in firewall["line"]
    back = answer["return_path"][2]
    assert back["translation"] == {"of": "destination", "from": shown, "to": address(place.web)}
    assert [hop["name"] for hop in answer["return_path"]] == [
        hop["name"] for hop in reversed(answer["path"])
    ]


def test_the_line_is_one_of_the_configuration(place: Place) -> None:
    revisions.refresh([place.shop_fw.pk], cause="a test")
    firewall = Firewall.objects.get(pk=place.shop_fw.pk)
    assert firewall.wanted is not None
    for query in ({"to_machine": place.disk.pk}, {"internet": "true"}):
        line = asked(machine=place.web.pk, port=443, **query)["path"][2]["line"]
        assert line in firewall.wanted.files["/etc/nftables.conf"]


def test_what_is_in_the_way_comes_with_what_takes_it_away(place: Place) -> None:
    answer = asked(machine=place.till.pk, to_machine=place.disk.pk, port=2049)
    assert answer["verdict"] == "unreachable"
    (blocker,) = answer["blockers"]
    assert (blocker["code"], blocker["rule"], blocker["where"]) == (
        "not_joined",
        "R6",
        "firewall pay-fw",
    )
    (remedy,) = answer["remedies"]
    assert remedy["action"] == "join" and remedy["role"] == "operator"
    assert remedy["opens"] == {"flows": 1, "machines": 1}
    assert remedy["message"] == "Join pay-fw to storage: 1 machine of analytics reaches 1 machine."
    assert remedy["url"] == f"/firewalls/{place.pay_fw.pk}/join/storage/"
    assert (answer["reason"], answer["remedy"]) == (blocker["message"], remedy["message"])


def test_what_is_done_as_a_remedy_says_makes_it_reachable(place: Place) -> None:
    query = {"machine": place.till.pk, "to_machine": place.disk.pk, "port": 2049}
    (remedy,) = asked(**query)["remedies"]
    Api("operator").post(
        f"firewalls/{remedy['firewall']}/attachments/", {"network": remedy["network"]}
    )
    assert asked(**query)["reachable"]


def test_every_source_and_every_destination_may_be_named(place: Place) -> None:
    join(place.pay_fw, place.storage, by="somebody")
    endpoint = Endpoint(
        address=Address.objects.get(machine=place.shop_fw.pk, prefix__network="storage"),
        port=8080,
        machine=place.web,
        target_port=80,
    )
    endpoint.save()
    sources: list[dict[str, Any]] = [
        {"machine": place.till.pk},
        {"network": "pay"},
        {"source": address(place.till)},
    ]
    destinations: list[dict[str, Any]] = [
        {"to_machine": place.disk.pk},
        {"to_network": "storage"},
        {"address": address(place.disk)},
        {"endpoint": endpoint.pk},
    ]
    for source in sources:
        for destination in destinations:
            assert asked(**source, **destination)["reachable"], (source, destination)
        assert not asked(**source, internet="true")["reachable"]


def test_an_endpoint_is_a_hop_of_the_path(place: Place) -> None:
    published = Address.objects.get(machine=place.shop_fw.pk, prefix__network="storage")
    endpoint = Endpoint(address=published, port=8080, machine=place.web, target_port=80)
    endpoint.save()
    path = asked(machine=place.disk.pk, endpoint=endpoint.pk)["path"]
    assert [hop["kind"] for hop in path] == [
        *("machine", "vrf", "endpoint", "firewall", "vrf", "machine")
    ]
    assert path[2]["translation"]["to"] == f"{address(place.web)}:80"
    assert path[-1]["name"] == "web"
    assert asked(machine=place.disk.pk, endpoint=endpoint.pk, port=8080)["reachable"]
    assert asked(machine=place.disk.pk, address=published.address, port=8080)["path"] == path
    for other in ({"port": 81}, {"protocol": "udp"}):
        refused = codes(ask(machine=place.disk.pk, endpoint=endpoint.pk, **other))
        assert refused == {next(iter(other)): ["other_than_endpoint"]}


def test_what_was_applied_is_said_beside_what_is_wanted(place: Place) -> None:
    query = {"machine": place.web.pk, "to_machine": place.disk.pk}
    beside = asked(**query)["beside"]
    assert (beside["basis"], beside["verdict"]) == ("applied", "unreachable")
    assert "pushed" in beside["message"]
    assert asked(**query, basis="applied")["blockers"][0]["code"] == "never_pushed"
    pushed(place.shop_fw)
    assert asked(**query, basis="applied")["reachable"]
    Rule.objects.get(firewall=place.shop_fw).delete()
    other = asked(**query, basis="applied")
    assert (other["verdict"], other["beside"]["verdict"]) == ("reachable", "reachable")
    Revision.objects.update(plan=None)  # as before plans were kept
    applied = asked(**query, basis="applied")
    assert applied["verdict"] == "unknown"
    assert applied["blockers"][0]["code"] == "runs_something_else"
    assert applied["beside"]["verdict"] == "reachable"


REFUSED: list[tuple[dict[str, Any], dict[str, list[str]]]] = [
    ({}, {"machine": ["one_of"]}),
    ({"network": "shop"}, {"to_machine": ["one_of"]}),
    ({"network": "shop", "internet": "false"}, {"to_machine": ["one_of"]}),
    ({"network": "shop", "source": "10.0.0.1", "internet": "true"}, {"source": ["one_of"]}),
    ({"network": "nowhere", "internet": "true"}, {"network": ["does_not_exist"]}),
    ({"machine": "none", "internet": "true"}, {"machine": ["invalid"]}),
    ({"network": "super-fra", "internet": "true"}, {"network": ["not_explicit"]}),
    ({"network": "shop", "to_network": "underlay-fra"}, {"to_network": ["not_explicit"]}),
    ({"source": "here", "internet": "true"}, {"source": ["invalid_address"]}),
    ({"network": "shop", "internet": "true", "port": "0"}, {"port": ["min_value"]}),
    ({"network": "shop", "internet": "true", "port": "65536"}, {"port": ["max_value"]}),
    ({"network": "shop", "internet": "true", "protocol": "sctp"}, {"protocol": ["invalid_choice"]}),
    (
        {"network": "shop", "internet": "true", "protocol": "icmp", "port": "8"},
        {"port": ["no_ports"]},
    ),
    ({"network": "shop", "internet": "true", "basis": "seen"}, {"basis": ["invalid_choice"]}),
    ({"network": "shop", "internet": "true", "prot": "tcp"}, {"prot": ["unknown_parameter"]}),
    (
        {"network": "shop", "internet": "true", "at": "2126-01-01T00:00:00Z"},
        {"at": ["not_yet"]},
    ),
    (
        {"network": "shop", "internet": "true", "at": "2026-01-01T00:00:00Z", "basis": "wanted"},
        {"basis": ["not_kept"]},
    ),
]


def test_a_question_that_is_none_is_refused_on_its_field(place: Place) -> None:
    for query, expected in REFUSED:
        assert codes(ask(**query)) == expected, query


def test_a_firewall_is_a_destination_and_no_source(place: Place) -> None:
    itself = asked(machine=place.web.pk, to_machine=place.shop_fw.pk, port=22)
    assert [one["code"] for one in itself["blockers"]] == ["firewall_closed"]
    assert codes(ask(machine=place.shop_fw.pk, internet="true")) == {"machine": ["does_not_exist"]}


def test_another_partition_is_named_as_what_is_in_the_way(place: Place) -> None:
    ams = world("ams", pool="10.132.0.0/14", fabric="10.5.0.0/16", number=1)
    far = ams.private("far", ams.storage)
    far.share(by="somebody")
    machine = ams.machine("away", ams.storage, far)
    answer = asked(machine=place.web.pk, to_machine=machine.pk, port=22)
    assert [(one["code"], one["rule"]) for one in answer["blockers"]] == [("other_partition", "R2")]


def test_so_is_what_another_partition_has_outside(place: Place) -> None:
    ams = world("ams", pool="10.132.0.0/14", fabric="10.5.0.0/16", number=1)
    network("mpls", "external", "172.31.0.0/24", vrf=104100, partition=ams.partition)
    answer = asked(machine=place.till.pk, address="172.31.0.9", port=22)
    assert [(one["code"], one["rule"]) for one in answer["blockers"]] == [("other_partition", "R2")]


def test_the_number_of_queries_does_not_grow(place: Place) -> None:
    viewer = Api("viewer")
    path = f"reachability/?machine={place.web.pk}&to_machine={place.disk.pk}&port=2049"

    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert viewer.get(path).status_code == 200
        return len(queries)

    viewer.get(path)
    before = count()
    for number in range(3):
        network = place.fra.private(f"more-{number}", place.fra.shop)
        network.share(by="somebody")
        join(place.shop_fw, network, by="somebody")
        fw = place.fra.firewall(f"shop-fw-{number}", place.fra.shop, place.shop, place.storage)
        place.fra.machine(f"m-{number}", place.fra.shop, place.shop)
        Endpoint(
            address=Address.objects.get(machine=fw.pk, prefix__network="storage"),
            port=80,
            machine=place.web,
            target_port=80,
        ).save()
    assert count() == before


def test_viewers_may_ask_and_strangers_may_not(place: Place) -> None:
    from django.test import Client

    path = f"/api/v1/reachability/?machine={place.web.pk}&internet=true&port=443"
    assert Client().get(path).status_code == 401
    response = ask(machine=place.web.pk, internet="true", port=443)
    assert response.json()["reachable"]
    assert response["ETag"]


def test_who_reaches_a_network_by_project_and_network_by_network(place: Place) -> None:
    viewer = Api("viewer")
    answer = viewer.get("networks/storage/reachable-from/?port=2049").json()
    assert (answer["basis"], answer["count"]) == ("wanted", 2)
    assert answer["projects"] == [
        {"project": "shop", "networks": 1, "machines": 1},
        {"project": "storage-team", "networks": 1, "machines": 1},
    ]
    row = answer["results"][0]
    shown = Address.objects.get(machine=place.shop_fw.pk, prefix__network="storage")
    assert (row["network"], row["verdict"], row["machines"]) == ("shop", "reachable", 1)
    way = {"firewall": str(place.shop_fw.pk), "name": "shop-fw", "addresses": [str(shown)]}
    assert row["through"] == [way]
    applied = viewer.get("networks/storage/reachable-from/?basis=applied").json()
    assert [one["network"] for one in applied["results"]] == ["storage"]
    assert viewer.get("networks/nowhere/reachable-from/").status_code == 404
    assert codes(viewer.get("networks/storage/reachable-from/?prt=1")) == {
        "prt": ["unknown_parameter"]
    }
    assert codes(viewer.get("networks/super-fra/reachable-from/")) == {"network": ["not_explicit"]}


def test_what_a_machine_reaches_and_as_which_address(place: Place) -> None:
    answer = Api("viewer").get(f"machines/{place.web.pk}/reaches/?port=443").json()
    assert [one["network"] for one in answer["results"]] == ["internet-fra", "shop", "storage"]
    assert Api("viewer").get(f"machines/{place.shop_fw.pk}/reaches/").status_code == 404
    alone = Api("viewer").get(f"machines/{place.till.pk}/reaches/").json()
    assert [one["network"] for one in alone["results"]] == ["pay"]
