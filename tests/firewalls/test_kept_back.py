"""Nothing is handed on while a firewall may still use it (R16)."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from importlib import import_module
from ipaddress import ip_address
from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from config.checking import check
from firewalls import tasks
from firewalls.allocation import free_firewall, join, leave
from firewalls.models import Firewall, Push, Retired
from firewalls.publishing import publish, withdraw
from firewalls.pushing import carrying, retiring
from machines.allocation import free_machine
from machines.models import Machine
from networks.allocation import allocate, release
from networks.models import Address, Carried, Network
from tests.firewalls.boxes import Boxes
from tests.firewalls.pushes import push, state
from tests.threads import while_open
from tests.world import World

pytestmark = pytest.mark.django_db(transaction=True)
Make = Callable[..., Firewall]


@pytest.fixture
def storage(fra: World) -> Network:
    return fra.private("storage", fra.storage, shared=True)


def at(firewall: Firewall, network: Network) -> str:
    return str(firewall.machine.addresses.get(prefix__network=network))


def kept(firewall: Firewall) -> list[str]:
    return [row.what for row in Carried.objects.left().filter(box=firewall.pk)]


def pushed(firewall: Firewall) -> Firewall:
    assert push(firewall).state == "confirmed"
    return Firewall.objects.get(pk=firewall.pk)


def sql(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def codes(action: Callable[[], object]) -> dict[str, list[str | None]]:
    with pytest.raises(ValidationError) as error, transaction.atomic():
        action()
    return {field: [one.code for one in errors] for field, errors in error.value.error_dict.items()}


def test_what_was_left_is_kept_back_until_a_push_without_it_is_confirmed(
    make: Make, storage: Network
) -> None:
    batch, web = make("fw-batch"), make("fw-web")
    join(batch, storage)
    left = at(batch, storage)
    pushed(batch)
    leave(batch, storage)
    assert kept(batch) == [left]
    join(web, storage)
    assert at(web, storage) != left
    pushed(batch)
    assert kept(batch) == []
    assert str(allocate(storage, project=web.project)) == left
    assert list(check()) == []


def test_a_firewall_that_was_never_pushed_to_keeps_nothing_back(
    make: Make, storage: Network
) -> None:
    batch, web = make("fw-batch-2"), make("fw-web-2")
    join(batch, storage)
    left = at(batch, storage)
    leave(batch, storage)
    join(web, storage)
    assert at(web, storage) == left
    old = (at(batch, Network.objects.get(pk="underlay-fra")), batch.machine.asn)
    assert free_firewall(batch) is None
    new = make("fw-new-2")
    assert (at(new, Network.objects.get(pk="underlay-fra")), new.machine.asn) == old


def test_what_was_joined_and_left_between_two_pushes_was_never_there(
    make: Make, storage: Network
) -> None:
    batch = pushed(make("fw-batch-3"))
    join(batch, storage)
    left = at(batch, storage)
    leave(batch, storage)
    assert kept(batch) == []
    assert str(allocate(storage, project=batch.project)) == left


def test_raw_sql_does_not_hand_it_out_either(make: Make, storage: Network) -> None:
    batch, web = make("fw-batch-4"), make("fw-web-4")
    join(batch, storage)
    left = at(batch, storage)
    pushed(batch)
    leave(batch, storage)
    join(web, storage)
    prefix = storage.prefixes.get().pk
    insert = (
        "INSERT INTO networks_address (address, prefix_id, project_id, machine_id, kind, name,"
        " description) VALUES (%s, %s, 'shop', %s, 'static', '', '')"
    )
    for machine in (None, web.pk):
        with pytest.raises(IntegrityError, match="may still be on a firewall"):
            sql(insert, left, prefix, machine)
    assert codes(lambda: allocate(storage, project=web.project, ip=ip_address(left))) == {
        "address": ["kept_back"]
    }
    third = make("fw-third-4")
    assert codes(lambda: join(third, storage, addresses=[ip_address(left)])) == {
        "addresses": ["kept_back"]
    }


def test_whose_it_was_may_have_it_again(make: Make, storage: Network) -> None:
    batch = make("fw-batch-5")
    join(batch, storage)
    left = at(batch, storage)
    pushed(batch)
    leave(batch, storage)
    join(batch, storage, addresses=[ip_address(left)])
    assert at(batch, storage) == left
    assert kept(batch) == []
    assert list(check()) == []


def test_a_network_that_is_joined_again_gives_the_same_address_again(
    make: Make, storage: Network
) -> None:
    first, second = make("fw-first"), make("fw-second")
    join(first, storage)
    was = at(first, storage)
    first = pushed(first)
    leave(first, storage)
    join(second, storage)
    assert at(second, storage) != was and kept(first) == ["VRF id 1", was][-1:]
    join(first, storage)
    row = first.machine.addresses.get(prefix__network=storage)
    assert str(row) == was and row.kind == Address.Kind.EPHEMERAL and kept(first) == []
    leave(first, storage)
    assert kept(first) == [was]
    pushed(first)
    assert kept(first) == [] and not Address.objects.filter(address=was).exists()


def test_one_that_was_brought_stays_reserved_when_the_network_is_joined_again(
    make: Make, storage: Network
) -> None:
    first = make("fw-brought")
    brought = storage.prefixes.get().cidr[20]
    join(first, storage, addresses=[brought])
    first = pushed(first)
    leave(first, storage)
    join(first, storage)
    assert at(first, storage) != str(brought)
    assert Address.objects.get(address=brought).machine is None


def test_an_address_that_was_brought_goes_to_no_other_firewall_meanwhile(
    make: Make, storage: Network
) -> None:
    batch, web = make("fw-batch-6"), make("fw-web-6")
    own = allocate(storage, project=batch.project, kind="static")
    join(batch, storage, addresses=[own.address])
    pushed(batch)
    leave(batch, storage)
    assert codes(lambda: join(web, storage, addresses=[own.address])) == {
        "addresses": ["kept_back"]
    }
    join(web, storage)
    with pytest.raises(IntegrityError, match="may still be on a firewall"):
        sql("UPDATE networks_address SET machine_id = %s WHERE id = %s", web.pk, own.pk)
    pushed(batch)
    leave(web, storage)
    join(web, storage, addresses=[own.address])
    assert at(web, storage) == str(own)


class TestFreed:
    def test_loopback_as_number_and_addresses_are_not_handed_on(
        self, make: Make, fra: World
    ) -> None:
        backup = pushed(make("fw-backup"))
        asn, taken = backup.machine.asn, {str(one) for one in backup.machine.addresses.all()}
        retired = free_firewall(backup, by="ada")
        assert retired and retired.files and retired.host
        new = make("fw-after")
        assert new.machine.asn != asn
        assert not taken & {str(one) for one in new.machine.addresses.all()}
        assert f"AS number {asn}" in Retired.objects.with_reserved().get().sentence
        with pytest.raises(IntegrityError, match="may still be on a firewall"):
            sql("UPDATE machines_machine SET asn = %s WHERE id = %s", asn, new.pk)
        assert list(check()) == []

    def test_once_it_is_said_to_be_gone_all_is_free(self, make: Make, fra: World) -> None:
        backup = pushed(make("fw-backup-2"))
        asn = backup.machine.asn
        retired = free_firewall(backup)
        assert retired
        assert codes(lambda: retiring.gone(retired, "yes")) == {"confirm": ["not_confirmed"]}
        retiring.gone(retired, "fw-backup-2")
        assert not Retired.objects.exists() and not Carried.objects.exists()
        assert make("fw-after-2").machine.asn == asn
        assert list(check()) == []

    def test_a_worker_takes_the_configuration_off_it(
        self, make: Make, box: Boxes, fra: World
    ) -> None:
        backup = pushed(make("fw-backup-3"))
        assert box.file("/etc/nftables.conf", "fw-backup-3").exists()
        retired = free_firewall(backup)
        assert retired
        tasks.ask_to_take_off(retired, "ada")
        tasks.take_off(str(retired.pk))
        assert not box.file("/etc/nftables.conf", "fw-backup-3").exists()
        assert not Retired.objects.exists() and not Carried.objects.exists()

    def test_what_is_not_reached_stays_retired_with_the_reason(
        self, make: Make, fra: World
    ) -> None:
        backup = pushed(make("fw-backup-4"))
        Firewall.objects.filter(pk=backup.pk).update(port=1)
        retired = free_firewall(Firewall.objects.get(pk=backup.pk))
        assert retired
        tasks.ask_to_take_off(retired, "ada")
        tasks.take_off(str(retired.pk))
        retired.refresh_from_db()
        assert retired.outcome == "failed" and retired.error
        assert Carried.objects.left().exists()

    def test_whoever_deletes_the_row_by_another_way_retires_it_too(
        self, make: Make, fra: World
    ) -> None:
        backup = pushed(make("fw-backup-5"))
        release(backup.machine.addresses.all())
        Firewall.objects.filter(pk=backup.pk).delete()
        Machine.objects.filter(pk=backup.pk).delete()
        retired = Retired.objects.get()
        assert retired.name == "fw-backup-5" and retired.host_key == backup.host_key
        assert retired.carried.left().count() == 4  # its addresses and its AS number
        assert {row.network for row in retired.carried.filter(left_at=None)} == {
            "shop",
            "internet-fra",
        }


def test_the_vrf_id_of_a_removed_network_is_kept_back(
    make: Make, fra: World, storage: Network
) -> None:
    batch = make("fw-batch-7")
    join(batch, storage)
    pushed(batch)
    leave(batch, storage)
    vrf, cidr = storage.vrf, storage.prefixes.get().cidr
    storage.delete()
    other = fra.private("other", fra.storage)
    assert other.vrf != vrf
    assert codes(lambda: fra.private("third", fra.storage, vrf=vrf)) == {"vrf": ["kept_back"]}
    assert other.prefixes.get().cidr == cidr  # its space is another's, but for what is kept back
    first = allocate(other, project=fra.storage)
    assert first.address == cidr.network_address + 2
    pushed(batch)
    assert str(allocate(other, project=fra.storage)) == str(cidr.network_address + 1)
    assert fra.private("fourth", fra.storage).vrf == vrf
    assert list(check()) == []


def test_an_older_revision_is_not_pushed_once_somebody_else_has_what_it_brings(
    make: Make, storage: Network
) -> None:
    batch, web = make("fw-batch-8"), make("fw-web-8")
    join(batch, storage)
    left = at(batch, storage)
    with_it = pushed(batch).observation.applied
    leave(batch, storage)
    pushed(batch)
    join(web, storage)
    assert at(web, storage) == left
    refused = push(batch, with_it)
    assert refused.state == "refused" and left in refused.error
    assert state(batch) == "failed"


def test_an_older_revision_takes_what_is_free_again(make: Make, storage: Network) -> None:
    batch, web = make("fw-batch-9"), make("fw-web-9")
    join(batch, storage)
    left = at(batch, storage)
    with_it = pushed(batch).observation.applied
    leave(batch, storage)
    pushed(batch)
    assert push(batch, with_it).state == "confirmed"
    assert kept(batch) == [left]
    join(web, storage)
    assert at(web, storage) != left
    assert list(check()) == []


def test_where_an_endpoint_leads_is_not_handed_on(make: Make, storage: Network, fra: World) -> None:
    batch = make("fw-batch-10")
    join(batch, storage)
    web = fra.machine("web", fra.shop, batch.primary)
    door = Address.objects.get(machine=batch.pk, prefix__network=storage).address
    endpoint = publish(
        firewall=batch, network=storage, address=door, port=80, machine=web, target_port=80
    )
    target = str(web.addresses.get())
    pushed(batch)
    withdraw(endpoint)
    free_machine(web)
    assert kept(batch) == [target]
    assert str(fra.machine("next", fra.shop, batch.primary).addresses.get()) != target
    pushed(batch)
    assert str(fra.machine("third", fra.shop, batch.primary).addresses.get()) == target
    assert list(check()) == []


def test_a_look_that_shows_what_was_applied_frees_the_rest(make: Make, storage: Network) -> None:
    batch = pushed(make("fw-batch-11"))
    join(batch, storage)
    left = ip_address(at(batch, storage))
    # A push with it began and went wrong, so nobody knows.
    Carried.objects.create(
        box=batch.pk, firewall="fw-batch-11", address=left, machine=batch.pk, network="storage"
    )
    leave(batch, storage)
    assert kept(batch) == [str(left)]
    tasks.check(str(batch.pk))
    assert kept(batch) == []


def test_what_was_written_down_is_not_changed(make: Make) -> None:
    pushed(make("fw-batch-12"))
    with pytest.raises(IntegrityError, match="written down anew"):
        sql("UPDATE networks_carried SET asn = 7 WHERE asn IS NOT NULL")


def test_a_push_to_a_firewall_that_was_freed_meanwhile_is_not_sent(make: Make) -> None:
    batch = make("fw-batch-13")
    freed = Firewall.objects.select_related("machine", "wanted").get(pk=batch.pk)
    assert freed.wanted
    brought = carrying.carried([(freed, freed.wanted.files)])
    free_firewall(batch)
    assert carrying.begin(freed, brought) == "fw-batch-13 was freed meanwhile."
    assert not Carried.objects.exists()


class AsTablesWereThen:
    """What was seen of a firewall was in its own row."""

    def get_model(self, app: str, name: str) -> Any:
        return apps.get_model(app, "Observation" if name == "Firewall" else name)


def test_what_was_pushed_before_is_written_down_by_the_migration(
    make: Make, storage: Network, fra: World
) -> None:
    batch = make("fw-batch-14")
    join(batch, storage)
    web = fra.machine("web", fra.shop, batch.primary)
    door = Address.objects.get(machine=batch.pk, prefix__network=storage).address
    publish(firewall=batch, network=storage, address=door, port=80, machine=web, target_port=80)
    pushed(batch)
    columns = ("box", "firewall", "address", "vrf", "asn", "machine", "network", "left_at")
    before = set(Carried.objects.values_list(*columns))
    Carried.objects.all().delete()
    migration = import_module("firewalls.migrations.0017_what_firewalls_have")
    migration.write_down(AsTablesWereThen(), None)
    assert set(Carried.objects.values_list(*columns)) == before


def test_what_the_next_push_brings_again_is_not_forgotten_by_the_one_before(
    make: Make, storage: Network
) -> None:
    batch = make("fw-batch-15")
    join(batch, storage)
    pushed(batch)
    running = Push.objects.create(firewall=batch, state="running")
    carrying.confirm(batch.pk, {})
    assert Carried.objects.filter(box=batch.pk).exists()
    running.delete()
    carrying.confirm(batch.pk, {})
    assert not Carried.objects.filter(box=batch.pk).exists()


def test_a_look_is_not_believed_while_an_applier_may_still_be_at_it(
    make: Make, storage: Network
) -> None:
    batch = pushed(make("fw-batch-16"))
    ended = Push.objects.create(firewall=batch, state="unseen", finished_at=timezone.now())
    carrying.looked(batch.pk, {})
    assert Carried.objects.filter(box=batch.pk).exists()
    Push.objects.filter(pk=ended.pk).update(finished_at=timezone.now() - timedelta(hours=1))
    carrying.looked(batch.pk, {})
    assert not Carried.objects.filter(box=batch.pk).exists()


def test_the_free_space_is_counted_anew_when_the_whole_table_was_emptied(
    make: Make, storage: Network
) -> None:
    batch = make("fw-batch-17")
    join(batch, storage)
    left = at(batch, storage)
    pushed(batch)
    leave(batch, storage)
    sql("SELECT networks_refill()")
    assert list(check()) == []
    sql("TRUNCATE networks_carried")
    assert list(check()) == []
    assert str(allocate(storage, project=batch.project)) == left


class TestAtOnce:
    """A push begins while somebody takes away what it brings."""

    @pytest.fixture
    def batch(self, make: Make, storage: Network, firewall_name: str) -> Firewall:
        batch = make(firewall_name)
        join(batch, storage)
        return Firewall.objects.select_related("machine", "wanted").get(pk=batch.pk)

    def begun(self, batch: Firewall) -> str:
        """As a worker does that has chosen the revision already."""
        assert batch.wanted
        return carrying.begin(batch, carrying.carried([(batch, batch.wanted.files)]))

    def test_what_is_being_left_is_kept_back(self, batch: Firewall, storage: Network) -> None:
        left = at(batch, storage)
        while_open(partial(leave, batch, storage), partial(self.begun, batch))
        assert kept(batch) == [left]
        assert str(allocate(storage, project=batch.project)) != left
        assert list(check()) == []

    def test_what_is_left_meanwhile_is_kept_back(self, batch: Firewall, storage: Network) -> None:
        left = at(batch, storage)
        while_open(partial(self.begun, batch), partial(leave, batch, storage))
        assert kept(batch) == [left]
        assert str(allocate(storage, project=batch.project)) != left
        assert list(check()) == []

    def test_one_that_is_being_freed_is_not_pushed_to(self, batch: Firewall) -> None:
        _, reason = while_open(partial(free_firewall, batch), partial(self.begun, batch))
        assert "was freed meanwhile" in str(reason)
        assert not Carried.objects.exists() and not Retired.objects.exists()

    def test_one_that_is_freed_meanwhile_is_retired(self, batch: Firewall) -> None:
        while_open(partial(self.begun, batch), partial(free_firewall, batch))
        assert Retired.objects.get().name == batch.name
        assert Carried.objects.left().exists()
