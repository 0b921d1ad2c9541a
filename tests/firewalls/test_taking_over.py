"""The applier at a box that somebody else has set up: what it refuses, keeps and gives back."""

import base64
from pathlib import Path

import pytest

from firewalls.configuration.plan import plan
from firewalls.configuration.render import render
from firewalls.device.applier import others
from firewalls.device.protocol import packed
from tests.firewalls.delivered import units
from tests.firewalls.running import PATIENT, applied, applier, killed_at, steps, verdict
from tests.firewalls.situations import ALONE, CONSUMER

OURS = render(plan(CONSUMER))
LATER = render(plan(ALONE))
OWN = {3981: ["10.128.64.2/32"], 104009: ["203.0.113.3/32"]}
FOREIGN = units("10.4.1.3", ["lan0", "lan1"], OWN)
LOOPBACK = "/etc/systemd/network/00-lo.network"
MANAGEMENT = {"/etc/systemd/network/05-management.network": "[Match]\nName=mgmt0\n"}
HAD = {
    "/etc/frr/frr.conf": "frr version 8.4.4\nhostname theirs\n",
    "/etc/nftables.conf": "table inet theirs {\n}\n",
    "/etc/hostname": "theirs\n",
}
STATE = "var/lib/shared-networks"


@pytest.fixture
def delivered(root: Path) -> Path:
    """A box with somebody else's units, routing and rules."""
    put(root, FOREIGN | MANAGEMENT | HAD)
    return root


def put(root: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        place = root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)


def everything(root: Path) -> dict[str, str]:
    """The files and links in /etc of a box."""
    found = {}
    for path in sorted((root / "etc").rglob("*")):
        if path.is_symlink():
            found[f"/{path.relative_to(root)}"] = f"-> {path.readlink()}"
        elif path.is_file():
            found[f"/{path.relative_to(root)}"] = path.read_text()
    return found


def adopting(files: dict[str, str] = FOREIGN) -> list[str]:
    return [others.digest(path.lstrip("/"), text) for path, text in files.items()]


def taken_over(root: Path) -> None:
    """Push with all adopted, and confirm."""
    output = applier_words(root, OURS, adopting())
    state, token = verdict(output)
    assert state == "applied", steps(output)
    assert applier(root, "confirm", token) == (0, "confirmed\n")


def digest(root: Path) -> str:
    return applier(root, "version")[1].split()[0]


def applier_words(root: Path, files: dict[str, str], adopted: list[str]) -> str:
    words = ["apply", digest(root), *adopted]
    return applier(root, *words, given=packed(files), APPLIER_TIMEOUT=PATIENT)[1]


def test_a_push_onto_units_of_somebody_else_is_refused_and_changes_nothing(
    delivered: Path,
) -> None:
    before = everything(delivered)
    output = applier_words(delivered, OURS, [])
    state, sentence = steps(output)["check-units"]
    assert (state, verdict(output)[0]) == ("failed", "failed") and "save" not in steps(output)
    assert "/etc/systemd/network/00-lo.network names lo" in sentence
    assert "take it over" in sentence
    assert everything(delivered) == before


def test_adopted_as_they_are_they_make_way_and_the_rest_stays(delivered: Path) -> None:
    taken_over(delivered)
    now = everything(delivered)
    assert not now.keys() & FOREIGN.keys()
    assert now == OURS | MANAGEMENT


def test_one_unit_that_was_not_adopted_is_enough_to_refuse(delivered: Path) -> None:
    output = applier_words(delivered, OURS, adopting()[1:])
    assert steps(output)["check-units"][0] == "failed"


def test_a_unit_that_changed_since_it_was_adopted_is_not(delivered: Path) -> None:
    put(delivered, {LOOPBACK: "[Match]\nName=lo\n# since\n"})
    output = applier_words(delivered, OURS, adopting())
    assert steps(output)["check-units"][0] == "failed"
    assert (
        "and nobody has taken them over: /etc/systemd/network/00-lo.network names lo."
        in (steps(output)["check-units"][1])
    )


def test_once_taken_over_a_push_needs_no_adoption(delivered: Path) -> None:
    taken_over(delivered)
    assert verdict(applier_words(delivered, OURS, []))[0] == "unchanged"
    assert verdict(applier_words(delivered, LATER, []))[0] == "applied"


def test_units_that_come_back_are_refused_again(delivered: Path) -> None:
    taken_over(delivered)
    put(
        delivered,
        {LOOPBACK: FOREIGN[LOOPBACK]},
    )
    output = applier_words(delivered, OURS, [])
    assert steps(output)["check-units"][0] == "failed"


def test_a_first_push_that_nobody_confirms_gives_the_units_back(delivered: Path) -> None:
    before = everything(delivered)
    words = ["apply", digest(delivered), *adopting()]
    output = applier(delivered, *words, given=packed(OURS), APPLIER_TIMEOUT="1")[1]
    assert verdict(output)[0] == "applied"
    assert _becomes(delivered, before)
    taken_over(delivered)


