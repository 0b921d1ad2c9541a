"""A hostile firewall spoils its own row, and no other one: not a push beside it, not the worker."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from django.db import DataError
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from firewalls import tasks
from firewalls.device import answers, protocol, surveying, target, transport
from firewalls.models import Drift, Firewall, Observation, Push
from firewalls.pushing import recording
from tests.firewalls import hostile_box as hostile
from tests.firewalls.boxes import Boxes
from tests.firewalls.hostile_box import HostileBox, encoded, hostile_box, lines
from tests.firewalls.pushes import push, state
from tests.pages import says, visitor

pytestmark = pytest.mark.django_db(transaction=True)

VERBS = (b"file", b"applied", b"running", b"check", b"unit", b"now")
NFT = b"/etc/nftables.conf"
ZEROS = encoded(b"a\0\0\0\0b")
BROKEN = encoded(b"\xff\xfe\xed\xa0\x80\xc3(")
END = (b"end",)
BEGIN = (b"begin", b"token", b"1")
MANY = [(b"step", b"s%d" % number, b"ok", b"") for number in range(100_000)]
LOOKS: dict[str, hostile.Answer] = {
    "zeros in a file": lines((b"file", NFT, ZEROS), END),
    "zeros in a name": lines((b"file", b"/etc/a\0b", ZEROS), END),
    "broken UTF-8": lines((b"file", b"/etc/\xff\xed\xa0\x80", BROKEN), END),
    "zeros in what runs": lines(
        (b"applied", b"\0", encoded(b"a")), (b"running", b"\0", ZEROS), END
    ),
    "megabytes in one file": lines((b"file", NFT, encoded(b"drop\n" * 1_000_000)), END),
    "a hundred thousand files": lines(
        *((b"file", b"/etc/%d" % number, b"") for number in range(100_000)), END
    ),
    "a file that is no base64": lines((b"file", NFT, b"\xff"), (b"file",), (b"",), END),
}
REFUSED_LOOKS: dict[str, hostile.Answer] = {
    "nothing": b"",
    "no end": lines((b"file", NFT, b"")),
    "words without an end": hostile.endless,
    "numbers instead": b"9" * 1_000_000,
}
PUSHES: dict[str, hostile.Answer] = {
    "zeros in a step": lines(BEGIN, (b"step", b"a\0b", b"failed", ZEROS), (b"done", b"failed")),
    "broken UTF-8": lines(BEGIN, (b"step", b"\xed\xa0\x80", b"ok", BROKEN), (b"done", b"\xff\0")),
    "zeros in its token": lines((b"begin", b"\0", b"1"), (b"done", b"applied")),
    "a token of a megabyte": lines((b"begin", b"t" * 1_000_000, b"1"), (b"done", b"applied")),
    "a step of megabytes": lines(
        BEGIN, (b"step", b"verify", b"failed", encoded(b"\0" * 4_000_000)), (b"done", b"failed")
    ),
    "a hundred thousand steps": lines(BEGIN, *MANY, (b"done", b"failed")),
    "a verdict of a megabyte": lines(BEGIN, (b"done", b"v" * 1_000_000)),
    "seconds beyond all numbers": lines(
        (b"begin", b"token", b"9" * 5_000), (b"begin", b"token", "²".encode()), (b"done", b"?")
    ),
    "words without an end": hostile.endless,
    "nothing": b"",
}


@pytest.fixture
def attacker() -> Iterator[HostileBox]:
    with hostile_box() as box:
        yield box


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is waited for long."""
    quick = partial(target.Timeouts, connect=2, answer=4, apply=8, after_rollback=0, ask_again=0.1)
    monkeypatch.setattr(transport, "Timeouts", quick)
    monkeypatch.setattr(surveying, "Timeouts", quick)
    monkeypatch.setattr(protocol, "LONGEST_ROLLBACK", 1)


@pytest.fixture
def evil(make: Callable[..., Firewall], attacker: HostileBox, hasty: None) -> Firewall:
    """A firewall that had been pushed to before it turned hostile."""
    return had_applied(make("evil", **attacker.fields()))


def had_applied(firewall: Firewall) -> Firewall:
    current = Firewall.objects.get(pk=firewall.pk)
    Observation.objects.filter(pk=firewall.pk).update(
        applied=current.wanted, checked_at=None, check_due_at=timezone.now()
    )
    return current


@pytest.fixture
def good(make: Callable[..., Firewall], box: Boxes) -> Firewall:
    """A slow one beside it."""
    good = make("good")
    box.slow("good", 0.3)
    return good


def both(evil: Firewall, good: Firewall) -> tuple[Push, Push]:
    """Push to both in one flight of one worker."""
    pushes = [Push.objects.enqueue(one, by="ada") for one in (evil, good)]
    tasks.work()
    for row in pushes:
        row.refresh_from_db()
    return pushes[0], pushes[1]


