"""Every way to write locks rows in the one order of networks.common.locking, by its function."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import transaction
from django.test import Client
from django.utils import timezone

from config.importer.run import run
from firewalls import tasks
from firewalls.allocation import free_firewall, leave
from firewalls.device.transport import Inspection, Outcome, Survey, TransportError
from firewalls.intent import changes, revisions
from firewalls.models import (
    Attachment,
    Endpoint,
    Firewall,
    Hold,
    JumpObservation,
    Observation,
    Push,
    Retired,
    Rollout,
    Rule,
    SshAccess,
    Window,
)
from firewalls.pushing import (
    carrying,
    claiming,
    hostkeys,
    jump_hosts,
    preparing,
    recording,
    retiring,
    rollouts,
    settling,
)
from firewalls.pushing.hostkeys import fingerprint_of
from firewalls.pushing.jobs import PushJob
from firewalls.pushing.replacing import replace
from machines.allocation import free_machine
from machines.models import Machine
from networks.common.locking import lock_keys
from networks.models import Carried, Network, Partition, Prefix
from tests.api import Api
from tests.config.dumps import DUMP
from tests.firewalls.rolling_out import carried
from tests.listening import Listener, listening, models_listened_to
from tests.pages import visitor
from tests.test_admin import staff
from tests.world import world

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).parents[1]
OTHER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
SSH = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ2Y3rUVhqgnxPCjAmoEEVRVFjjIrc3kYmkkHOOkzZM3"


class Scene:
    """Two firewalls with machines behind them, shared networks to join, and an endpoint."""

    def __init__(self) -> None:
        self.fra = fra = world(v6="2001:db8::/48")
        self.shop, self.other = fra.private("shop", fra.shop), fra.private("other", fra.shop)
        self.storage = fra.private("storage", fra.storage, shared=True)
        self.backup = fra.private("backup", fra.storage, shared=True)
        self.one = self.firewall("one", self.shop, self.storage)
        self.two = self.firewall("two", self.other, self.storage)
        self.web = fra.machine("web", fra.shop, self.shop)
        self.db = fra.machine("db", fra.shop, self.other)

    def firewall(self, name: str, *networks: Network) -> Firewall:
        return self.fra.firewall(name, self.fra.shop, *networks, host="192.0.2.1", host_key=SSH)

    def address(self, firewall: Firewall) -> str:
        row = firewall.machine.addresses.get(prefix__network=self.storage, address__family=4)
        return str(row.address)

    def endpoint(self, firewall: Firewall, machine: Machine, port: int = 80) -> dict[str, object]:
        return {
            "firewall": str(firewall.pk),
            "network": "storage",
            "address": self.address(firewall),
            "machine": str(machine.pk),
            "port": port,
            "target_port": 8080,
        }


@pytest.fixture
def scene(published: list[str]) -> Scene:
    return Scene()


def listened(*actions: Callable[[], Any]) -> Listener:
    """Do all of these, each as its own request, and have none of them break the order."""
    with listening() as listener:
        for action in actions:
            answer = action()
            status = getattr(answer, "status_code", 200)
            assert status < 400, (status, answer.content, answer.request)
    assert listener.wrong == []
    return listener


def test_ssh_access_and_what_is_seen_of_jump_hosts(scene: Scene) -> None:
    api, one, two = Api("operator"), scene.one, scene.two
    hop = {"jump_host": "hop", "jump_user": "hop", "jump_key": SSH}
    shown = TransportError("hop shows another key.", offered_key=OTHER)
    jump = TransportError("one is behind a jump host.", jump=shown)

    def seen(firewall: Firewall, error: TransportError) -> None:
        recording.record_inspection(Firewall.objects.get(pk=firewall.pk), error)

    def retire() -> None:
        Carried.objects.create(box=one.pk, firewall="one", machine=one.pk, asn=one.machine.asn)
        free_firewall(one)

    listened(
        lambda: api.post("ssh-access/", {"partition": "fra", **hop}),
        lambda: api.post("ssh-access/", {"firewall": str(one.pk), **hop}),
        lambda: api.post("ssh-access/", {"firewall": str(two.pk), **hop}),
        lambda: seen(one, jump),
        lambda: jump_hosts.confirm(SshAccess.objects.get(firewall=one), fingerprint_of(OTHER)),
        lambda: seen(one, TransportError("It said no.")),
        lambda: seen(two, jump),
        lambda: jump_hosts.look_again(SshAccess.objects.get(partition="fra")),
        retire,
        lambda: free_firewall(two),
        lambda: retiring.gone(Retired.objects.get(), "one"),
        lambda: api.delete(f"ssh-access/{SshAccess.objects.get().pk}/"),
    )
    assert not JumpObservation.objects.exists()


def test_the_listener_hears_what_would_deadlock(scene: Scene) -> None:
    with listening() as listener, transaction.atomic():
        list(Firewall.objects.select_for_update(no_key=True).all())  # joins its machines
        lock_keys(Network, ["shop"])
        scene.one.machine.save()
    assert any("several rows" in line for line in listener.wrong), listener.wrong
    with listening() as listener, transaction.atomic():
        lock_keys(Network, ["shop", "other"])
        scene.one.machine.save()
        Rule(firewall=scene.two, direction="egress", position=1, ports=["80"]).save()
    assert any("machines.machine" in line for line in listener.wrong)
    rule = Rule.objects.get()
    with listening() as listener, transaction.atomic():
        rule.save()
    assert any("without its firewall" in line for line in listener.wrong)


def test_over_rest(scene: Scene) -> None:
    api, one, two = Api(), scene.one, scene.two
    rules = {"egress": [{"ports": [443]}]}
    made = {"partition": "fra", "project": "shop"}

    def moved() -> Any:
        endpoint = Endpoint.objects.get(port=80)
        return api.patch(f"endpoints/{endpoint.pk}/", scene.endpoint(two, scene.db))

    heard = listened(
        lambda: api.post("partitions/", {"id": "muc", "name": "MUC"}),
        lambda: api.patch("partitions/fra/", {"name": "Frankfurt"}),
        lambda: api.patch("projects/shop/", {"name": "Shop"}),
        lambda: api.post("networks/", {"id": "new", **made, "prefix_length": {"4": 22}}),
        lambda: api.post("machines/", {"name": "m", **made, "networks": [{"network": "new"}]}),
        lambda: api.post("networks/new/prefixes/", {"prefix_length": {"6": 64, "4": 24}}),
        lambda: api.patch("networks/other/", {"description": "x"}),
        lambda: api.post("networks/other/share/", {"confirm": "other", "reason": "why"}),
        lambda: api.post("ip-addresses/", {"network": "shop", "project": "shop"}),
        lambda: api.post(
            "ip-addresses/", {"network": "shop", "project": "shop", "address": "10.128.0.99"}
        ),
        lambda: api.patch("ip-addresses/10.128.0.99/", {"name": "x"}),
        lambda: api.delete("ip-addresses/10.128.0.99/"),
        lambda: api.post(
            "firewalls/",
            {
                "name": "three",
                **made,
                "networks": [
                    {"network": "new"},
                    {"network": "storage"},
                    {"network": "internet-fra"},
                ],
                "rules": rules,
            },
        ),
        lambda: api.patch(
            f"firewalls/{one.pk}/", {"labels": {"a": "b"}, "rules": rules, "uplinks": ["lan7"]}
        ),
        lambda: api.post(f"firewalls/{one.pk}/attachments/", {"network": "backup"}),
        lambda: api.delete(f"firewalls/{one.pk}/attachments/backup/"),
        lambda: api.post("endpoints/", scene.endpoint(one, scene.web)),
        lambda: api.post("endpoints/", scene.endpoint(one, scene.web, 81)),
        lambda: api.delete(f"endpoints/{Endpoint.objects.get(port=81).pk}/"),
        moved,
        lambda: api.patch(f"machines/{scene.web.pk}/", {"labels": {"a": "b"}}),
        lambda: api.delete(f"machines/{scene.web.pk}/"),
        lambda: api.post(f"firewalls/{one.pk}/push/", {}),
        lambda: api.post(f"firewalls/{one.pk}/push/", {"revision": 1}),
        lambda: api.post(f"firewalls/{one.pk}/check/"),
        lambda: api.post("rollouts/", {"cause": "all", "firewalls": [str(one.pk), str(two.pk)]}),
        lambda: api.post(f"rollouts/{Rollout.objects.get().pk}/pause/"),
        lambda: api.post(f"rollouts/{Rollout.objects.get().pk}/resume/"),
        lambda: api.delete(f"firewalls/{two.pk}/"),
        lambda: api.delete(
            f"networks/new/prefixes/{Prefix.objects.filter(network='new', cidr__family=4).last()}/"
        ),
        lambda: api.delete(f"machines/{Machine.objects.get(name='m').pk}/"),
        lambda: api.delete(f"firewalls/{Firewall.objects.get(machine__name='three').pk}/"),
        lambda: api.delete("networks/new/"),
        lambda: api.delete("partitions/muc/"),
    )
    assert heard.taken >= {"machines.machine", "firewalls.firewall", "networks.prefix"}


def test_over_pages(scene: Scene) -> None:
    client: Client = staff()
    one = scene.one.pk
    Observation.objects.filter(pk=one).update(offered_key=SSH, offered_for=SSH)

    def steer(action: str) -> Any:
        return client.post(f"/rollouts/{Rollout.objects.get().pk}/{action}/")

    listened(
        lambda: client.get(f"/firewalls/{one}/join/backup/"),
        lambda: client.post(f"/firewalls/{one}/join/backup/", {"push": "on"}),
        lambda: client.get(f"/firewalls/{one}/leave/backup/"),
        lambda: client.post(f"/firewalls/{one}/leave/backup/", {"push": "on"}),
        lambda: client.get("/networks/other/share/"),
        lambda: client.post("/networks/other/share/", {"confirm": "other", "reason": "x"}),
        lambda: client.post(f"/firewalls/{one}/push/", {"revision": "1"}),
        lambda: client.post(f"/firewalls/{one}/check/"),
        lambda: client.post(f"/firewalls/{one}/needs/"),
        lambda: client.post(f"/firewalls/{one}/host-key/dismiss/"),
        lambda: client.post(
            "/rollouts/new/",
            {
                "shown": carried(scene.one, scene.two),
                "cause": "x",
                "sizes": "1, rest",
                "max_failures": "0",
            },
        ),
        lambda: steer("pause"),
        lambda: steer("resume"),
        lambda: steer("stop"),
        lambda: steer("retry"),
        lambda: steer("roll-back"),
    )


def test_over_the_admin(scene: Scene) -> None:
    client, one = staff(), scene.one
    endpoint = Endpoint(
        address=one.machine.addresses.get(prefix__network="storage", address__family=4),
        port=80,
        machine=scene.web,
        target_port=80,
    )
    endpoint.save()
    two_address = scene.two.machine.addresses.get(prefix__network="storage", address__family=4)
    moved = {
        "address": two_address.pk,
        "port": 80,
        "protocol": "tcp",
        "machine": scene.db.pk,
        "target_port": 80,
        "purpose": "service",
    }
    inlines = {
        f"{prefix}-{name}": value
        for prefix in ("attachments", "rules")
        for name, value in (("TOTAL_FORMS", "1"), ("INITIAL_FORMS", "0"))
    }
    edited = {
        **inlines,
        "name": "one",
        "labels": "{}",
        "uplinks": "lan0,lan9",
        "host": "192.0.2.9",
        "port": "22",
        "user": "sn",
        "host_key": SSH,
        "attachments-0-network": "backup",
        "rules-0-direction": "egress",
        "rules-0-position": "1",
        "rules-0-protocol": "tcp",
        "rules-0-ports": "443",
        "attachments-0-firewall": str(one.pk),
        "rules-0-firewall": str(one.pk),
    }
    sure = {"post": "yes"}
    listened(
        lambda: client.post(f"/admin/firewalls/firewall/{one.pk}/change/", edited),
        lambda: client.post(f"/admin/firewalls/endpoint/{endpoint.pk}/change/", moved),
        lambda: client.post(f"/admin/firewalls/endpoint/{endpoint.pk}/delete/", sure),
        lambda: client.post(
            f"/admin/firewalls/attachment/{one.attachments.get(network='backup').pk}/delete/", sure
        ),
        lambda: client.post(
            "/admin/networks/network/shop/change/", {"description": "x", "name": "shop"}
        ),
        lambda: client.post("/admin/networks/address/add/", {"network": "shop", "project": "shop"}),
        lambda: client.post(
            "/admin/machines/machine/add/",
            {
                "name": "new",
                "partition": "fra",
                "project": "shop",
                "network": "shop",
                "labels": "{}",
            },
        ),
        lambda: client.post(f"/admin/machines/machine/{scene.web.pk}/delete/", sure),
        lambda: client.post(f"/admin/firewalls/firewall/{scene.two.pk}/delete/", sure),
        lambda: client.post(
            "/admin/firewalls/firewall/",
            {"action": "delete_selected", "_selected_action": [str(one.pk)], **sure},
        ),
    )
    assert not Firewall.objects.exists() and not Endpoint.objects.exists()


def test_by_workers(scene: Scene) -> None:
    one, two = scene.one, scene.two
    both = [one.pk, two.pk]

    def changed_around() -> None:
        Partition.objects.update(ntp_servers=["192.0.2.7"], auto_push=True)
        Network.objects.filter(pk="storage").update(name="other")

    def pushed(state: str) -> None:
        claimed = claiming.claim_pushes(10)
        assert claimed
        recording.record_progress([PushJob(push, {}) for push in claimed])
        recording.record_heartbeat(claimed)
        preparing.prepare(claimed)
        for push in Push.objects.filter(state=Push.State.RUNNING):
            settling.settle(push, Outcome(state), [])

    def lost() -> None:
        for firewall in Firewall.objects.filter(pk__in=both):
            Push.objects.enqueue(firewall)
        assert len(claiming.claim_pushes(10)) == 2
        long_ago = timezone.now() - timedelta(hours=1)
        Push.objects.filter(state=Push.State.RUNNING).update(heartbeat_at=long_ago)
        claiming.requeue_lost()

    def started() -> None:
        given = {pk: Firewall.objects.get(pk=pk).revisions.get(number=1) for pk in both}
        rollouts.start(Firewall.objects.all(), cause="x", max_failures=9, revisions=given)

    def steered(action: Callable[[Rollout, str], object]) -> Callable[[], object]:
        return lambda: action(Rollout.objects.latest("created_at"), "ada")

    heard = listened(
        changed_around,
        tasks.reconcile,
        lambda: revisions.refresh(both, "again"),
        lambda: pushed("confirmed"),
        lambda: pushed("confirmed"),
        started,
        lambda: pushed("refused"),
        lambda: pushed("confirmed"),
        steered(rollouts.retry),
        steered(rollouts.roll_back),
        lost,
        tasks.reconcile,
        lambda: pushed("rolled_back"),
        lambda: claiming.inspect_now(both),
        lambda: claiming.claim_inspections(10),
        lambda: recording.record_inspection(one, Inspection({"/etc/hostname": "x"})),
        lambda: recording.record_inspection(one, TransportError("silent", unreachable=True)),
        lambda: recording.record_inspection(two, Survey({}, {"/etc/x": "y"}, {}, [], False)),
        revisions.prune,
        lambda: hostkeys.dismiss(one),
    )
    assert heard.taken >= {"firewalls.rollout", "firewalls.push", "firewalls.member"}


def test_many_firewalls_in_parts_and_by_several_workers(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "AT_ONCE", 1)
    changes.catch_up()
    Partition.objects.update(ntp_servers=["192.0.2.7"])
    listened(changes.catch_up)
    assert {row.wanted.number for row in Firewall.objects.all() if row.wanted} == {2}


def test_importing(published: list[str]) -> None:
    listened(lambda: run([DUMP]))
    for firewall in Firewall.objects.all():
        free_firewall(firewall)
    for machine in Machine.objects.all():
        free_machine(machine)
    Network.objects.update(description="x")
    listened(lambda: run([DUMP]))


def test_every_model_has_its_place() -> None:
    ours = {
        model._meta.label_lower
        for app in ("config", "networks", "machines", "firewalls")
        for model in apps.get_app_config(app).get_models()
    }
    assert ours == models_listened_to(), "say in networks/common/locking.py when it is locked"


def test_rows_are_locked_by_that_function_alone() -> None:
    """Anything else would not wait: it skips what is locked."""
    locking = re.compile(
        r"select_for_update\((?!skip_locked=True)|FOR (?:NO KEY |KEY )?(?:UPDATE|SHARE)\b(?! SKIP)"
    )
    allowed = {
        "networks/common/locking.py",
        # Triggers, for the statements of others: their prefix, locked before.
        "networks/guards/addresses.py",
        "networks/guards/carried.py",
        "networks/guards/prefixes.py",
    }
    found = set()
    for app in ("config", "networks", "machines", "firewalls"):
        for path in (ROOT / app).rglob("*.py"):
            name = str(path.relative_to(ROOT))
            if "/migrations/" not in name and locking.search(path.read_text()):
                found.add(name)
    assert found == allowed


def test_what_is_kept_back(scene: Scene) -> None:

    one = Firewall.objects.select_related("machine", "wanted").get(pk=scene.one.pk)
    two = Firewall.objects.select_related("machine", "wanted").get(pk=scene.two.pk)

    def begun(firewall: Firewall) -> str:
        assert firewall.wanted
        return carrying.begin(firewall, carrying.carried([(firewall, firewall.wanted.files)]))

    heard = listened(
        lambda: begun(one),
        lambda: begun(two),
        lambda: leave(one, scene.storage),
        lambda: carrying.confirm(one.pk, {}),
        lambda: replace(one, gone=True, host="192.0.2.9"),
        lambda: free_firewall(two),
        lambda: retiring.gone(Retired.objects.get(), "two"),
    )
    assert heard.taken >= {"networks.prefix", "machines.machine"}


def test_of_holds_windows_and_pushes_that_are_asked_for(scene: Scene) -> None:
    api, one, two = Api(), scene.one, scene.two
    over = timezone.now() - timedelta(hours=1)
    window = {"begins": "01:00", "ends": "02:00"}

    def pushed_now() -> Any:
        push = Push.objects.get(firewall=one, state=Push.State.QUEUED)
        return api.post(f"pushes/{push.pk}/now/", {"reason": "x"})

    def last_window() -> int:
        return int(Window.objects.order_by("-pk").values_list("pk", flat=True)[0])

    def over_at_once() -> Any:
        Hold.objects.update(since=over - timedelta(hours=1), until=over)

    rollouts.start([one, two], cause="both", by="ada", sizes=["rest"])
    heard = listened(
        lambda: api.post("maintenance-windows/", {"partition": "fra", **window}),
        lambda: api.post("maintenance-windows/", {"firewall": str(one.pk), **window}),
        lambda: api.patch(f"maintenance-windows/{last_window()}/", {"zone": "UTC"}),
        lambda: api.post(f"firewalls/{one.pk}/push/", {"start": "now", "reason": "x"}),
        pushed_now,
        lambda: api.post(f"firewalls/{one.pk}/hold/", {"reason": "x"}),
        lambda: api.post(f"firewalls/{two.pk}/hold/", {"reason": "x"}),
        lambda: api.delete(f"firewalls/{one.pk}/hold/"),
        lambda: claiming.claim_pushes(10),
        over_at_once,
        tasks.reconcile,
        lambda: api.delete(f"maintenance-windows/{last_window()}/"),
    )
    assert not Hold.objects.exists() and Window.objects.count() == 1
    assert heard.taken >= {"firewalls.hold", "firewalls.push", "firewalls.rollout"}


def test_of_several_that_join_together_and_of_what_is_acknowledged(scene: Scene) -> None:
    operator, until = visitor("operator"), timezone.now() + timedelta(hours=1)
    chosen = {"firewall": [str(scene.two.pk), str(scene.one.pk)]}
    cause = {"state": "new", "note": "x", "until": until.isoformat()}
    heard = listened(
        lambda: operator.get("/networks/backup/join/several/", chosen),
        lambda: operator.post("/networks/backup/join/several/", chosen),
        lambda: Api().post("acknowledgements/", cause),
        lambda: Api().post("acknowledgements/", cause),
        tasks.reconcile,
    )
    assert heard.taken >= {"machines.machine", "firewalls.firewall", "networks.prefix"}
    assert Attachment.objects.filter(network="backup").count() == 2
