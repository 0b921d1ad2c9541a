"""One rule, every door: the same refusal, word by word, through the ORM, a form, REST and the admin."""

import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from django.db import models, transaction

from firewalls.models import Attachment, Firewall
from machines.models import Machine
from networks.models import Address, Network, Partition, Prefix, Project
from tests.doors import DOORS, Refusal
from tests.doors.cases import CASES, Case
from tests.doors.scene import Scene
from tests.doors.taken_out import take_out

pytestmark = pytest.mark.django_db
TABLES: list[type[models.Model]] = [Partition, Project, Network, Prefix, Address, Machine, Firewall, Attachment]
TABLE = [pytest.param(rule, case, id=f"{rule} {name}") for rule, cases in CASES.items() for name, case in cases.items()]


@pytest.fixture(scope="module")
def built(django_db_setup: None, django_db_blocker: Any) -> Iterator[Scene]:
    """The scene, built once for all cases, in a transaction that every test's own one is nested in."""
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
def test_a_broken_rule_is_refused_with_the_same_words(scene: Scene, rule: str, case: Case, door: str) -> None:
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
def test_each_case_misses_its_rule(scene: Scene, rule: str, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its rule taken out, the case is let through, or met by something else: the database's own refusal, say."""
    door = next(door for door in DOORS if door not in case.not_at.split())
    take_out(monkeypatch, case.by)
    try:
        with transaction.atomic():
            refusal = case.attempt(DOORS[door](), scene)
            transaction.set_rollback(True)
    except Exception:  # the database's own refusal, or what comes of going on without the rule
        return
    assert codes(refusal) != case.refused


def test_the_table_speaks_of_every_rule_but_the_last_which_is_no_refusal() -> None:
    assert list(CASES) == [f"R{number}" for number in range(1, 16)]
    assert sum(map(len, CASES.values())) >= 120
    assert all(cases for cases in CASES.values())


@pytest.mark.parametrize("door", DOORS)
def test_what_keeps_the_rules_is_let_through(scene: Scene, door: str) -> None:
    way, s = DOORS[door](), scene
    assert way.share(s.other) == {} and Network.objects.get(pk="other").shared
    assert way.join(s.firewall, s.storage) == {} and s.firewall.attachments.filter(network=s.storage).exists()
    assert way.make(**s.private()) == {} and Network.objects.get(pk="new").parent_id == "super-fra"
    assert way.add_prefix(s.shop, "10.128.64.0/22") == {} and s.shop.prefixes.count() == 2
    assert way.take(s.other, s.fra.shop, str(s.ip(s.other, 9))) == {} and Address.objects.filter(address=s.ip(s.other, 9)).exists()
    assert way.machine(s.fra.shop, s.dual) == {} and Machine.objects.get(name="new").addresses.count() == 2
    assert way.firewall(s.fra.storage, s.backup, s.storage, primary=s.backup) == {}
    assert Machine.objects.get(name="new", firewall__isnull=False).primary_id == "backup"


@pytest.mark.parametrize("door", ["orm", "rest", "admin"])
class TestWhatIsLeftBehind:
    """R16: what was picked is free again, what was brought stays reserved for the project."""

    @pytest.fixture
    def brought(self, scene: Scene, door: str) -> Any:
        """shop-fw in storage with an address that it brought, and in backup with a picked one."""
        way = DOORS[door]()
        ip = scene.ip(scene.storage, 78)
        assert way.join(scene.firewall, scene.storage, str(ip)) == {}
        DOORS["rest"]().join(scene.firewall, scene.backup)
        return ip

    def test_leaving_keeps_what_was_brought(self, scene: Scene, door: str, brought: Any) -> None:
        assert DOORS[door]().leave(scene.firewall, scene.storage) == {}
        left = Address.objects.get(address=brought)
        assert (left.machine, left.kind, left.project_id) == (None, "static", "shop")

    def test_leaving_gives_back_what_was_picked(self, scene: Scene, door: str, brought: Any) -> None:
        assert DOORS[door]().leave(scene.firewall, scene.backup) == {}
        assert not Address.objects.filter(prefix__network="backup").exists()

    def test_freeing_does_both(self, scene: Scene, door: str, brought: Any) -> None:
        assert DOORS[door]().free(scene.firewall.machine) == {}
        assert list(Address.objects.filter(project="shop", prefix__network__in=["storage", "backup", "shop"])) == [
            Address.objects.get(address=brought)
        ]

    def test_a_machine_gives_its_own_back(self, scene: Scene, door: str) -> None:
        assert DOORS[door]().free(scene.machine) == {}
        assert not Address.objects.filter(prefix__network="other").exists() and not Machine.objects.filter(name="shop-web").exists()


def test_the_admin_offers_no_way_back_from_sharing(scene: Scene) -> None:
    assert DOORS["admin"]().unshare(scene.storage) == {}
    assert Network.objects.get(pk="storage").shared


def test_the_admin_notes_who_shared_and_why(scene: Scene) -> None:
    DOORS["admin"]().change(scene.shop, shared="on", shared_reason="for all")
    shared = Network.objects.get(pk="shop")
    assert (shared.shared, shared.shared_by, shared.shared_reason) == (True, "support", "for all")
