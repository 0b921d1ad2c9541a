"""Endpoints: the same rules at every door and in the database, and what they change."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from ipaddress import ip_address
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.forms import modelform_factory
from django.test import Client
from django.urls import reverse

from firewalls.allocation import join, leave
from firewalls.intent.revisions import rendered
from firewalls.models import Endpoint, Firewall
from firewalls.publishing import publish
from machines.allocation import free_machine
from machines.models import Machine
from networks.allocation import allocate
from networks.common.forms import WholeRowForm
from networks.common.validation import InUse
from networks.models import Activity, Address, Network
from tests.api import Api, codes, someone
from tests.firewalls.test_api import path
from tests.pages import visitor
from tests.test_raw_sql import execute, take_out
from tests.world import world

pytestmark = pytest.mark.django_db
Codes = dict[str, list[str]]


class Scene:
    """A consumer of a shared network with machines behind it, and all that is no endpoint of it."""

    def __init__(self) -> None:
        self.world = fra = world(v6="2001:db8:128::/48")
        self.shop, self.storage = (
            fra.private("shop", fra.shop),
            fra.private("storage", fra.storage, shared=True),
        )
        self.backup, self.old = (
            fra.private("backup", fra.storage, shared=True),
            fra.private("old", fra.shop, prefix_length={4: 24}),
        )
        self.firewall = fra.firewall("shop-fw", fra.shop, self.shop, self.storage, fra.internet)
        self.second = fra.firewall("shop-fw-2", fra.shop, self.shop, self.storage)
        self.of_old = fra.firewall("old-fw", fra.shop, self.old, self.storage)
        self.web, self.db = (
            fra.machine("web", fra.shop, self.shop),
            fra.machine("db", fra.shop, self.shop),
        )
        self.node, self.four = (
            fra.machine("node", fra.storage, self.storage),
            fra.machine("four", fra.shop, self.old),
        )
        self.reserved = allocate(self.storage, project=fra.shop, version=4)

    def at(
        self, network: Network | None = None, version: int = 4, firewall: Firewall | None = None
    ) -> Address:
        """The firewall's own address in a network."""
        own = (firewall or self.firewall).machine.addresses
        return own.get(prefix__network=network or self.storage, address__family=version)

    def fine(self, **changes: Any) -> dict[str, Any]:
        """An endpoint's fields that would do."""
        return {
            "address": self.at(),
            "port": 8080,
            "protocol": "tcp",
            "machine": self.web,
            "target_port": 80,
            "purpose": "service",
            **changes,
        }


