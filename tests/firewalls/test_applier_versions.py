"""Product and applier understand each other one release back and forth, and say which is there."""

import asyncio
import hashlib
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from firewalls.device import applier_file, practice, transport, versions
from firewalls.device.applier.speaking import PROTOCOL
from firewalls.device.target import Target
from firewalls.device.versions import Version, version
from firewalls.models import Applier, Firewall
from firewalls.pushing import appliers, engine
from firewalls.pushing.jobs import InspectionJob
from tests.api import Api
from tests.conftest import needs
from tests.firewalls.boxes import GOOD, contents, last, pushed, sshd
from tests.firewalls.running import PATIENT
from tests.pages import visitor
from tests.world import world

OLD_SAY = "say(*identity(_version(digest)))"
OLD_SHOW = 'say("applier", *identity(digest))'


def without_numbers(texts: dict[str, str]) -> None:
    """As appliers were before they named a protocol."""
    for name, new, old in (
        ("main.py", OLD_SAY, "say(_version(digest))"),
        ("showing.py", OLD_SHOW, "pass"),
    ):
        assert new in texts[name]
        texts[name] = texts[name].replace(new, old)


def speaking(number: int) -> Callable[[dict[str, str]], None]:
    def change(texts: dict[str, str]) -> None:
        line = f"PROTOCOL = {PROTOCOL}\n"
        assert line in texts["speaking.py"]
        texts["speaking.py"] = texts["speaking.py"].replace(line, f"PROTOCOL = {number}\n")

    return change


@contextmanager
def another_applier(
    folder: Path, change: Callable[[dict[str, str]], None]
) -> Iterator[tuple[Target, Path, Path, str]]:
    """A firewall with it, behind OpenSSH's server: target, key, root, and its digest."""
    needs("sshd")
    texts = applier_file.modules()
    change(texts)
    file = applier_file.packed(texts)
    root = practice.ensure_root(folder, "real")
    program = applier_file.unpacked(folder / "program", sys.executable, file)
    settings = f"APPLIER_ROOT={root} APPLIER_PRACTICE=1 APPLIER_TIMEOUT={PATIENT}"
    with sshd(folder / "ssh", f"{settings} {shlex.join(program)}") as (target, key):
        yield target, key, root, hashlib.sha256(file).hexdigest()


@pytest.mark.parametrize(
    ("change", "protocol"),
    [(without_numbers, 1), (speaking(PROTOCOL - 1), PROTOCOL - 1), (speaking(PROTOCOL + 1), 3)],
)
def test_a_push_to_an_applier_of_the_release_before_or_after_works(
    tmp_path: Path, change: Callable[[dict[str, str]], None], protocol: int
) -> None:
    with another_applier(tmp_path, change) as (target, key, root, digest):
        met: list[Version] = []
        order = transport.Order(on_version=met.append)
        outcome, steps = pushed(target, GOOD, key, order=order)
        assert outcome.state == "confirmed" and contents(root) == GOOD
        assert met == [Version(digest, protocol)] and digest != applier_file.digest()
        assert last(steps)["version"].state == "ok"
        assert asyncio.run(transport.inspect(target, key_path=key)).version == met[0]


def test_an_applier_that_is_not_understood_is_refused_with_what_to_do_and_nothing_changed(
    tmp_path: Path,
) -> None:
    with another_applier(tmp_path, speaking(PROTOCOL + 2)) as (target, key, root, digest):
        met: list[Version] = []
        outcome, _ = pushed(target, GOOD, key, order=transport.Order(on_version=met.append))
        assert "refused at version; nothing was changed: " in outcome.error
        assert contents(root) == {} and met == [Version(digest, PROTOCOL + 2)]


def test_our_own_is_met_without_asking_twice(tmp_path: Path) -> None:
    with another_applier(tmp_path, lambda texts: None) as (target, key, _, digest):
        met: list[Version] = []
        pushed(target, GOOD, key, order=transport.Order(on_version=met.append))
        assert met == [versions.ours()] and met[0].digest == digest
        assert asyncio.run(transport.inspect(target, key_path=key)).version == met[0]


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"0123\t2",
        b"x" * 64,
        b"A" * 64,
        b"a" * 64 + b"\t\xff",
        b"a" * 64 + b"\t99999",
        b"\0" * 70,
    ],
)
def test_what_is_no_version_is_none(answer: bytes) -> None:
    assert version(answer) is None


@pytest.fixture
def firewall(db: None) -> Firewall:
    fra = world()
    return fra.firewall("fw", fra.shop, fra.private("shop", fra.shop))


def known(firewall: Firewall, digest: str, protocol: int) -> None:
    appliers.record_version(firewall, Version(digest, protocol))


def test_the_state_of_an_applier_and_the_condition_for_it_agree(firewall: Firewall) -> None:
    seen = []
    for digest, protocol in (
        (None, 0),
        (applier_file.digest(), PROTOCOL),
        ("a" * 64, PROTOCOL - 1),
        ("a" * 64, PROTOCOL + 1),
        ("a" * 64, PROTOCOL + 2),
        ("a" * 64, 0),
    ):
        if digest:
            known(firewall, digest, protocol)
        row = Firewall.objects.with_relations().get()
        of_row = [s for s in appliers.State if Firewall.objects.filter(appliers.condition(s))]
        assert of_row == [appliers.state_of(row)]
        seen += of_row
    assert [str(state) for state in seen] == [
        "unknown",
        "current",
        "understood",
        "understood",
        "foreign",
        "foreign",
    ]
    assert not Firewall.objects.filter(appliers.condition("nonsense")).exists()


def test_what_an_inspection_and_a_push_have_met_is_written_down(firewall: Firewall) -> None:
    met = Version("b" * 64, 1)
    engine._settle(InspectionJob(firewall), transport.Inspection({}, {}, met))
    row = Applier.objects.get()
    assert (row.firewall, row.digest, row.protocol) == (firewall, "b" * 64, 1)
    engine._settle(InspectionJob(firewall), transport.Inspection({}))  # says nothing of itself
    assert Applier.objects.get().digest == "b" * 64


def test_pages_and_rest_show_and_filter_by_the_applier(firewall: Firewall) -> None:
    known(firewall, "a" * 64, 99)
    web = visitor()
    page = web.get(f"/firewalls/{firewall.pk}/").content.decode()
    assert "another one, which is not understood" in page and "aaaaaaaa" in page
    assert "manage.py applier" in page
    assert "it is not understood" in web.get("/").content.decode()
    listed = [web.get(f"/firewalls/?applier={s}").content.decode() for s in ("foreign", "current")]
    assert [f"/firewalls/{firewall.pk}/" in text for text in listed] == [True, False]
    api = Api("viewer")
    (row,) = api.get("firewalls/?applier=foreign").json()["results"]
    assert row["applier"]["state"] == "foreign" and row["applier"]["digest"] == "a" * 64
    assert api.get("firewalls/?applier=current").json()["count"] == 0
    assert api.get("firewalls/?applier=nonsense").status_code == 400
    Applier.objects.all().delete()
    unknown = {"state": "unknown", "digest": None, "protocol": None, "seen_at": None}
    assert api.get(f"firewalls/{firewall.pk}/").json()["applier"] == unknown