def test_a_unit_of_a_generator_is_hidden_and_shown_again(delivered: Path) -> None:
    """Such as netplan, which writes it anew at every boot."""
    name, text = "10-netplan-lan0.network", "[Match]\nName=lan0\n"
    put(delivered, {f"/run/systemd/network/{name}": text})
    adopted = [*adopting(), others.digest(f"run/systemd/network/{name}", text)]
    before = everything(delivered)
    output = applier_words(delivered, OURS, adopted)
    assert verdict(output)[0] == "applied"
    assert everything(delivered)[f"/etc/systemd/network/{name}"] == "-> /dev/null"
    assert verdict(applier_words(delivered, OURS, []))[0] == "applied"  # and is still hidden
    applier(delivered, "confirm", verdict(output)[1])
    _, token = verdict(applier_words(delivered, LATER, []))
    applier(delivered, "confirm", token)
    assert given_back(delivered) == "confirmed\n"
    assert everything(delivered) == before


def given_back(root: Path) -> str:
    output = applier(root, "give-back", digest(root), APPLIER_TIMEOUT=PATIENT)[1]
    state, token = verdict(output)
    assert state == "applied", steps(output)
    return applier(root, "confirm", token)[1]


class TestGivingBack:
    def test_everything_in_etc_is_as_it_was(self, delivered: Path) -> None:
        before = everything(delivered)
        taken_over(delivered)
        _, token = verdict(applier_words(delivered, LATER, []))
        applier(delivered, "confirm", token)
        assert given_back(delivered) == "confirmed\n"
        assert everything(delivered) == before

    def test_unless_it_is_confirmed_ours_stays(self, delivered: Path) -> None:
        taken_over(delivered)
        ours = everything(delivered)
        output = applier(delivered, "give-back", digest(delivered), APPLIER_TIMEOUT="1")[1]
        assert verdict(output)[0] == "applied"
        assert _becomes(delivered, ours)
        assert given_back(delivered) == "confirmed\n"

    def test_may_be_taken_over_again_and_keeps_what_it_has_then(self, delivered: Path) -> None:
        taken_over(delivered)
        given_back(delivered)
        put(delivered, {"/etc/hostname": "another\n"})
        before = everything(delivered)
        assert steps(applier_words(delivered, OURS, []))["check-units"][0] == "failed"
        taken_over(delivered)
        given_back(delivered)
        assert everything(delivered) == before

    def test_where_nothing_is_kept_it_is_refused(self, root: Path) -> None:
        output = applier(root, "give-back", digest(root))[1]
        assert verdict(output)[0] == "failed"
        assert "Nothing is kept here" in steps(output)["unpack"][1]

    def test_a_push_that_replaces_one_that_gives_back_is_a_push(self, delivered: Path) -> None:
        taken_over(delivered)
        applier(delivered, "give-back", digest(delivered), APPLIER_TIMEOUT=PATIENT)
        _, token = verdict(applier_words(delivered, OURS, adopting()))
        assert applier(delivered, "confirm", token) == (0, "confirmed\n")
        assert (delivered / STATE / "before/confirmed").exists()
        assert everything(delivered) == OURS | MANAGEMENT


class TestWhatIsKept:
    def test_is_there_after_many_confirmed_pushes(self, delivered: Path) -> None:
        taken_over(delivered)
        for files in (LATER, OURS, LATER):
            _, token = verdict(applier_words(delivered, files, []))
            applier(delivered, "confirm", token)
        kept = delivered / STATE / "before"
        for path, text in (FOREIGN | MANAGEMENT | HAD).items():
            assert (kept / path.lstrip("/")).read_text() == text

    def test_is_for_root_alone(self, delivered: Path) -> None:
        taken_over(delivered)
        for path in [*(delivered / STATE).rglob("before/**/*"), *(delivered / STATE).glob("*")]:
            assert path.stat().st_mode & 0o077 == 0, path

    def test_of_a_box_that_was_managed_before_is_nothing(self, root: Path) -> None:
        put(root, {"/etc/sysctl.d/90-shared-networks.conf": "net.ipv4.ip_forward = 1\n"})
        applied(root)
        assert not (root / STATE / "before").exists()


def test_killed_while_it_writes_the_units_are_given_back(delivered: Path) -> None:
    taken_over(delivered)
    ours = everything(delivered)
    killed_at("verify", delivered, {})  # with a configuration that has no units at all
    assert _becomes(delivered, ours)


def test_the_survey_tells_units_files_and_what_they_say(delivered: Path) -> None:
    status, output = applier(delivered, "survey")
    lines = [line.split("\t") for line in output.splitlines()]
    told = {
        (kind, name): base64.b64decode(text).decode()
        for kind, name, text, whole in (line for line in lines if len(line) == 4)
        if whole == "whole"
    }
    assert status == 0 and lines[-1] == ["end"]
    for path, text in (FOREIGN | MANAGEMENT).items():
        assert told["unit", path] == text
    for path, text in HAD.items():
        assert told["file", path] == text


def test_the_survey_is_bounded(delivered: Path) -> None:
    put(delivered, {"/etc/systemd/network/05-long.network": "#" * 1_000_000})
    for number in range(30):
        put(delivered, {f"/etc/systemd/network/06-{number}.network": "#" * 300_000})
    output = applier(delivered, "survey")[1]
    assert len(output) < 6_000_000 and output.endswith("end\n")
    (long,) = [line for line in output.splitlines() if "05-long" in line]
    assert long.endswith("\tcut") and len(long) < 300_000


def _becomes(root: Path, wanted: dict[str, str]) -> bool:
    from tests.firewalls.boxes import wait_until

    wait_until(lambda: everything(root) == wanted and not (root / STATE / "pending").exists())
    return True
