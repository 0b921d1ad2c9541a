"""Who may do what: one table of actions, tried at every door by everybody.

Viewers read; operators also allocate, join, leave and push; admins also share networks and edit
partitions, super networks, external networks and tokens.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import psycopg
import pytest
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.test import Client
from django.urls import reverse

from config.access.models import Token
from config.access.roles import ROLES
from config.settings import EMBEDDED
from firewalls.models import Attachment, Endpoint, Firewall, Push, Rollout, SshAccess
from machines.models import HttpProxy, Machine
from networks.allocation import allocate
from networks.models import Address, Network, Partition, Prefix
from tests.doors.programs import MANAGED
from tests.firewalls.rolling_out import carried
from tests.stack import ROOT
from tests.test_admin import sent
from tests.world import world

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("published")]
READING, OPERATING, ADMINISTERING = "viewer operator admin", "operator admin", "admin"
EVERYBODY = ["stranger", "nobody", *ROLES]
INLINE = {"prefixes-TOTAL_FORMS": 0, "prefixes-INITIAL_FORMS": 0}


class Visit:
    """A browser or program with this role; a stranger is not logged in, nobody has no role."""

    def __init__(self, role: str) -> None:
        self.client = Client()
        if role != "stranger":
            user = User.objects.create(username=f"the {role}", is_staff=True)
            user.groups.set(Group.objects.filter(name=role))
            self.client.force_login(user)
        fw = Firewall.objects.get(machine__name="shop-fw")
        self.fw, self.fw_path = fw, f"firewalls/{fw.pk}"

    def page(self, path: str, **data: object) -> Any:
        return self.client.post(f"/{path}", data) if data else self.client.get(f"/{path}")

    def rest(self, method: str, path: str, body: object = None) -> Any:
        if method == "get":
            return self.client.get(f"/api/v1/{path}")
        return getattr(self.client, method)(
            f"/api/v1/{path}", "" if body is None else body, content_type="application/json"
        )

    def shown(self, model: str, key: object) -> Any:
        return self.client.get(reverse(f"admin:{model}_change", args=[key]))

    def add(self, model: str, **data: object) -> Any:
        return self.client.post(reverse(f"admin:{model}_add"), {"labels": "{}", **data})

    def change(self, model: str, key: object, **changes: object) -> Any:
        with transaction.atomic():
            data = sent(model, key, **changes)
        return self.client.post(reverse(f"admin:{model}_change", args=[key]), data)

    def remove(self, model: str, key: object) -> Any:
        return self.client.post(reverse(f"admin:{model}_delete", args=[key]), {"post": "yes"})


USUAL = {"fabric_mtu": 9216, "auto_waves": "1, 10%, rest", "auto_max_failures": 0}
Way = Callable[[Visit], Any]


class Action(NamedTuple):
    """Who may do it, how at each door that has it, and how one sees that it was done.

    Without `done`, the answer shows it.
    """

    who: str
    ways: dict[str, Way]
    done: Callable[[], bool] | None = None


def named(model: type[Any], id: str) -> bool:
    return bool(model.objects.filter(pk=id).exists())


def machine(name: str) -> bool:
    return Machine.objects.filter(name=name).exists()


NETWORK = {"id": "new", "name": "new", "partition": "fra", "project": "shop"}
HOP = {"jump_host": "", "jump_port": 22, "jump_user": "", "jump_key": "", "host_ca": ""}
PROXY = {"host": "192.0.2.7", "port": 3128}
MACHINE = {"name": "new", "partition": "fra", "project": "shop"}
ACTIONS = {
    "read a network": Action(
        READING,
        {
            "page": lambda v: v.page("networks/shop/"),
            "rest": lambda v: v.rest("get", "networks/shop/"),
            "admin": lambda v: v.shown("networks_network", "shop"),
        },
    ),
    "list firewalls": Action(
        READING,
        {
            "page": lambda v: v.page("firewalls/"),
            "rest": lambda v: v.rest("get", "firewalls/"),
            "admin": lambda v: v.client.get(reverse("admin:firewalls_firewall_changelist")),
        },
    ),
    "read a configuration": Action(
        READING,
        {
            "page": lambda v: v.page(f"{v.fw_path}/config/"),
            "rest": lambda v: v.rest("get", f"{v.fw_path}/config/"),
            "admin": lambda v: v.shown("firewalls_revision", v.fw.wanted_id),
        },
    ),
    "read the activity": Action(
        READING,
        {
            "page": lambda v: v.page("activity/"),
            "rest": lambda v: v.rest("get", "activity/"),
            "admin": lambda v: v.client.get(reverse("admin:networks_activity_changelist")),
        },
    ),
    "see what sharing would change": Action(
        READING,
        {
            "page": lambda v: v.page("networks/shop/share/"),
            "rest": lambda v: v.rest("get", "networks/shop/share/"),
        },
    ),
    "allocate a network": Action(
        OPERATING,
        {
            "rest": lambda v: v.rest("post", "networks/", NETWORK),
            "admin": lambda v: v.add(
                "networks_network", **NETWORK, kind="private", default_child_prefix_length="{}"
            ),
        },
        lambda: named(Network, "new"),
    ),
    "edit a private network": Action(
        OPERATING,
        {
            "rest": lambda v: v.rest("patch", "networks/shop/", {"description": "new"}),
            "admin": lambda v: v.change("networks_network", "shop", description="new"),
        },
        lambda: Network.objects.get(pk="shop").description == "new",
    ),
    "grow a network": Action(
        OPERATING,
        {
            "rest": lambda v: v.rest(
                "post", "networks/shop/prefixes/", {"prefix": "10.129.0.0/24"}
            ),
            "admin": lambda v: v.add("networks_prefix", network="shop", cidr="10.129.0.0/24"),
        },
        lambda: Prefix.objects.filter(network="shop", cidr="10.129.0.0/24").exists(),
    ),
    "remove a private network": Action(
        OPERATING,
        {
            "rest": lambda v: v.rest("delete", "networks/empty/"),
            "admin": lambda v: v.remove("networks_network", "empty"),
        },
        lambda: not named(Network, "empty"),
    ),
    "take an address": Action(
        OPERATING,
        {
            "rest": lambda v: v.rest(
                "post", "ip-addresses/", {"network": "empty", "project": "shop"}
            ),
            "admin": lambda v: v.add("networks_address", network="empty", project="shop"),
        },
        lambda: Address.objects.filter(prefix__network="empty").exists(),
    ),
    "give an address back": Action(
        OPERATING,
        {
            "rest": lambda v: v.rest("delete", "ip-addresses/10.128.0.99/"),
            "admin": lambda v: v.remove(
                "networks_address", Address.objects.get(address="10.128.0.99").pk
            ),
        },
        lambda: not Address.objects.filter(address="10.128.0.99").exists(),
    ),
    "allocate a machine": Action(
        OPERATING,
        {
            "rest": lambda v: v.rest(
                "post", "machines/", {**MACHINE, "networks": [{"network": "shop"}]}
            ),
            "admin": lambda v: v.add("machines_machine", **MACHINE, network="shop"),
        },
        lambda: machine("new"),
    ),
    "free a machine": Action(
        OPERATING,
        {
            "rest": lambda v: v.rest("delete", f"machines/{Machine.objects.get(name='web').pk}/"),
            "admin": lambda v: v.remove("machines_machine", Machine.objects.get(name="web").pk),
        },
        lambda: not machine("web"),
    ),
    "allocate a firewall": Action(
        OPERATING,
        {
            "rest": lambda v: v.rest(
                "post", "firewalls/", {**MACHINE, "networks": [{"network": "shop"}]}
            ),
            "admin": lambda v: v.add("firewalls_firewall", **MACHINE, networks=["shop"], **MANAGED),
        },
        lambda: machine("new"),
    ),
    "join": Action(
        OPERATING,
        {
            "page": lambda v: v.page(f"{v.fw_path}/join/backup/", addresses=""),
            "rest": lambda v: v.rest("post", f"{v.fw_path}/attachments/", {"network": "backup"}),
            "admin": lambda v: v.add("firewalls_attachment", firewall=v.fw.pk, network="backup"),
        },
        lambda: Attachment.objects.filter(network="backup").exists(),
    ),
    "leave": Action(
        OPERATING,
        {
            "page": lambda v: v.page(f"{v.fw_path}/leave/storage/", push=""),
            "rest": lambda v: v.rest("delete", f"{v.fw_path}/attachments/storage/"),
            "admin": lambda v: v.remove(
                "firewalls_attachment", v.fw.attachments.get(network="storage").pk
            ),
        },
        lambda: not Attachment.objects.filter(network="storage").exists(),
    ),
    "publish an endpoint": Action(
        OPERATING,
        {
            "rest": lambda v: v.rest("post", "endpoints/", endpoint(v)),
            "admin": lambda v: v.add(
                "firewalls_endpoint", **endpoint(v) | {"address": own_address(v).pk}
            ),
        },
        Endpoint.objects.exists,
    ),
    "push": Action(
        OPERATING,
        {
            "page": lambda v: v.page(f"{v.fw_path}/push/", revision=""),
            "rest": lambda v: v.rest("post", f"{v.fw_path}/push/", {}),
        },
        Push.objects.exists,
    ),
    "roll out": Action(
        OPERATING,
        {
            "page": lambda v: v.page(
                "rollouts/new/", shown=carried(v.fw), cause="now", sizes="1", max_failures="0"
            ),
            "rest": lambda v: v.rest("post", "rollouts/", {"firewalls": [str(v.fw.pk)]}),
        },
        Rollout.objects.exists,
    ),
    "name an HTTP proxy": Action(
        OPERATING,
        {
            "page": lambda v: v.page("networks/shop/http-proxy/", host="192.0.2.7", port=3128),
            "rest": lambda v: v.rest("post", "http-proxies/", {"network": "shop", **PROXY}),
            "admin": lambda v: v.add("machines_httpproxy", network="shop", **PROXY),
        },
        HttpProxy.objects.exists,
    ),
    "say how firewalls are reached": Action(
        OPERATING,
        {
            "page": lambda v: v.page("partitions/fra/ssh/", **HOP),
            "page of a firewall": lambda v: v.page(f"{v.fw_path}/ssh/", **HOP),
            "rest": lambda v: v.rest("post", "ssh-access/", {"partition": "fra", **HOP}),
            "admin": lambda v: v.add("firewalls_sshaccess", partition="fra", **HOP),
        },
        SshAccess.objects.exists,
    ),
    "read how firewalls are reached": Action(
        READING,
        {
            "page": lambda v: v.page("partitions/fra/ssh/"),
            "rest": lambda v: v.rest("get", "ssh-access/"),
            "admin": lambda v: v.client.get(reverse("admin:firewalls_sshaccess_changelist")),
        },
    ),
    "share": Action(
        ADMINISTERING,
        {
            "page": lambda v: v.page("networks/shop/share/", confirm="shop", reason=""),
            "rest": lambda v: v.rest("post", "networks/shop/share/", {"confirm": "shop"}),
            "admin": lambda v: v.change("networks_network", "shop", shared="on"),
        },
        lambda: Network.objects.get(pk="shop").shared,
    ),
    "make a shared network": Action(
        ADMINISTERING,
        {
            "rest": lambda v: v.rest("post", "networks/", {**NETWORK, "shared": True}),
            "admin": lambda v: v.add(
                "networks_network",
                **NETWORK,
                kind="private",
                default_child_prefix_length="{}",
                shared="on",
            ),
        },
        lambda: named(Network, "new"),
    ),
    "edit a super network": Action(
        ADMINISTERING,
        {
            "rest": lambda v: v.rest("patch", "networks/super-fra/", {"description": "new"}),
            "admin": lambda v: v.change("networks_network", "super-fra", description="new"),
        },
        lambda: Network.objects.get(pk="super-fra").description == "new",
    ),
    "grow a super network": Action(
        ADMINISTERING,
        {
            "rest": lambda v: v.rest(
                "post", "networks/super-fra/prefixes/", {"prefix": "10.140.0.0/16"}
            ),
            "admin": lambda v: v.add("networks_prefix", network="super-fra", cidr="10.140.0.0/16"),
        },
        lambda: Prefix.objects.filter(cidr="10.140.0.0/16").exists(),
    ),
    "shrink a super network": Action(
        ADMINISTERING,
        {
            "rest": lambda v: v.rest("delete", "networks/super-fra/prefixes/10.144.0.0/16/"),
            "admin": lambda v: v.remove(
                "networks_prefix", Prefix.objects.get(cidr="10.144.0.0/16").pk
            ),
        },
        lambda: not Prefix.objects.filter(cidr="10.144.0.0/16").exists(),
    ),
    "make an external network": Action(
        ADMINISTERING,
        {
            "rest": lambda v: v.rest("post", "networks/", {"id": "new", "kind": "external"}),
            "admin": lambda v: v.add(
                "networks_network",
                id="new",
                name="new",
                kind="external",
                default_child_prefix_length="{}",
            ),
        },
        lambda: named(Network, "new"),
    ),
    "remove an external network": Action(
        ADMINISTERING,
        {
            "rest": lambda v: v.rest("delete", "networks/internet-fra/"),
            "admin": lambda v: v.remove("networks_network", "internet-fra"),
        },
        lambda: not named(Network, "internet-fra"),
    ),
    "make a partition": Action(
        ADMINISTERING,
        {
            "rest": lambda v: v.rest("post", "partitions/", {"id": "new", "name": "new"}),
            "admin": lambda v: v.add("networks_partition", id="new", name="new", **USUAL),
        },
        lambda: named(Partition, "new"),
    ),
    "edit a partition": Action(
        ADMINISTERING,
        {
            "rest": lambda v: v.rest("patch", "partitions/fra/", {"name": "new"}),
            "admin": lambda v: v.change("networks_partition", "fra", name="new"),
        },
        lambda: Partition.objects.get(pk="fra").name == "new",
    ),
    "see tokens": Action(
        ADMINISTERING, {"admin": lambda v: v.client.get(reverse("admin:config_token_changelist"))}
    ),
    "issue a token": Action(
        ADMINISTERING,
        {"admin": lambda v: v.add("config_token", name="new", role="viewer", days=1)},
        lambda: Token.objects.filter(name="new").exists(),
    ),
}
TABLE = [
    pytest.param(action, way, id=f"{name} at {door}")
    for name, action in ACTIONS.items()
    for door, way in action.ways.items()
]


def own_address(visit: Visit) -> Address:
    return Address.objects.get(machine=visit.fw.pk, prefix__network="storage")


def endpoint(visit: Visit) -> dict[str, Any]:
    where = {"firewall": str(visit.fw.pk), "network": "storage", "address": str(own_address(visit))}
    behind = {"machine": str(Machine.objects.get(name="web").pk), "target_port": 8080}
    return where | behind | {"port": 80, "protocol": "tcp", "purpose": "service"}


def build() -> None:
    fra = world()
    shop, storage = fra.private("shop", fra.shop), fra.private("storage", fra.storage, shared=True)
    fra.private("backup", fra.storage, shared=True)
    fra.private("empty", fra.shop)
    Prefix(network=fra.pool, cidr="10.144.0.0/16").save()
    fra.firewall("shop-fw", fra.shop, shop, storage, host="192.0.2.9")
    fra.machine("web", fra.shop, shop)
    allocate(shop, project=fra.shop, ip=shop.prefixes.get().cidr[99])


@pytest.fixture(scope="module")
def built(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The rows that the actions are about, in a transaction around each test's own."""
    with django_db_blocker.unblock(), transaction.atomic():
        build()
        yield
        transaction.set_rollback(True)