@pytest.fixture(scope="module")
def built(django_db_setup: None, django_db_blocker: Any) -> Iterator[Scene]:
    """The scene, built once for all, in a transaction that every test's own one is nested in."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield Scene()
        transaction.set_rollback(True)


@pytest.fixture
def scene(built: Scene, db: None) -> Scene:
    return deepcopy(built)


def published(scene: Scene, **changes: Any) -> Endpoint:
    endpoint = Endpoint(**scene.fine(**changes))
    endpoint.save()
    return endpoint


# What is tried, and the refusal it meets.
CASES: dict[str, tuple[Callable[[Scene], dict[str, Any]], Codes]] = {
    "at the firewall's primary address": (
        lambda s: {"address": s.at(s.shop)},
        {"address": ["not_joined"]},
    ),
    "at its external address": (
        lambda s: {"address": s.at(s.world.internet)},
        {"address": ["not_joined"]},
    ),
    "at its underlay address": (
        lambda s: {"address": s.at(s.world.fabric)},
        {"address": ["not_joined"]},
    ),
    "at a machine's address": (
        lambda s: {"address": s.node.addresses.all()[0]},
        {"address": ["not_there"]},
    ),
    "at an address that is on nothing": (
        lambda s: {"address": s.reserved},
        {"address": ["not_there"]},
    ),
    "to a machine elsewhere": (lambda s: {"machine": s.node}, {"machine": ["not_behind"]}),
    "to a machine behind another firewall": (
        lambda s: {"machine": s.four},
        {"machine": ["not_behind"]},
    ),
    "to the firewall itself": (
        lambda s: {"machine": s.firewall.machine},
        {"machine": ["firewall"]},
    ),
    "to another firewall of the same network": (
        lambda s: {"machine": s.second.machine},
        {"machine": ["firewall"]},
    ),
    "to a machine without that family": (
        lambda s: {"address": s.at(version=6, firewall=s.of_old), "machine": s.four},
        {"machine": ["no_address"]},
    ),
    "at no port": (lambda s: {"port": 0}, {"port": ["min_value"]}),
    "at too high a port": (lambda s: {"port": 65536}, {"port": ["max_value"]}),
    "to no port": (lambda s: {"target_port": 0}, {"target_port": ["min_value"]}),
    "by an unknown protocol": (lambda s: {"protocol": "sctp"}, {"protocol": ["invalid_choice"]}),
    "for an unknown purpose": (lambda s: {"purpose": "fun"}, {"purpose": ["invalid_choice"]}),
    "a proxy by udp": (
        lambda s: {"purpose": "http-proxy", "protocol": "udp"},
        {"protocol": ["proxy_is_tcp"]},
    ),
    "where another one is": (
        lambda s: {"port": published(s).port, "machine": s.db},
        {"port": ["port_taken"]},
    ),
}


def by_orm(values: dict[str, Any]) -> Codes:
    try:
        with transaction.atomic():
            Endpoint(**values).save()
    except ValidationError as error:
        return {
            field: [one.code or "" for one in errors] for field, errors in error.error_dict.items()
        }
    return {}


def by_form(values: dict[str, Any]) -> Codes:
    form = modelform_factory(Endpoint, form=WholeRowForm, fields=list(values))(
        data={k: getattr(v, "pk", v) for k, v in values.items()}
    )
    return _said(form)


def by_admin(values: dict[str, Any]) -> Codes:
    answer = _support().post(
        reverse("admin:firewalls_endpoint_add"), {k: getattr(v, "pk", v) for k, v in values.items()}
    )
    return {} if answer.status_code == 302 else _said(answer.context["adminform"].form)


def by_page(values: dict[str, Any]) -> Codes:
    """From the page of the firewall that has the address, or of any other one."""
    holder = values["address"].machine_id
    firewall = Firewall.objects.filter(pk=holder).first() or Firewall.objects.earliest("pk")
    client = visitor("operator")
    url = f"/firewalls/{firewall.pk}/endpoints/new/"
    body = {k: getattr(v, "pk", v) for k, v in values.items()}
    shown = client.post(url, body)
    if shown.status_code == 422:
        return _said(shown.context["form"])
    made = client.post(url, {**body, "shown": shown.context["form"].words})
    return {} if made.status_code == 302 else _said(made.context["form"])


def _support() -> Any:
    user, client = someone("admin", "support"), Client()
    user.is_staff = True
    user.save()
    client.force_login(user)
    return client


def _said(form: Any) -> Codes:
    return {
        field: [one.code or "" for one in errors.as_data()] for field, errors in form.errors.items()
    }


def sent(values: dict[str, Any]) -> dict[str, Any]:
    address = values["address"]
    place = {
        "firewall": str(address.machine_id or uuid4()),
        "network": address.network.pk,
        "address": str(address),
    }
    return {**values, **place, "machine": str(values["machine"].pk)}


def by_rest(values: dict[str, Any]) -> Codes:
    answer = Api("operator").post("endpoints/", sent(values))
    return {} if answer.status_code == 201 else codes(answer)


DOORS = {"orm": by_orm, "form": by_form, "admin": by_admin, "page": by_page, "rest": by_rest}
# REST gets firewall and network by name, so it says which of these is wrong.
AT_REST = {
    "at the firewall's primary address": {"network": ["not_joined"]},
    "at its external address": {"network": ["not_joined"]},
    "at its underlay address": {"network": ["not_joined"]},
    "at a machine's address": {"firewall": ["does_not_exist"]},
    "at an address that is on nothing": {"firewall": ["does_not_exist"]},
}
# A page offers the firewall's own addresses in shared networks, and no others.
AT_PAGE = {case: {"address": ["invalid_choice"]} for case in AT_REST}
INSTEAD: dict[str, dict[str, Codes]] = {"rest": AT_REST, "page": AT_PAGE}


class TestDoors:
    @pytest.mark.parametrize("door", DOORS)
    @pytest.mark.parametrize("case", CASES)
    def test_a_broken_rule_is_refused(self, scene: Scene, case: str, door: str) -> None:
        attempt, refused = CASES[case]
        values = scene.fine(**attempt(scene))
        before = Endpoint.objects.count()
        assert DOORS[door](values) == INSTEAD.get(door, {}).get(case, refused)
        assert Endpoint.objects.count() == before

    @pytest.mark.parametrize("door", DOORS)
    def test_what_breaks_no_rule_is_taken(self, scene: Scene, door: str) -> None:
        assert DOORS[door](scene.fine()) == {} or door == "form"
        assert (
            DOORS[door](
                scene.fine(address=scene.at(version=6), protocol="udp", port=53, target_port=5353)
            )
            == {}
        )


def statement(scene: Scene, address: Address, machine: Machine, **values: object) -> str:
    columns = {
        "port": 8080,
        "protocol": "'tcp'",
        "target_port": 80,
        "purpose": "'service'",
        **values,
    }
    fixed = f"'{uuid4()}', {address.pk}, '{machine.pk}', now()"
    names, texts = ", ".join(columns), ", ".join(map(str, columns.values()))
    return (
        f"INSERT INTO firewalls_endpoint (id, address_id, machine_id, created_at, {names})"
        f" VALUES ({fixed}, {texts})"
    )


AT, BEHIND = (
    "firewalls.Endpoint:is_at_its_firewalls_address",
    "firewalls.Endpoint:leads_behind_its_firewall",
)
SERVES, TABLE = "networks.Address:serves_no_endpoint", "firewalls_endpoint:"
RAW: dict[str, tuple[Callable[[Scene], str], str]] = {
    "an address in no joined network": (lambda s: statement(s, s.at(s.shop), s.web), AT),
    "an address on nothing": (lambda s: statement(s, s.reserved, s.web), f"{AT} {BEHIND}"),
    "a machine elsewhere": (lambda s: statement(s, s.at(), s.node), BEHIND),
    "a firewall": (lambda s: statement(s, s.at(), s.second.machine), BEHIND),
    "the wrong family": (
        lambda s: statement(s, s.at(version=6, firewall=s.of_old), s.four),
        BEHIND,
    ),
    "moving it to the wrong machine": (
        lambda s: (
            f"UPDATE firewalls_endpoint SET machine_id = '{s.node.pk}'"
            f" WHERE id = '{published(s).pk}'"
        ),
        BEHIND,
    ),
    "taking the address away": (
        lambda s: (
            f"UPDATE networks_address SET machine_id = NULL WHERE id = {published(s).address_id}"
        ),
        SERVES,
    ),
    "port 0": (lambda s: statement(s, s.at(), s.web, port=0), TABLE + "endpoint_ports_are_ports"),
    "a made-up protocol": (
        lambda s: statement(s, s.at(), s.web, protocol="'xxx'"),
        TABLE + "endpoint_protocol_is_known",
    ),
    "a proxy by udp": (
        lambda s: statement(s, s.at(), s.web, protocol="'udp'", purpose="'http-proxy'"),
        TABLE + "http_proxy_speaks_tcp",
    ),
    "the same again": (
        lambda s: statement(s, published(s).address, s.db),
        TABLE + "endpoint_is_published_once",
    ),
}


@pytest.mark.parametrize("case", RAW)
def test_the_database_holds_it_by_itself(scene: Scene, case: str) -> None:
    attempt, guards = RAW[case]
    sql = attempt(scene)
    with pytest.raises(IntegrityError):
        execute(sql)
    take_out(guards)
    execute(sql)


class TestInUse:
    def test_a_network_is_not_left_while_endpoints_are_reached_through_it(
        self, scene: Scene
    ) -> None:
        endpoint = published(scene)
        answer = Api("operator").delete(path(scene.firewall, "attachments/storage/"))
        assert (
            codes(answer, 409) == {"network": ["in_use"]}
            and str(endpoint) in answer.content.decode()
        )
        with pytest.raises(InUse):
            leave(scene.firewall, scene.storage)
        endpoint.delete()
        leave(scene.firewall, scene.storage)

    def test_a_machine_is_not_freed_while_an_endpoint_leads_to_it(self, scene: Scene) -> None:
        published(scene)
        with pytest.raises(ProtectedError), transaction.atomic():
            free_machine(scene.web)
        assert Api("operator").delete(f"machines/{scene.web.pk}/").status_code == 409
        assert scene.web.addresses.count() == 2

    def test_a_firewall_that_is_freed_takes_its_endpoints_with_it(self, scene: Scene) -> None:
        published(scene)
        assert Api("operator").delete(path(scene.firewall)).status_code == 204
        assert (
            not Endpoint.objects.exists()
            and not Firewall.objects.filter(pk=scene.firewall.pk).exists()
        )


class TestRest:
    def test_shows_what_was_sent(self, scene: Scene) -> None:
        api, wish = Api("operator"), sent(scene.fine())
        made = api.post("endpoints/", wish)
        assert made.status_code == 201 and made.json().items() >= wish.items()
        assert api.get(f"endpoints/{made.json()['id']}/").json() == made.json()
        for name in ("firewall", "network", "address", "port", "machine", "protocol", "purpose"):
            assert api.get(f"endpoints/?{name}={made.json()[name]}").json()["count"] == 1
        assert api.get("endpoints/?network=backup").json()["count"] == 0

    def test_changes_and_removes(self, scene: Scene) -> None:
        api = Api("operator")
        join(scene.firewall, scene.backup)
        id = api.post("endpoints/", sent(scene.fine())).json()["id"]
        changed = api.patch(f"endpoints/{id}/", {"port": 81, "machine": str(scene.db.pk)})
        assert (
            changed.status_code == 200
            and changed.json()["port"] == 81
            and changed.json()["machine"] == str(scene.db.pk)
        )
        assert codes(api.patch(f"endpoints/{id}/", {"network": "backup"})) == {
            "address": ["not_there"]
        }
        moved = api.patch(
            f"endpoints/{id}/", {"network": "backup", "address": str(scene.at(scene.backup))}
        )
        assert moved.json()["network"] == "backup"
        assert api.delete(f"endpoints/{id}/").status_code == 204 and not Endpoint.objects.exists()

    def test_viewers_only_read(self, scene: Scene) -> None:
        api = Api("viewer")
        assert (
            api.post("endpoints/", sent(scene.fine())).status_code == 403
            and api.get("endpoints/").status_code == 200
        )

    def test_every_change_is_a_revision_at_once(self, scene: Scene) -> None:
        api = Api("operator")
        id = api.post("endpoints/", sent(scene.fine())).json()["id"]
        scene.firewall.refresh_from_db()
        assert scene.firewall.wanted and "published" in scene.firewall.wanted.cause
        assert "dnat ip to" in scene.firewall.wanted.files["/etc/nftables.conf"]
        api.delete(f"endpoints/{id}/")
        scene.firewall.refresh_from_db()
        assert (
            scene.firewall.wanted
            and "dnat" not in scene.firewall.wanted.files["/etc/nftables.conf"]
        )


def test_it_leads_to_the_machines_lowest_address_of_that_family(scene: Scene) -> None:
    published(scene)
    published(scene, address=scene.at(version=6))
    text = rendered([scene.firewall.pk])[scene.firewall.pk]["/etc/nftables.conf"]
    four, six = (scene.web.addresses.get(address__family=version).address for version in (4, 6))
    assert f"dnat ip to {four}:80" in text and f"dnat ip6 to [{six}]:80" in text
    assert "dnat" not in rendered([scene.second.pk])[scene.second.pk]["/etc/nftables.conf"]


def test_publishing_is_in_the_audit_trail(scene: Scene) -> None:
    publish(
        firewall=scene.firewall,
        network=scene.storage,
        by="ada",
        **{**scene.fine(), "address": ip_address(str(scene.at()))},
    )
    row = Activity.objects.filter(kind="endpoint").get()
    assert row.operation == "shop-fw published an endpoint in storage" and row.label.startswith(
        "shop-fw 10.128."
    )
    assert {f"firewall:{scene.firewall.pk}", "network:storage", f"machine:{scene.web.pk}"} <= set(
        row.about
    )
    assert (
        row.after is not None
        and row.after["machine"] == "web"
        and row.after["firewall"] == "shop-fw"
    )
