"""A change that breaks a law is refused before it is committed, whoever makes it and however."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from ipaddress import ip_network
from threading import Event
from time import sleep
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection, transaction

from firewalls.allocation import free_firewall, join, leave
from firewalls.intent.effects import foresee
from firewalls.intent.laws import BrokenLaw
from firewalls.intent.laws.judging import CODE
from firewalls.models import Breach, Endpoint, Firewall, Law, Rule, Unjudged
from firewalls.publishing import publish, withdraw
from machines.allocation import free_machine
from networks.allocation.prefixes import grow
from networks.common.postgres import judge_now
from networks.common.warnings import warned
from networks.models import Network
from tests.threads import PATIENCE, at_once, attempted, refusals, while_open
from tests.world import World, world

pytestmark = pytest.mark.django_db(transaction=True)


class Scene:
    """shop-fw has joined storage and the internet; pay-fw may join storage."""

    def __init__(self) -> None:
        self.fra: World = world()
        self.shop = self.fra.private("shop", self.fra.shop)
        self.pay = self.fra.private("pay", self.fra.analytics)
        self.storage = self.fra.private("storage", self.fra.storage, shared=True)
        self.web = self.fra.machine("web", self.fra.shop, self.shop)
        self.till = self.fra.machine("till", self.fra.analytics, self.pay)
        self.disk = self.fra.machine("disk", self.fra.storage, self.storage)
        self.shop_fw = self.fra.firewall(
            "shop-fw", self.fra.shop, self.shop, self.storage, self.fra.internet
        )
        self.pay_fw = self.fra.firewall("pay-fw", self.fra.analytics, self.pay)


@pytest.fixture
def scene(published: list[str]) -> Scene:
    return Scene()


def only(scene: Scene, **fields: object) -> Law:
    law = Law(kind="only", projects=["shop"], to_network=scene.storage, **fields)
    law.save()
    return law


def joined(firewall: Firewall, network: Network) -> bool:
    return firewall.attachments.filter(network=network).exists()


def test_a_join_that_breaks_a_law_is_refused_with_the_flow_that_does(scene: Scene) -> None:
    only(scene, protocol="tcp", port=2049)
    with pytest.raises(BrokenLaw) as error:
        join(scene.pay_fw, scene.storage)
    (sentence,) = error.value.messages
    assert 'breaks the law "only shop reaches storage on tcp/2049"' in sentence
    assert "till (10.128.4.1) of pay reaches disk (10.128.8.1) of storage on tcp/2049" in sentence
    assert "pay-fw" in sentence
    assert not joined(scene.pay_fw, scene.storage)
    assert not Breach.objects.exists() and not Unjudged.objects.exists()
    leave(scene.shop_fw, scene.storage)
    join(scene.shop_fw, scene.storage)


def test_what_no_law_is_about_costs_nothing(scene: Scene) -> None:
    join(scene.pay_fw, scene.storage)
    assert not Unjudged.objects.exists()


def egress(firewall: Firewall, *ports: str, position: int = 1, to: str = "0.0.0.0/0") -> Rule:
    place = {"direction": "egress", "position": position}
    rule = Rule(firewall=firewall, ports=[*ports], destinations=[ip_network(to)], **place)
    rule.save()
    return rule


def always(scene: Scene, **fields: object) -> Law:
    law = Law(kind="always", projects=["shop"], protocol="tcp", port=443, **fields)
    law.save()
    return law


def refused(change: Callable[[], object]) -> str:
    """The sentence with which a change is refused, which has done nothing."""
    with pytest.raises(BrokenLaw) as error:
        change()
    assert not Unjudged.objects.exists()
    (sentence,) = error.value.messages
    return sentence


def test_what_always_reaches_is_not_cut_off(scene: Scene) -> None:
    rule = egress(scene.shop_fw, "443")
    always(scene)
    assert not Breach.objects.exists()
    sentence = refused(lambda: leave(scene.shop_fw, scene.fra.internet))
    assert "shop always reaches the internet on tcp/443" in sentence
    assert "web (10.128.0.1) of shop does not reach the internet on tcp/443: shop-fw" in sentence
    assert "No egress rule of shop-fw" in refused(rule.delete)
    rule.ports = ["80"]
    assert "No egress rule of shop-fw" in refused(rule.save)
    egress(scene.shop_fw, "22", position=2)


def test_a_network_comes_before_its_firewall_and_its_machines_after(scene: Scene) -> None:
    egress(scene.shop_fw, "443")
    always(scene)
    new = scene.fra.private("new", scene.fra.shop)
    assert "new has no firewall" in refused(lambda: scene.fra.machine("m", scene.fra.shop, new))
    firewall = scene.fra.firewall("new-fw", scene.fra.shop, new, scene.fra.internet)
    egress(firewall, "443")
    machine = scene.fra.machine("m", scene.fra.shop, new)
    assert refused(lambda: free_firewall(firewall))
    free_machine(machine)
    free_firewall(firewall)


def test_nobody_means_endpoints_and_what_is_let_in_as_well(scene: Scene) -> None:
    Law(kind="nobody", to_network=scene.shop).save()
    address = scene.shop_fw.machine.addresses.get(prefix__network=scene.storage)
    place: dict[str, Any] = {"firewall": scene.shop_fw, "network": scene.storage}
    place["address"] = address.address
    port: dict[str, Any] = {"port": 8080, "target_port": 80, "machine": scene.web}
    sentence = refused(lambda: publish(**place, **port, protocol="tcp", purpose="service"))
    assert "disk (10.128.8.1) of storage reaches" in sentence
    rule = Rule(firewall=scene.shop_fw, direction="ingress", position=1, ports=["22"])
    assert "What comes from internet-fra reaches" in refused(rule.save)


def test_a_law_that_is_broken_is_taken_and_no_worse_is_no_matter(scene: Scene) -> None:
    join(scene.pay_fw, scene.storage)
    narrow = Rule(firewall=scene.pay_fw, direction="egress", position=1, ports=["22"])
    narrow.destinations = [scene.storage.prefixes.get().cidr]
    narrow.save()
    with warned() as sentences:
        law = only(scene, protocol="tcp")
    assert "broken already" in sentences[0] and law.breaches.count() == 1
    since = law.breaches.get().since
    narrow.ports = ["22", "2049"]
    sentence = refused(narrow.save)
    assert "till (10.128.4.1) of pay reaches disk (10.128.8.1) of storage on tcp/2049" in sentence
    egress(scene.pay_fw, "80", position=3, to="198.51.100.0/24")
    egress(scene.shop_fw, "80")
    assert law.breaches.get().since == since
    leave(scene.pay_fw, scene.storage)
    assert not law.breaches.exists()
    refused(lambda: join(scene.pay_fw, scene.storage))


def test_a_law_that_warns_lets_it_come_to_that_and_says_so(scene: Scene) -> None:
    law = only(scene, mode="warn")
    with warned() as sentences:
        join(scene.pay_fw, scene.storage)
    assert len(sentences) == 1 and 'breaks the law "only shop reaches storage"' in sentences[0]
    assert law.breaches.count() == 3  # by tcp, udp and ping
    assert joined(scene.pay_fw, scene.storage)
    with warned() as sentences:
        egress(scene.pay_fw, "80")
    assert sentences == []


def test_a_law_that_is_changed_or_removed_is_judged_anew(scene: Scene) -> None:
    law = only(scene)
    law.projects = ["storage-team"]
    law.save()
    assert {one.source for one in law.breaches.all()} == {"shop"}
    join(scene.shop_fw, scene.fra.private("other", scene.fra.storage, shared=True))
    law.delete()
    assert not Breach.objects.exists()
    join(scene.pay_fw, scene.storage)


def test_what_grows_where_no_firewall_is_breaks_it_further(scene: Scene) -> None:
    new = scene.fra.private("new", scene.fra.analytics)
    scene.fra.machine("m", scene.fra.analytics, new)
    Law(kind="always", networks=["new"], protocol="tcp", port=443).save()
    assert "new has no firewall" in refused(lambda: grow(new, prefix_length=24))
    egress(scene.pay_fw, "80")


def test_a_network_that_gets_another_owner_is_judged_by_its_laws(scene: Scene) -> None:
    egress(scene.shop_fw, "443")
    always(scene)
    join(scene.pay_fw, scene.storage)
    law = Law(kind="nobody", projects=["analytics"], to_project=scene.fra.storage, protocol="udp")
    law.save()
    assert {one.target for one in law.breaches.all()} == {"storage"}
    leave(scene.pay_fw, scene.storage)
    assert not law.breaches.exists()


class TestSqlByHand:
    JOIN = (
        "INSERT INTO firewalls_attachment (firewall_id, network_id, created_at)"
        " VALUES (%s, 'storage', now())"
    )
    EGRESS = (
        "INSERT INTO firewalls_rule (firewall_id, direction, position, protocol, ports, sources,"
        " destinations, comment) VALUES (%s, 'egress', 1, 'tcp', '{443}', '{}', '{}', '')"
    )

    @pytest.fixture
    def psql(self) -> Iterator["psycopg.Connection[Any]"]:
        """A connection of somebody who knows nothing of the product."""
        parameters = connection.get_connection_params()
        names = ("host", "port", "user", "password", "dbname")
        with psycopg.connect(
            **{name: parameters[name] for name in names if parameters.get(name)}, autocommit=True
        ) as other:
            yield other

    def test_is_refused_where_there_is_a_law(
        self, scene: Scene, psql: "psycopg.Connection[Any]"
    ) -> None:
        psql.execute(self.EGRESS, [scene.pay_fw.pk])
        law = only(scene)
        with pytest.raises(psycopg.errors.CheckViolation, match="nobody has judged"):
            psql.execute(self.EGRESS, [scene.shop_fw.pk])
        unjudged = pytest.raises(psycopg.errors.CheckViolation, match="nobody has judged")
        with unjudged, psql.transaction():
            psql.execute(self.EGRESS, [scene.shop_fw.pk])
        with pytest.raises(psycopg.errors.CheckViolation, match="nobody has judged"):
            psql.execute("UPDATE firewalls_law SET projects = '{analytics}'")
        assert not Rule.objects.filter(firewall=scene.shop_fw).exists()
        psql.execute("DELETE FROM firewalls_law WHERE id = %s", [law.pk])
        psql.execute(self.EGRESS, [scene.shop_fw.pk])

    def test_what_laws_are_not_about_is_written_as_ever(
        self, scene: Scene, psql: "psycopg.Connection[Any]"
    ) -> None:
        only(scene)
        psql.execute("UPDATE networks_partition SET name = 'Frankfurt'")
        psql.execute("UPDATE firewalls_observation SET applied_id = NULL")
        psql.execute("UPDATE networks_address SET name = 'x' WHERE machine_id = %s", [scene.web.pk])

    def test_through_the_product_it_is_judged_also_where_it_commits_by_itself(
        self, scene: Scene
    ) -> None:
        egress(scene.shop_fw, "443")
        always(scene)
        rules = Rule.objects.filter(firewall=scene.shop_fw)
        rules.update(comment="still so")
        assert "No egress rule" in refused(lambda: rules.update(ports=["80"]))
        assert "No egress rule" in refused(rules.delete)
        assert rules.get().ports == ["443"]
        with connection.cursor() as cursor:
            cursor.execute(self.EGRESS, [scene.pay_fw.pk])
        assert Rule.objects.filter(firewall=scene.pay_fw).exists()


class TestTransactions:
    def test_the_outermost_is_judged_as_a_whole(self, scene: Scene) -> None:
        only(scene)
        with transaction.atomic():
            join(scene.pay_fw, scene.storage)
            leave(scene.pay_fw, scene.storage)
        with pytest.raises(BrokenLaw), transaction.atomic():
            join(scene.pay_fw, scene.storage)
            egress(scene.pay_fw, "80")
        assert not Rule.objects.exists() and not joined(scene.pay_fw, scene.storage)

    def test_what_was_judged_and_taken_back_is_forgotten(self, scene: Scene) -> None:
        only(scene)
        with transaction.atomic():
            egress(scene.shop_fw, "80")
            with pytest.raises(BrokenLaw), transaction.atomic():
                join(scene.pay_fw, scene.storage)
                judge_now()
            with pytest.raises(BrokenLaw):
                foresee(lambda: join(scene.pay_fw, scene.storage))
            assert foresee(lambda: egress(scene.pay_fw, "80")).diffs() == {}
        assert Rule.objects.get().firewall == scene.shop_fw

    def test_what_was_judged_before_a_savepoint_and_what_comes_after(self, scene: Scene) -> None:
        only(scene)
        with pytest.raises(BrokenLaw), transaction.atomic():
            egress(scene.shop_fw, "80")
            with suppress(ZeroDivisionError), transaction.atomic():
                judge_now()
                raise ZeroDivisionError
            join(scene.pay_fw, scene.storage)
        assert not joined(scene.pay_fw, scene.storage)

    def test_a_refusal_leaves_a_connection_that_works(self, scene: Scene) -> None:
        only(scene)
        for _ in range(2):
            refused(lambda: join(scene.pay_fw, scene.storage))
            assert connection.get_autocommit() and not connection.in_atomic_block

    def test_an_error_of_a_writer_takes_all_back_without_a_judgement(self, scene: Scene) -> None:
        only(scene)
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            join(scene.pay_fw, scene.storage)
            raise ZeroDivisionError
        assert not joined(scene.pay_fw, scene.storage)


class TestManyWriters:
    """Each is right by itself, and both together break the law."""

    def publishing(self, scene: Scene) -> Callable[[], object]:
        address = scene.shop_fw.machine.addresses.get(prefix__network=scene.storage)
        place: dict[str, Any] = {"network": scene.storage, "address": address.address}
        port: dict[str, Any] = {"port": 8080, "target_port": 80, "protocol": "tcp"}
        port |= {"machine": scene.web, "purpose": "service"}
        return lambda: publish(firewall=scene.shop_fw, **place, **port)

    def law(self, scene: Scene) -> None:
        Law(
            kind="nobody", projects=["analytics"], to_network=scene.shop, protocol="tcp", port=80
        ).save()

    def test_together_they_are_refused(self, scene: Scene) -> None:
        self.law(scene)
        publish, enter = self.publishing(scene), lambda: join(scene.pay_fw, scene.storage)
        for one, other in ((publish, enter), (enter, publish)):
            results = while_open(one, other)
            assert refusals(results) == [CODE]
            Endpoint.objects.all().delete()
            if joined(scene.pay_fw, scene.storage):
                leave(scene.pay_fw, scene.storage)

    def test_at_the_same_moment_one_of_them_wins(self, scene: Scene) -> None:
        self.law(scene)
        for _ in range(5):
            publish, enter = self.publishing(scene), lambda: join(scene.pay_fw, scene.storage)
            assert refusals(at_once(publish, enter)) == [CODE]
            for endpoint in Endpoint.objects.all():
                withdraw(endpoint)
            if joined(scene.pay_fw, scene.storage):
                leave(scene.pay_fw, scene.storage)

    def test_a_law_sees_what_was_being_changed(self, scene: Scene) -> None:
        begun, done = Event(), Event()

        def change() -> None:
            with transaction.atomic():
                join(scene.pay_fw, scene.storage)
                begun.set()
                assert not done.wait(1)

        def write() -> None:
            begun.wait(PATIENCE)
            only(scene)
            done.set()

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(attempted, [change, write]))
        assert Breach.objects.filter(source="pay").exists()

    def test_a_law_does_not_wait_for_ever(self, scene: Scene) -> None:
        written = Event()

        def change() -> None:
            with transaction.atomic():
                egress(scene.shop_fw, "80")
                assert written.wait(PATIENCE)

        def write() -> object:
            sleep(0.5)
            try:
                return only(scene)
            except OperationalError as error:
                return error
            finally:
                written.set()

        with ThreadPoolExecutor(2) as pool:
            _, result = pool.map(attempted, [change, write])
        assert "Something is being changed" in str(result)