@pytest.mark.usefixtures("built", "db")
@pytest.mark.parametrize("role", EVERYBODY)
@pytest.mark.parametrize(("action", "way"), TABLE)
def test_everybody_may_what_their_role_says(action: Action, way: Way, role: str) -> None:
    may = role in action.who.split()
    response = way(Visit(role))
    to_log_in = response.status_code == 302 and "login" in response["Location"]
    refused = response.status_code in (401, 403) or to_log_in
    if action.done is not None:
        assert action.done() is may
    if (
        role != "operator" or action.done is None
    ):  # an admin page may leave out one field of many, and take the rest
        assert refused is not may, (response.status_code, response.content[:500])
    assert refused or response.status_code < 400


def test_the_first_migration_of_an_empty_database_makes_the_roles(django_db_blocker: Any) -> None:
    url = os.environ.get("DATABASE_URL") or EMBEDDED.database_url
    fresh = urlsplit(url)._replace(path="/from_nothing").geturl()
    with django_db_blocker.unblock(), psycopg.connect(url, autocommit=True) as server:
        server.execute("CREATE DATABASE from_nothing")
        try:
            migrated = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
            subprocess.run(
                migrated,
                cwd=ROOT,
                env={**os.environ, "DATABASE_URL": fresh},
                check=True,
                timeout=300,
            )
            with psycopg.connect(fresh) as there:
                granted = there.execute(
                    "SELECT role.name, array_agg(codename::text) FROM auth_group role "
                    "JOIN auth_group_permissions granted ON group_id = role.id "
                    "JOIN auth_permission permission ON permission.id = permission_id "
                    "GROUP BY role.name"
                ).fetchall()
        finally:
            server.execute("DROP DATABASE from_nothing WITH (FORCE)")
    may = {name: set(codenames) for name, codenames in granted}
    assert set(may) == set(ROLES)
    assert (
        "view_network" in may["viewer"]
        and not {"add_network", "add_push", "view_token"} & may["viewer"]
    )
    assert {"add_network", "add_attachment", "add_push"} <= may["operator"] and not {
        "share_network",
        "change_partition",
    } & may["operator"]
    assert {"share_network", "change_partition", "add_token"} <= may["admin"]
