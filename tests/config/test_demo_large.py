"""The large demo, made smaller: it keeps every rule and is the same every time, all or nothing."""

from collections import Counter
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction

from config.checking import check
from config.demo.large import building, configurations
from config.demo.large.sizes import WHOLE, sized
from firewalls.intent import revisions
from firewalls.models import Attachment, Firewall, Push, Revision
from machines.models import Machine
from networks.common.audit import Actor, acting
from networks.models import Activity, Address, Network, Partition, Prefix, Project
from networks.usage import usage

FACTOR = 0.03
MODELS: list[Any] = [
    Partition,
    Project,
    Network,
    Prefix,
    Machine,
    Firewall,
    Attachment,
    Address,
    Revision,
    Push,
]

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def practice_folder(settings: Any, tmp_path: Path, published: list[str]) -> Path:
    settings.PRACTICE = tmp_path / "practice"
    return tmp_path / "practice"


def demo(**options: Any) -> str:
    out = StringIO()
    call_command("demo", size="large", factor=FACTOR, stdout=out, **options)
    return out.getvalue()


def rows_without_times() -> dict[str, set[str]]:
    """What is stored, by kind, in short."""
    return {
        "networks": {
            f"{row} {row.prefixes_text} {row.vrf} {row.project_id} {row.shared}"
            for row in Network.objects.all()
        },
        "machines": {f"{row.pk} {row} {row.primary_id} {row.asn}" for row in Machine.objects.all()},
        "addresses": {
            f"{row} {row.machine_id} {row.kind} {row.project_id}" for row in Address.objects.all()
        },
        "revisions": {
            f"{row.firewall_id} {row.number} {row.digest}" for row in Revision.objects.all()
        },
    }


def test_it_keeps_every_rule_and_is_of_the_size_in_the_options() -> None:
    message = (
        "The large demo was built: 300 machines, 60 firewalls, 89 networks, 3,000 addresses.\n"
    )
    assert message in demo()
    assert [str(finding) for finding in check()] == []
    wanted = sized(FACTOR)
    assert Partition.objects.count() == 4
    assert Project.objects.count() == wanted.projects
    assert Network.objects.shared().count() == wanted.shared
    assert Machine.objects.plain().count() == wanted.machines


def test_the_whole_large_demo_is_of_the_size_of_a_large_installation() -> None:
    assert WHOLE.projects == 400
    assert WHOLE.shared == 300
    assert WHOLE.firewalls == 2000
    assert WHOLE.machines == 10_000
    assert WHOLE.addresses == 100_000


def test_it_has_a_case_of_everything() -> None:
    demo()
    shared = list(Network.objects.shared())
    usages = [families["4"] for families in usage(shared).values() if "4" in families]
    assert max(addresses["used"] / addresses["available"] for addresses in usages) > 0.8
    owners_and_consumers = Firewall.objects.filter(
        machine__primary__shared=True, attachments__network__shared=True
    )
    assert owners_and_consumers.exists()
    unguarded = [network for network in shared if not network.residents.exclude(firewall=None)]
    assert Machine.objects.producers().filter(primary__in=unguarded).exists()
    assert Address.objects.filter(machine__isnull=False, kind="static").exists()
    assert Attachment.objects.filter(
        network__kind="external", network__project__isnull=False
    ).exists()
    families = Counter(prefix.cidr.version for prefix in Prefix.objects.filter(child=True))
    assert families[4] > families[6] > 0


def test_what_is_wanted_is_what_reconciling_would_want_and_states_are_as_the_folders_say(
    practice_folder: Path,
) -> None:
    demo()
    before = dict(Firewall.objects.by_state())
    assert before == Counter(map(configurations.state_of, range(60)))
    assert before["in_sync"] > before["pending"] >= 1
    everyone = Firewall.objects.values_list("pk", flat=True)
    assert revisions.refresh(everyone, cause="looked again") == []
    applied = Firewall.objects.filter(observation__drifted_at=None).exclude(
        observation__applied=None
    )
    for firewall in applied.select_related("observation__applied", "machine"):
        assert firewall.observation.applied is not None
        for path, text in firewall.observation.applied.files.items():
            assert (practice_folder / firewall.name / path.lstrip("/")).read_text() == text


def test_the_audit_trail_records_it_as_the_commands_doing() -> None:
    with acting(lambda: Actor("demo", "command", "run-1")):
        demo()
    assert set(Activity.objects.values_list("who", "via", "request", "operation")) == {
        ("demo", "command", "run-1", "the large demo was built")
    }
    assert Activity.objects.filter(kind="address").count() == Address.objects.count()


def test_it_is_the_same_every_time() -> None:
    with transaction.atomic():
        demo()
        first = rows_without_times()
        transaction.set_rollback(True)
    demo()
    assert rows_without_times() == first


def test_a_second_run_says_that_it_is_there_and_makes_the_folders_that_are_missing(
    practice_folder: Path,
) -> None:
    demo()
    before = {model: model.objects.count() for model in MODELS}
    assert demo() == "The large demo is there already.\n"
    interrupted = Firewall.objects.exclude(observation__applied=None)[0]
    folder = practice_folder / interrupted.name
    folder.rename(practice_folder / f".half-{interrupted.name}")  # as an interruption leaves it
    assert demo() == "The large demo is there already; 1 practice folders were missing, and made.\n"
    assert (folder / "etc/nftables.conf").exists()
    assert {model: model.objects.count() for model in MODELS} == before


def test_an_interrupted_run_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*args: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(building, "configure", interrupted)
        with pytest.raises(KeyboardInterrupt), transaction.atomic():
            demo()
    assert all(not model.objects.exists() for model in MODELS)
    assert "was built" in demo()


def test_a_database_in_use_is_left_as_it_is() -> None:
    Partition.objects.create(id="own", name="Own")
    assert demo() == "The database is not empty, so no demo was added to it.\n"
    assert Partition.objects.count() == 1
