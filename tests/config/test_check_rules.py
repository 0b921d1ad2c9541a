"""`manage.py check_rules`: finds whatever breaks a rule, however it got there, and nothing else."""

from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from config.checking import check
from firewalls.models import Endpoint, Firewall
from networks.allocation import allocate
from networks.models import Address, Network
from tests import test_raw_sql as raw_sql
from tests.doors.scene import Scene
from tests.test_raw_sql import STATEMENTS, Statement, execute, take_out, update

pytestmark = pytest.mark.django_db
# Fixtures: assigned, because an argument would seem to redefine an imported name.
built = raw_sql.built
scene = raw_sql.scene
# What a hand-written statement could break, but for the audit trail itself: no record shows that.
PLANTED = [
    pytest.param(statement, id=f"{rule} {name}")
    for rule, statements in STATEMENTS.items()
    if rule != "audit trail"
    for name, statement in statements.items()
]


def violations() -> list[str]:
    return [str(finding) for finding in check() if finding.kind not in ("trigger", "constraint")]


def unguarded(sql: str) -> None:
    """Run it with triggers and foreign keys switched off, as a careless superuser can."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(sql)
        cursor.execute("SET LOCAL session_replication_role = origin")


def test_nothing_is_wrong_with_what_the_product_made(scene: Scene) -> None:
    assert violations() == []
    out = StringIO()
    call_command("check_rules", stdout=out)
    assert out.getvalue() == "Every rule holds, R1 to R16.\n"


@pytest.mark.parametrize("statement", PLANTED)
def test_what_a_dropped_guard_let_through_is_found(scene: Scene, statement: Statement) -> None:
    take_out(statement.by)
    execute(statement.sql(scene))
    assert violations()


def address_of_another_project(scene: Scene) -> str:
    of_machine = f"machine_id = '{scene.machine.pk}'"
    return update("networks_address", "project_id = 'analytics'", of_machine)


def firewall_without_underlay(scene: Scene) -> str:
    of_firewall = f"firewall_id = '{scene.firewall.pk}'"
    return f"DELETE FROM firewalls_attachment WHERE network_id = 'underlay-fra' AND {of_firewall}"


def machine_without_address(scene: Scene) -> str:
    return f"DELETE FROM networks_address WHERE machine_id = '{scene.machine.pk}'"


def first_address_of_network(scene: Scene) -> str:
    address = f"address = '{scene.ip(scene.other, 0)}'"
    return update("networks_address", address, f"machine_id = '{scene.machine.pk}'")


def joins(network: str) -> str:
    return update(
        "firewalls_attachment", f"network_id = '{network}'", "network_id = 'internet-fra'"
    )


JOINS_ONLY = "a firewall joins shared or external networks only"
PLANTS: dict[str, tuple[Callable[[Scene], str], str]] = {
    "R1": (
        lambda scene: update("networks_network", "parent_id = 'shop'", "id = 'other'"),
        "network other: shop is no super network; a private network is carved from one (R1).",
    ),
    "R2": (
        lambda scene: update("machines_machine", "partition_id = 'muc'", "name = 'shop-web'"),
        "machine shop-web: other is in partition fra and is used only there, not in muc (R2).",
    ),
    "R3": (
        lambda scene: update(
            "networks_network", "shared = false, shared_at = NULL", "id = 'storage'"
        ),
        "network storage: A shared network stays shared (R3).",
    ),
    "R4": (
        lambda scene: update("machines_machine", "primary_id = 'shop'", "name = 'shop-web'"),
        "address {machine}: shop-web is not in other, so it has no address there (R4).",
    ),
    "R5": (
        lambda scene: joins("other"),
        f"attachment shop-fw in other: other is private and not shared; {JOINS_ONLY} (R5).",
    ),
    "R6": (
        lambda scene: joins("shop"),
        f"attachment shop-fw in shop: shop is private and not shared; {JOINS_ONLY} (R5).",
    ),
    "R7": (
        address_of_another_project,
        "address {machine}: other belongs to project shop and is not shared (R7).",
    ),
    "R8": (
        firewall_without_underlay,
        "firewall shop-fw: shop-fw is in no underlay network, so it has no loopback address (R8).",
    ),
    "R10": (
        machine_without_address,
        "machine shop-web: shop-web has no IPv4 address in other (R10).",
    ),
    "R11": (
        address_of_another_project,
        "address {machine}: {machine} belongs to project analytics, its machine to shop (R11).",
    ),
    "R12": (
        first_address_of_network,
        "address {zero}: {zero} is the network, broadcast or anycast address of {zero}/22"
        " and is never handed out (R12).",
    ),
    "R13": (
        lambda scene: update("networks_prefix", "cidr = '10.9.0.0/22'", "network_id = 'other'"),
        "prefix 10.9.0.0/22: 10.9.0.0/22 lies outside the super network's prefixes"
        " (10.128.0.0/14) (R13).",
    ),
    "R14": (
        lambda scene: update("networks_network", "vrf = 4711", "id = 'shop'"),
        "network shop: The vrf of a network is fixed when it is made (R14).",
    ),
    "R15": (
        lambda scene: "DELETE FROM networks_project WHERE id = 'analytics'",
        "address {reserved}: Its project analytics is gone, although it was in use (R15).",
    ),
    "a field": (
        lambda scene: update("machines_machine", "name = 'Web!'", "name = 'shop-web'"),
        "machine Web!: name: A name has at most 63 lower-case letters, digits and '-',"
        " and starts and ends with a letter or digit (RFC 1123).",
    ),
    "a mark": (
        lambda scene: update("networks_network", "name = ''", "id = 'other'"),
        "network other: name: It is '', where saving the row would make it 'other'.",
    ),
    "free space": (
        lambda scene: (
            "DELETE FROM networks_free WHERE host(block) = '10.9.0.0'"
            " OR prefix_id = (SELECT min(prefix_id) FROM networks_free)"
        ),
        "SELECT networks_refill() counts anew (R12, R13).",
    ),
    "stray space": (
        lambda scene: "INSERT INTO networks_free VALUES (0, '10.9.0.0/16')",
        "free space 0: It belongs to no prefix; SELECT networks_refill() counts anew (R12, R13).",
    ),
    "a number nobody gets": (
        lambda scene: "UPDATE networks_numbers SET low = first + 100 WHERE pool = 'vrf'",
        "numbers vrf: Nobody would get",
    ),
    "a number that counts as vacated": (
        lambda scene: "INSERT INTO networks_vacated SELECT 'asn', asn FROM machines_machine",
        "count as vacated, but are taken; SELECT networks_recount() notes them anew (R14).",
    ),
}


@pytest.mark.parametrize("plant", PLANTS)
def test_each_kind_of_violation_is_reported_with_its_object_and_rule(
    scene: Scene, plant: str
) -> None:
    sql, sentence = PLANTS[plant]
    names = {
        "machine": scene.machine.addresses.get(),
        "zero": scene.ip(scene.other, 0),
        "reserved": scene.ip(scene.storage, 77),
    }
    unguarded(sql(scene))
    assert any(sentence.format(**names) in one for one in violations()), violations()


def test_the_audit_trail_shows_a_picked_address_that_its_machine_let_go_of(scene: Scene) -> None:
    address = scene.machine.addresses.get()
    # No guard of the database refuses this.
    execute(update("networks_address", "machine_id = NULL", f"address = '{address}'"))
    sentence = f"{address} was picked for a machine that let go of it, and is still taken (R16)."
    assert f"address {address}: {sentence}" in violations()


def test_a_missing_constraint_is_reported_and_so_is_what_it_forbids(scene: Scene) -> None:
    execute("ALTER TABLE machines_machine DROP CONSTRAINT asn_is_unique")
    execute("ALTER TABLE networks_address DISABLE TRIGGER USER")
    execute("UPDATE machines_machine SET asn = 7")
    lines = [str(finding) for finding in check()]
    constraint = "constraint asn_is_unique of machines_machine: It is missing or not valid."
    assert any(line.startswith(constraint) for line in lines)
    trigger = "trigger takes_its_space of networks_address: It is missing or switched off."
    assert any(line.startswith(trigger) for line in lines)
    assert lines.count("machine shop-web: Another machine already has this AS number.") == 1


def test_violations_are_printed_and_end_with_status_1(scene: Scene) -> None:
    unguarded(machine_without_address(scene))
    out = StringIO()
    with pytest.raises(CommandError, match=r"2 violations found\.") as refused:
        call_command("check_rules", stdout=out)
    assert refused.value.returncode == 1
    # The machine lacks an address, and the table of free space was not updated.
    assert len(out.getvalue().splitlines()) == 2


def test_the_number_of_queries_does_not_grow_with_the_rows(
    scene: Scene,
    django_assert_max_num_queries: Any,
) -> None:
    with django_assert_max_num_queries(152) as few:
        assert violations() == []
    for _ in range(20):
        allocate(scene.storage, project=scene.fra.shop)
    for number in range(3):
        home = scene.fra.private(f"n-{number}", scene.fra.shop)
        firewall = scene.fra.firewall(f"fw-{number}", scene.fra.shop, home, scene.storage)
        address = firewall.machine.addresses.get(prefix__network=scene.storage, address__family=4)
        machine = scene.fra.machine(f"m-{number}", scene.fra.shop, home)
        Endpoint(address=address, port=80, machine=machine, target_port=80).save()
    assert Firewall.objects.count() == 6
    assert Address.objects.count() > 30
    assert Network.objects.count() > 10
    with django_assert_max_num_queries(len(few.captured_queries)):
        assert violations() == []
