"""What moves from one firewall to another changes both, whoever moves it."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from firewalls.intent.changes import catch_up
from firewalls.models import Endpoint, Firewall, Rule
from firewalls.publishing import publish
from networks.models import Activity, Address, Network
from tests.api import someone
from tests.world import World, world

pytestmark = pytest.mark.django_db


class Scene:
    """Two firewalls of one primary, each in a shared network; an endpoint and a rule at one."""

    def __init__(self) -> None:
        self.fra: World = world()
        shop = self.fra.private("shop", self.fra.shop)
        self.storage = self.fra.private("storage", self.fra.storage, shared=True)
        self.backup = self.fra.private("backup", self.fra.storage, shared=True)
        self.first, self.second = (
            self.fra.firewall(name, self.fra.shop, shop, joined, self.fra.internet)
            for name, joined in (("fw-a", self.storage), ("fw-b", self.backup))
        )
        self.web = self.fra.machine("web", self.fra.shop, shop)
        self.endpoint = publish(
            firewall=self.first,
            network=self.storage,
            address=at(self.first, self.storage).address,
            port=8443,
            machine=self.web,
            target_port=443,
        )
        self.rule = Rule(firewall=self.first, direction="egress", ports=["4711"], position=1)
        self.rule.save()
        catch_up()


def at(firewall: Firewall, network: Network) -> Address:
    return firewall.machine.addresses.get(prefix__network=network)


@pytest.fixture
def scene() -> Scene:
    return Scene()


def wanted(firewall: Firewall) -> str:
    row = Firewall.objects.select_related("wanted").get(pk=firewall.pk)
    assert row.wanted
    return "\n".join(row.wanted.files.values())


def sql(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def test_an_endpoint_moved_by_sql_closes_its_old_door(scene: Scene) -> None:
    assert "8443" in wanted(scene.first)
    moved = "UPDATE firewalls_endpoint SET address_id = %s WHERE id = %s"
    sql(moved, at(scene.second, scene.backup).pk, scene.endpoint.pk)
    catch_up()
    assert "8443" not in wanted(scene.first)
    assert "8443" in wanted(scene.second)


def test_a_rule_moved_by_sql_is_taken_off_its_old_firewall(scene: Scene) -> None:
    assert "4711" in wanted(scene.first)
    moved = "UPDATE firewalls_rule SET firewall_id = %s WHERE id = %s"
    sql(moved, scene.second.pk, scene.rule.pk)
    catch_up()
    assert "4711" not in wanted(scene.first)
    assert "4711" in wanted(scene.second)


def test_an_address_moved_by_sql_is_taken_off_its_old_firewall(scene: Scene) -> None:
    scene.endpoint.delete()
    spare = at(scene.first, scene.fra.internet)
    assert str(spare) in wanted(scene.first)
    sql("UPDATE networks_address SET machine_id = %s WHERE id = %s", scene.second.pk, spare.pk)
    catch_up()
    assert str(spare) not in wanted(scene.first)
    assert str(spare) in wanted(scene.second)


def test_an_endpoint_moved_in_the_admin_changes_both_at_once(scene: Scene) -> None:
    user, client = someone("admin", "support"), Client()
    user.is_staff = True
    user.save()
    client.force_login(user)
    values = {
        "address": at(scene.second, scene.backup).pk,
        "port": 8443,
        "protocol": "tcp",
        "machine": scene.web.pk,
        "target_port": 443,
        "purpose": "service",
    }
    page = reverse("admin:firewalls_endpoint_change", args=[scene.endpoint.pk])
    assert client.post(page, values).status_code == 302
    assert "8443" not in wanted(scene.first)
    assert "8443" in wanted(scene.second)
    assert Endpoint.objects.get().firewall == scene.second


def test_the_history_of_both_firewalls_has_it(scene: Scene) -> None:
    moved = "UPDATE firewalls_endpoint SET address_id = %s WHERE id = %s"
    sql(moved, at(scene.second, scene.backup).pk, scene.endpoint.pk)
    about = Activity.objects.filter(kind="endpoint", verb="changed").latest("pk").about
    assert {f"firewall:{scene.first.pk}", f"firewall:{scene.second.pk}"} <= set(about)
    assert len(about) == len(set(about))
