"""One rule, every door: the same refusal through the ORM, a form, REST and the admin."""

import re
from collections.abc import Iterator
from copy import deepcopy
from importlib import import_module
from inspect import isfunction
from types import ModuleType
from typing import Any

import pytest
from django.apps import apps
from django.db import models, transaction

import firewalls.rules
import machines.rules
import networks.rules
from firewalls.models import Attachment, Endpoint, Firewall
from machines.models import Machine
from networks.models import Address, Network, Partition, Prefix, Project
from tests.doors import DOORS, Refusal
from tests.doors.cases import CASES, Case
from tests.doors.scene import Scene
from tests.doors.taken_out import take_out

pytestmark = pytest.mark.django_db
TABLES: list[type[models.Model]] = [
    Partition,
    Project,
    Network,
    Prefix,
    Address,
    Machine,
    Firewall,
    Attachment,
    Endpoint,
]
# What no single row can tell, and allocation sees to: see tests/config/test_check_rules.py.
ASKED_BY_THE_CHECK_ALONE = {
    machines.rules.has_address_per_family,
    machines.rules.in_underlay,
    networks.rules.released_with_machine,
}
TABLE = [
    pytest.param(rule, case, id=f"{rule} {name}")
    for rule, cases in CASES.items()
    for name, case in cases.items()
]


@pytest.fixture(scope="module")
def built(django_db_setup: None, django_db_blocker: Any) -> Iterator[Scene]:
    """The scene, built once for all cases, in a transaction around each test's own."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield Scene()
        transaction.set_rollback(True)


@pytest.fixture
def scene(built: Scene, db: None) -> Scene:
    return deepcopy(built)


def codes(refusal: Refusal) -> dict[str, list[str]]:
    return {field: [code for code, _ in errors] for field, errors in refusal.items()}


def rows() -> list[list[dict[str, Any]]]:
    return [list(table._default_manager.order_by("pk").values()) for table in TABLES]


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(("rule", "case"), TABLE)
def test_a_broken_rule_is_refused_with_the_same_words(
    scene: Scene, rule: str, case: Case, door: str
) -> None:
    if door in case.not_at.split():
        return
    before = rows()
    refusal = case.attempt(DOORS[door](), scene)
    assert codes(refusal) == case.refused
    assert rows() == before
    sentences = [sentence for errors in refusal.values() for _, sentence in errors if sentence]
    assert all(re.search(r"\((?:R\d+(?: to |, )?)+\)\.", sentence) for sentence in sentences)
    if "orm" not in case.not_at.split():
        assert refusal == in_the_process(case, scene)


def in_the_process(case: Case, scene: Scene) -> Refusal:
    with transaction.atomic():
        refusal: Refusal = case.attempt(DOORS["orm"](), scene)
        transaction.set_rollback(True)
    return refusal


@pytest.mark.parametrize(("rule", "case"), TABLE)
def test_each_case_misses_its_rule(
    scene: Scene, rule: str, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its rule taken out, the case is let through, or something else refuses it."""
    door = next(door for door in DOORS if door not in case.not_at.split())
    take_out(monkeypatch, case.by)
    try:
        with transaction.atomic():
            refusal = case.attempt(DOORS[door](), scene)
            transaction.set_rollback(True)
    except Exception:  # the database's own refusal, or what comes of going on without the rule
        return
    assert codes(refusal) != case.refused


def test_the_table_speaks_of_every_rule() -> None:
    assert list(CASES) == [f"R{number}" for number in range(1, 17)]
    assert sum(map(len, CASES.values())) >= 120
    assert all(cases for cases in CASES.values())


def taken_out_somewhere() -> set[Any]:
    """The functions and constraints that the cases are shown to miss."""
    names = {
        name for cases in CASES.values() for case in cases.values() for name in case.by.split()
    } - {"on_delete"}
    functions = {
        getattr(import_module(name.rpartition(".")[0]), name.rpartition(".")[2])
        for name in names
        if ":" not in name
    }
    return functions | {name for name in names if ":" in name}


@pytest.mark.parametrize("module", [networks.rules, machines.rules, firewalls.rules])
def test_no_function_that_finds_a_violation_is_without_a_case(module: ModuleType) -> None:
    here = [
        one
        for one in vars(module).values()
        if isfunction(one) and one.__module__.startswith(module.__name__)
    ]
    finding = {one for one in here if "Violation" in one.__code__.co_names}
    assert finding - taken_out_somewhere() <= ASKED_BY_THE_CHECK_ALONE


