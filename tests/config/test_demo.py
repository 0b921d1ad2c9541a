"""The demo: a small world in which every rule and every state of the product can be seen."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from config.demo import serving, states, world
from firewalls import tasks
from firewalls.allocation import join
from firewalls.models import Endpoint, Firewall, Push, Rollout
from machines.models import Machine
from networks.models import Address, Network, Partition
from networks.usage import usage
from tests.config.dumps import contents

STATES = {
    "storage-fw": "in_sync",
    "shop-fw": "in_sync",
    "analytics-fw": "in_sync",
    "tiny-fw": "in_sync",
    "muc-fw": "in_sync",
    "batch-fw": "pending",
    "lab-fw": "new",
    "muc-fw-2": "failed",
    "analytics-fw-2": "drifted",
    "dead-fw": "unreachable",
}


@pytest.fixture(autouse=True)
def practice_folder(settings: Any, tmp_path: Path, published: list[str]) -> Path:
    settings.PRACTICE = tmp_path / "practice"
    return tmp_path / "practice"


def demo(**options: Any) -> str:
    out = StringIO()
    call_command("demo", stdout=out, stderr=out, **options)
    return out.getvalue()


def used_and_available(network: str, family: str = "4") -> tuple[int, int]:
    addresses = usage([Network.objects.get(id=network)])[network][family]
    return addresses["used"], addresses["available"]


def states_by_name() -> dict[str, str]:
    firewalls = Firewall.objects.with_state()
    return dict(firewalls.values_list("machine__name", "state"))  # type: ignore[misc] # annotated


@pytest.mark.django_db
def test_the_world_has_a_case_of_everything() -> None:
    world.build()
    networks = {network.id: network for network in Network.objects.all()}
    assert {id for id, network in networks.items() if network.shared} == {
        "storage-fra",
        "backup-fra",
        "tiny-shared",
    }
    assert networks["partner-link"].kind == "external"
    assert networks["partner-link"].project_id == "analytics"
    assert networks["analytics-lab"].prefixes_text == "2001:db8:128:48::/64"
    assert networks["analytics-private"].prefixes_text == "10.128.68.0/22, 2001:db8:128:44::/64"
    assert used_and_available("storage-fra") == (6, 1022)
    assert used_and_available("internet") == (4, 254)
    assert Machine.objects.plain().count() == 16
    assert Firewall.objects.count() == 10
    assert not Firewall.objects.filter(machine__primary="backup-fra").exists()
    assert networks["backup-fra"].residents.count() == 2
    (endpoint,) = Endpoint.objects.all()
    assert (endpoint.purpose, str(endpoint.address.address)) == ("http-proxy", "10.128.4.100")
    without = Firewall.objects.exclude(attachments__network__kind="external")
    assert {firewall.name for firewall in without.select_related("machine")} == {
        "batch-fw",
        "tiny-fw",
    }
    lonely = Machine.objects.get(name="lonely-1").primary.residents.exclude(firewall=None)
    assert not lonely.filter(firewall__attachments__network="storage-fra").exists()
    assert Address.objects.get(address="10.128.0.101").kind == "static"
    assert all(partition.management_prefixes for partition in Partition.objects.all())
    assert Machine.objects.get(name="storage-fw").labels == {
        "size": "n1-medium-x86",
        "image": "firewall-ubuntu-3.0.20260101",
    }


@pytest.mark.django_db
def test_a_firewall_of_another_project_can_join_analytics_once_it_is_shared() -> None:
    world.build()
    analytics = Network.objects.get(id="analytics-private")
    shop = Firewall.objects.get(machine__name="shop-fw")
    analytics.share(by="admin", reason="Reports for everybody")
    join(shop, analytics, by="admin")
    addresses = shop.machine.addresses.filter(prefix__network=analytics)
    assert {str(address) for address in addresses} == {"10.128.68.4", "2001:db8:128:44::4"}


@pytest.mark.django_db(transaction=True)
def test_every_state_is_there_and_a_second_run_leaves_it_as_it_is(practice_folder: Path) -> None:
    assert "The demo was built: 109 objects created." in demo()
    assert states_by_name() == STATES
    assert used_and_available("tiny-shared") == (4, 6)
    assert serving.running_port() is None
    for firewall in Firewall.objects.exclude(observation__applied=None).select_related("machine"):
        assert firewall.observation.applied is not None
        on_disk = {
            path: (practice_folder / firewall.name / path[1:]).read_text()
            for path in firewall.observation.applied.files
        }
        assert (on_disk == firewall.observation.applied.files) is (
            firewall.name != "analytics-fw-2"
        )
    refused = Push.objects.get(firewall__machine__name="muc-fw-2")
    assert "muc-fw-2 failed at write and went back" in refused.error
    (rollout,) = Rollout.objects.all()
    turns = rollout.members.order_by("wave").values_list("push__state", flat=True)
    assert rollout.state == "paused" and list(turns) == ["confirmed", None, None]
    drifted = Firewall.objects.get(machine__name="analytics-fw-2")
    assert drifted.observation.drift == "/etc/nftables.conf"
    before = contents()
    assert demo() == "The database is not empty, so no demo was added to it.\n"
    assert contents() == before


@pytest.mark.django_db(transaction=True)
def test_states_stay_when_firewalls_are_checked_and_reconciled_later(practice_folder: Path) -> None:
    demo()
    with serving.practice_server(Firewall.objects.get(machine__name="shop-fw").port):
        tasks.reconcile()
        for firewall in Firewall.objects.exclude(observation__applied=None):
            tasks.check(str(firewall.pk))
    assert states_by_name() == STATES


@pytest.mark.django_db(transaction=True)
def test_the_next_run_completes_an_interrupted_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(firewall: Firewall) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setitem(states.STATES, "muc-fw", interrupted)
        with pytest.raises(KeyboardInterrupt):
            demo()
    assert states_by_name()["muc-fw"] == "new"
    demo()
    assert states_by_name() == STATES


@pytest.mark.django_db
def test_size_none_builds_nothing_and_an_unknown_size_is_refused() -> None:
    assert demo(size="none") == "No demo was asked for.\n"
    assert world.is_empty()
    message = "There is no demo 'huge'; choose one of default, none, large"
    with pytest.raises(CommandError, match=message):
        demo(size="huge")


@pytest.mark.django_db
def test_a_database_in_use_gets_the_demo_only_with_the_option_anyway(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(states, "establish", lambda: None)
    Partition.objects.create(id="own", name="Own")
    demo()
    assert Partition.objects.count() == 1
    demo(anyway=True)
    assert Partition.objects.count() == 3
    assert Partition.objects.get(id="own").management_prefixes == []
