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
from tests.doors.scene import Scene
from tests.test_raw_sql import STATEMENTS, Statement, built, execute, scene, take_out, update  # noqa: F401

pytestmark = pytest.mark.django_db
# What a hand-written statement could break, but for the audit trail: nothing remembers that.
PLANTED = [
    pytest.param(statement, id=f"{rule} {name}")
    for rule, statements in STATEMENTS.items()
    if rule != "trail"
    for name, statement in statements.items()
]


def sentences() -> list[str]:
    return [str(one) for one in check() if one.kind not in ("trigger", "constraint")]


def unguarded(sql: str) -> None:
    """Run it with triggers and foreign keys switched off, as a careless superuser can."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(sql)
        cursor.execute("SET LOCAL session_replication_role = origin")


def test_nothing_is_wrong_with_what_the_product_made(scene: Scene) -> None:  # noqa: F811
    assert sentences() == []
    out = StringIO()
    call_command("check_rules", stdout=out)
    assert out.getvalue() == "Every rule holds, R1 to R16.\n"


@pytest.mark.parametrize("statement", PLANTED)
def test_what_a_dropped_guard_let_through_is_found(
    scene: Scene,  # noqa: F811
    statement: Statement,
) -> None:
    take_out(statement.by)
    execute(statement.sql(scene))
    assert sentences()


def other_project(s: Scene) -> str:
    return update("networks_address", "project_id = 'analytics'", f"machine_id = '{s.machine.pk}'")


def no_underlay(s: Scene) -> str:
    attachment = f"network_id = 'underlay-fra' AND firewall_id = '{s.firewall.pk}'"
    return f"DELETE FROM firewalls_attachment WHERE {attachment}"


def lost_address(s: Scene) -> str:
    return f"DELETE FROM networks_address WHERE machine_id = '{s.machine.pk}'"


PLANTS: dict[str, tuple[Callable[[Scene], str], str]] = {
    "R1": (
        lambda s: update("networks_network", "parent_id = 'shop'", "id = 'other'"),
        "network other: shop is no super network; a private network is carved from one (R1).",
    ),
    "R2": (
        lambda s: update("machines_machine", "partition_id = 'muc'", "name = 'shop-web'"),
        "machine shop-web: other is in partition fra and is used only there, not in muc (R2).",
    ),
    "R3": (
        lambda s: update("networks_network", "shared = false, shared_at = NULL", "id = 'storage'"),
        "network storage: A shared network stays shared (R3).",
    ),
    "R4": (
        lambda s: update("machines_machine", "primary_id = 'shop'", "name = 'shop-web'"),
        "address {machine}: shop-web is not in other, so it has no address there (R4).",
    ),
    "R5": (
        lambda s: update(
            "firewalls_attachment", "network_id = 'other'", "network_id = 'internet-fra'"
        ),
        "attachment shop-fw in other: other is private and not shared; "
        "a firewall joins shared or external networks only (R5).",
    ),
    "R6": (
        lambda s: update(
            "firewalls_attachment", "network_id = 'shop'", "network_id = 'internet-fra'"
        ),
        "attachment shop-fw in shop: shop is private and not shared; "
        "a firewall joins shared or external networks only (R5).",
    ),
    "R7": (
        other_project,
        "address {machine}: other belongs to project shop and is not shared (R7).",
    ),
    "R8": (
        no_underlay,
        "firewall shop-fw: shop-fw is in no underlay network, so it has no loopback address (R8).",
    ),
    "R10": (lost_address, "machine shop-web: shop-web has no IPv4 address in other (R10)."),
    "R11": (
        other_project,
        "address {machine}: {machine} belongs to project analytics, its machine to shop (R11).",
    ),
    "R12": (
        lambda s: update(
            "networks_address", f"address = '{s.ip(s.other, 0)}'", f"machine_id = '{s.machine.pk}'"
        ),
        "address {zero}: {zero} is the network, broadcast or anycast address of {zero}/22 "
        "and is never handed out (R12).",
    ),
    "R13": (
        lambda s: update("networks_prefix", "cidr = '10.9.0.0/22'", "network_id = 'other'"),
        "prefix 10.9.0.0/22: 10.9.0.0/22 lies outside the super network's prefixes "
        "(10.128.0.0/14) (R13).",
    ),
    "R14": (
        lambda s: update("networks_network", "vrf = 4711", "id = 'shop'"),
        "network shop: The vrf of a network is fixed when it is made (R14).",
    ),
    "R15": (
        lambda s: "DELETE FROM networks_project WHERE id = 'analytics'",
        "address {reserved}: Its project analytics is gone, although it was in use (R15).",
    ),
    "a field": (
        lambda s: update("machines_machine", "name = 'Web!'", "name = 'shop-web'"),
        "machine Web!: name: A name has at most 63 lower-case letters, digits and '-', "
        "and starts and ends with a letter or digit (RFC 1123).",
    ),
    "a mark": (
        lambda s: update("networks_network", "name = ''", "id = 'other'"),
        "network other: name: It is '', where saving the row would make it 'other'.",
    ),
    "free space": (
        lambda s: (
            "DELETE FROM networks_free WHERE host(block) = '10.9.0.0' "
            "OR prefix_id = (SELECT min(prefix_id) FROM networks_free)"
        ),
        "SELECT networks_refill() counts anew (R12, R13).",
    ),
    "stray space": (
        lambda s: "INSERT INTO networks_free VALUES (0, '10.9.0.0/16')",
        "free space 0: It belongs to no prefix; SELECT networks_refill() counts anew (R12, R13).",
    ),
}


@pytest.mark.parametrize("plant", PLANTS)
def test_each_kind_of_violation_is_named_with_its_object_and_rule(
    scene: Scene,  # noqa: F811
    plant: str,
) -> None:
    sql, sentence = PLANTS[plant]
    names = {
        "machine": scene.machine.addresses.get(),
        "zero": scene.ip(scene.other, 0),
        "reserved": scene.ip(scene.storage, 77),
    }
    unguarded(sql(scene))
    assert any(sentence.format(**names) in one for one in sentences()), sentences()


def test_a_picked_address_that_was_taken_off_its_machine_is_found_by_the_audit_trail(
    scene: Scene,  # noqa: F811
) -> None:
    address = scene.machine.addresses.get()
    # No guard minds:
    execute(update("networks_address", "machine_id = NULL", f"address = '{address}'"))
    sentence = f"{address} was picked for a machine that let go of it, and is still taken (R16)."
    assert f"address {address}: {sentence}" in sentences()


def test_a_constraint_that_is_gone_is_named_and_so_is_what_it_forbids(
    scene: Scene,  # noqa: F811
) -> None:
    execute("ALTER TABLE machines_machine DROP CONSTRAINT asn_is_unique")
    execute("ALTER TABLE networks_address DISABLE TRIGGER USER")
    execute("UPDATE machines_machine SET asn = 7")
    findings = [str(one) for one in check()]
    assert any(
        line.startswith("constraint asn_is_unique of machines_machine: It is missing or not valid.")
        for line in findings
    )
    assert any(
        line.startswith(
            "trigger takes_its_space of networks_address: It is missing or switched off."
        )
        for line in findings
    )
    assert findings.count("machine shop-web: Another machine already has this AS number.") == 1


def test_violations_are_printed_and_end_with_status_1(scene: Scene) -> None:  # noqa: F811
    unguarded(lost_address(scene))
    out = StringIO()
    with pytest.raises(CommandError, match=r"2 violations found\.") as refused:
        call_command("check_rules", stdout=out)
    assert refused.value.returncode == 1
    assert (
        len(out.getvalue().splitlines()) == 2
    )  # the machine lacks one, and the table of free space does not know


def test_the_number_of_queries_does_not_grow_with_the_rows(
    scene: Scene,  # noqa: F811
    django_assert_max_num_queries: Any,
) -> None:
    with django_assert_max_num_queries(100) as few:
        assert sentences() == []
    for _ in range(20):
        allocate(scene.storage, project=scene.fra.shop)
    for number in range(3):
        home = scene.fra.private(f"n-{number}", scene.fra.shop)
        firewall = scene.fra.firewall(f"fw-{number}", scene.fra.shop, home, scene.storage)
        address = firewall.machine.addresses.get(prefix__network=scene.storage, address__family=4)
        Endpoint(
            address=address,
            port=80,
            machine=scene.fra.machine(f"m-{number}", scene.fra.shop, home),
            target_port=80,
        ).save()
    assert (
        Firewall.objects.count() == 6
        and Address.objects.count() > 30
        and Network.objects.count() > 10
    )
    with django_assert_max_num_queries(len(few.captured_queries)):
        assert sentences() == []