def test_no_constraint_that_holds_a_rule_is_without_a_case() -> None:
    models = [
        model
        for app in ("networks", "machines", "firewalls")
        for model in apps.get_app_config(app).get_models()
    ]
    holding = {
        f"{model.__name__}:{one.name}"
        for model in models
        for one in model._meta.constraints
        if "(R" in str(one.violation_error_message)
    }
    assert holding and holding <= taken_out_somewhere()


@pytest.mark.parametrize("door", DOORS)
def test_what_keeps_the_rules_is_let_through(scene: Scene, door: str) -> None:
    way, s = DOORS[door](), scene
    assert way.share(s.other) == {} and Network.objects.get(pk="other").shared
    assert (
        way.join(s.firewall, s.storage) == {}
        and s.firewall.attachments.filter(network=s.storage).exists()
    )
    assert way.make(**s.private()) == {} and Network.objects.get(pk="new").parent_id == "super-fra"
    assert way.add_prefix(s.shop, "10.128.64.0/22") == {} and s.shop.prefixes.count() == 2
    assert (
        way.allocate(s.other, s.fra.shop, str(s.ip(s.other, 9))) == {}
        and Address.objects.filter(address=s.ip(s.other, 9)).exists()
    )
    assert (
        way.machine(s.fra.shop, s.dual) == {}
        and Machine.objects.get(name="new").addresses.count() == 2
    )
    assert way.firewall(s.fra.storage, s.backup, s.storage, primary=s.backup) == {}
    assert Machine.objects.get(name="new", firewall__isnull=False).primary_id == "backup"


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    ("spelled", "meant"),
    [("10.128.200.1/22", "10.128.200.0/22"), ("2001:db8:132:7::5/64", "2001:db8:132:7::/64")],
)
def test_a_prefix_with_host_bits_is_refused_with_the_one_that_is_meant(
    scene: Scene, door: str, spelled: str, meant: str
) -> None:
    refusal = DOORS[door]().add_prefix(scene.dual, spelled)
    assert refusal == {
        "cidr": [("invalid_prefix", f"{spelled} has host bits set; the prefix is {meant}.")]
    }


def left_behind(scene: Scene, door: str) -> dict[str, list[tuple[str, str]]]:
    """R16: what is still reserved for the shop, by network.

    A firewall has left what it joined, and another one and a machine were freed.
    """
    way = DOORS[door]()
    named_one, named_other = str(scene.ip(scene.storage, 78)), str(scene.ip(scene.other, 9))
    assert way.join(scene.firewall, scene.storage, named_one) == {}
    assert DOORS["rest"]().join(scene.firewall, scene.backup) == {}
    assert way.leave(scene.firewall, scene.storage) == {}
    assert way.leave(scene.firewall, scene.backup) == {}
    made = way.firewall(scene.fra.shop, scene.other, scene.backup, addresses=named_other)
    assert made == {}
    assert way.free(Machine.objects.get(name="new")) == {}
    assert way.free(scene.machine) == {}
    assert not Machine.objects.filter(name__in=["new", "shop-web"]).exists()
    reserved: dict[str, list[tuple[str, str]]] = {}
    networks = ["storage", "backup", "other"]
    for row in Address.objects.filter(project="shop", prefix__network__in=networks, machine=None):
        reserved.setdefault(row.network.pk, []).append((str(row), row.kind))
    return reserved


LEFT = {"storage": [("10.128.8.78", "static")], "other": [("10.128.4.9", "static")]}


@pytest.mark.parametrize("door", ["orm", "rest", "admin"])
def test_what_was_picked_is_free_again_and_what_was_named_stays_reserved(
    scene: Scene, door: str
) -> None:
    assert left_behind(scene, door) == LEFT


@pytest.mark.parametrize("kind", Address.Kind)
def test_without_its_rule_something_else_is_left_behind(
    scene: Scene, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if all addresses had been picked, or all named."""
    release = Address.release

    def alike(address: Address) -> None:
        address.kind = kind
        release(address)

    monkeypatch.setattr(Address, "release", alike)
    assert left_behind(scene, "orm") != LEFT


def test_the_admin_offers_no_way_back_from_sharing(scene: Scene) -> None:
    assert DOORS["admin"]().unshare(scene.storage) == {}
    assert Network.objects.get(pk="storage").shared


def test_the_admin_notes_who_shared_and_why(scene: Scene) -> None:
    DOORS["admin"]().change(scene.shop, shared="on", shared_reason="for all")
    shared = Network.objects.get(pk="shop")
    assert (shared.shared, shared.shared_by, shared.shared_reason) == (True, "support", "for all")