class TestALook:
    @pytest.mark.parametrize("attack", LOOKS)
    def test_at_lies_is_drift_there_and_the_push_beside_it_is_confirmed(
        self, evil: Firewall, good: Firewall, attacker: HostileBox, attack: str
    ) -> None:
        attacker.answers["show"] = LOOKS[attack]
        queued = Push.objects.enqueue(good, by="ada")
        tasks.work()
        queued.refresh_from_db()
        assert (queued.state, queued.attempts) == ("confirmed", 1)
        assert state(evil) == "drifted" and len(str(Drift.objects.get().found)) < 300_000
        for page in ("", "drift/", "diff/?from=box"):
            assert visitor().get(f"/firewalls/{evil.pk}/{page}").status_code == 200

    @pytest.mark.parametrize("attack", REFUSED_LOOKS)
    def test_that_gives_no_answer_is_refused_and_never_called_in_sync(
        self, evil: Firewall, good: Firewall, attacker: HostileBox, attack: str
    ) -> None:
        attacker.answers["show"] = REFUSED_LOOKS[attack]
        queued = Push.objects.enqueue(good, by="ada")
        tasks.work()
        queued.refresh_from_db()
        seen = Observation.objects.get(pk=evil.pk)
        assert queued.state == "confirmed" and state(evil) in ("refused", "unreachable")
        assert seen.checked_at is None and (seen.refusal or seen.unreachable_since)

    def test_at_a_silent_socket_is_silence(
        self, evil: Firewall, good: Firewall, attacker: HostileBox
    ) -> None:
        attacker.answers["show"] = hostile.silence
        with hostile.silent_socket() as port:
            assert both(evil, good)[1].state == "confirmed"
            Firewall.objects.filter(pk=evil.pk).update(port=port)
            Observation.objects.filter(pk=evil.pk).update(check_due_at=timezone.now())
            tasks.work()
        assert state(evil) == "unreachable"

    def test_at_a_key_too_long_to_be_pinned_is_refused(
        self, make: Callable[..., Firewall], hasty: None
    ) -> None:
        with hostile_box("ssh-rsa", key_size=6144) as box, hostile_box() as other:
            evil = had_applied(make("evil", **{**box.fields(), "host_key": other.host_key}))
            tasks.work()
        seen = Observation.objects.get(pk=evil.pk)
        assert state(evil) == "refused" and "characters" in seen.refusal and not seen.offered_key


class TestAPush:
    @pytest.mark.parametrize("attack", PUSHES)
    def test_to_it_fails_alone(
        self, evil: Firewall, good: Firewall, attacker: HostileBox, attack: str
    ) -> None:
        attacker.answers |= {"apply": PUSHES[attack], "confirm": lines((b"\0\xff" * 9,))}
        theirs, ours = both(evil, good)
        assert (ours.state, ours.attempts, ours.error) == ("confirmed", 1, "")
        assert theirs.state in Push.BROKEN and theirs.error and len(theirs.error) < 3_000
        assert len(str(theirs.steps)) < 100_000 and "\0" not in str(theirs.steps)
        assert says(visitor().get(f"/pushes/{theirs.pk}/"), theirs.error[:60].strip())

    def test_of_which_nobody_saw_the_end_is_not_said_to_have_changed_nothing(
        self, evil: Firewall, good: Firewall, attacker: HostileBox
    ) -> None:
        attacker.answers |= {
            "apply": lines(BEGIN, (b"done", b"applied")),
            "confirm": lines((b"perhaps",)),
        }
        theirs, _ = both(evil, good)
        page = visitor().get(f"/pushes/{theirs.pk}/")
        assert theirs.state == "unseen" and says(page, "Nobody saw how it ended")
        assert not says(page, "Nothing was changed") and not says(page, "runs what it ran before.")


class TestWhatCannotBeWrittenDown:
    @pytest.fixture
    def unwritable(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[Any, str], None]:
        def patch(room: Any, name: str) -> None:
            written = getattr(room, name)

            def refuse(*arguments: Any, **options: Any) -> Any:
                if "evil" in str(arguments):
                    raise DataError("unsupported Unicode escape sequence")
                return written(*arguments, **options)

            monkeypatch.setattr(room, name, refuse)

        return patch

    def test_of_a_look_fails_that_look_with_a_sentence(
        self,
        evil: Firewall,
        good: Firewall,
        attacker: HostileBox,
        unwritable: Callable[[Any, str], None],
    ) -> None:
        attacker.answers["show"] = LOOKS["zeros in a file"]
        unwritable(recording, "record_drift")
        queued = Push.objects.enqueue(good, by="ada")
        tasks.work()
        queued.refresh_from_db()
        assert (queued.state, queued.attempts, state(evil)) == ("confirmed", 1, "refused")
        assert (
            "could not be written down (DataError)" in Observation.objects.get(pk=evil.pk).refusal
        )

    def test_of_a_push_fails_that_push_with_a_sentence(
        self,
        evil: Firewall,
        good: Firewall,
        attacker: HostileBox,
        unwritable: Callable[[Any, str], None],
    ) -> None:
        attacker.answers["apply"] = PUSHES["zeros in a step"]
        unwritable(recording, "record_answer")
        unwritable(recording, "_write_progress")
        theirs, ours = both(evil, good)
        assert (ours.state, ours.attempts) == ("confirmed", 1)
        assert (theirs.state, theirs.attempts) == ("unseen", 1)
        assert "could not be written down (DataError)" in theirs.error


ODD = st.lists(st.sampled_from([bytes([byte]) for byte in b"\t\n\0\xff\xed\xa0"]))


@given(st.binary(max_size=200), ODD)
def test_whatever_bytes_come_are_read_as_text_that_can_be_stored(
    words: bytes, odd: list[bytes]
) -> None:
    noise = b"".join(odd) + words
    answer = b"\n".join(
        [b"\t".join([verb, noise, encoded(noise), b"x"]) for verb in VERBS] + [noise, b"end", b""]
    )
    for read in (answers.inspection, answers.needs, answers.surveyed):
        said = str(read(answer))
        assert "\\x00" not in said and "\\ud8" not in said and said.encode()


def test_a_good_one_is_pushed_to_again_after_all_that(good: Firewall) -> None:
    assert push(good).state == "confirmed"
