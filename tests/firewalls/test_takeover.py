"""The first push onto a firewall that somebody else set up: shown, decided, kept, given back."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from firewalls import tasks
from firewalls.device.transport import Outcome
from firewalls.intent import revisions
from firewalls.models import Firewall, Observation, Push, Revision, Survey, Takeover
from firewalls.pushing import beside, takeover
from firewalls.pushing.claiming import AT_IT, claim_inspections, claim_push
from firewalls.pushing.settling import settle
from networks.models import Activity, Partition
from tests.firewalls.boxes import Boxes
from tests.firewalls.delivered import units
from tests.firewalls.pushes import push, state
from tests.pages import says, visitor

pytestmark = pytest.mark.django_db(transaction=True)
HAD = {"/etc/frr/frr.conf": "frr version 8.4.4\nhostname theirs\n"}
MANAGEMENT = "/etc/systemd/network/05-management.network"


@pytest.fixture
def theirs(firewall: Firewall) -> dict[str, str]:
    """What another installer has put there."""
    own = {firewall.primary.vrf or 0: ["10.128.64.2/32"]}
    foreign = units("10.4.0.2", ["lan0", "lan1"], own)
    return foreign | HAD | {MANAGEMENT: "[Match]\nName=mgmt0\n"}


@pytest.fixture
def delivered(firewall: Firewall, theirs: dict[str, str], box: Boxes) -> Firewall:
    for path, text in theirs.items():
        place = box.file(path, firewall.name)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    return firewall


def fresh(firewall: Firewall) -> Firewall:
    return Firewall.objects.get(pk=firewall.pk)


def url(firewall: Firewall, action: str = "") -> str:
    return f"/firewalls/{firewall.pk}/takeover/{action}"


def looked_at(firewall: Firewall) -> Firewall:
    tasks.check(str(firewall.pk))
    return fresh(firewall)


def taken_over(firewall: Firewall) -> Push:
    """Look, take over as a person does who has seen it, and let the workers push."""
    found = takeover.prospect(looked_at(firewall))
    assert found
    queued = takeover.take_over(firewall, "ada", found.seen)
    tasks.work()
    queued.refresh_from_db()
    return queued


def there(box: Boxes, firewall: Firewall) -> dict[str, str]:
    root = box.folder / firewall.name
    paths = (path for path in (root / "etc").rglob("*") if path.is_file())
    return {f"/{path.relative_to(root)}": path.read_text() for path in paths}


class TestTheFirstPush:
    def test_is_refused_with_a_sentence_and_changes_nothing(
        self, delivered: Firewall, theirs: dict[str, str], box: Boxes
    ) -> None:
        refused = push(delivered)
        assert refused.state == "refused" and "nothing was changed" in refused.error
        assert "names lo" in refused.error and refused.error.endswith("and take it over.")
        assert there(box, delivered) == theirs

    def test_is_not_repeated_by_itself(self, delivered: Firewall) -> None:
        Partition.objects.update(auto_push=True)
        for _ in range(3):
            tasks.reconcile()
            tasks.work()
        assert [row.state for row in Push.objects.all()] == ["refused"]

    def test_keeps_what_was_there_as_revision_0_before_anything_is_sent(
        self, delivered: Firewall, theirs: dict[str, str]
    ) -> None:
        push(delivered)
        kept = Revision.objects.get(firewall=delivered, number=0)
        assert kept.cause == "what the firewall had"
        assert theirs.items() <= kept.files.items()

    def test_goes_once_a_person_has_taken_it_over(
        self, delivered: Firewall, theirs: dict[str, str], box: Boxes
    ) -> None:
        pushed = taken_over(delivered)
        wanted = fresh(delivered).wanted
        assert pushed.state == "confirmed", pushed.error
        assert wanted and state(delivered) == "in_sync"
        assert there(box, delivered) == wanted.files | {MANAGEMENT: theirs[MANAGEMENT]}
        decision = Takeover.objects.get()
        assert decision.taken_by == "ada" and decision.taken_at
        assert Activity.objects.filter(kind="takeover").exists()

    def test_of_a_box_without_such_units_needs_nobody_and_keeps_what_was_there(
        self, firewall: Firewall, box: Boxes
    ) -> None:
        box.file("/etc/frr/frr.conf", firewall.name).write_text("hostname theirs\n")
        assert push(firewall).state == "confirmed"
        kept = Revision.objects.get(firewall=firewall, number=0)
        assert kept.files["/etc/frr/frr.conf"] == "hostname theirs\n"

    def test_of_units_that_changed_since_they_were_seen_is_refused(
        self, delivered: Firewall, box: Boxes
    ) -> None:
        found = takeover.prospect(looked_at(delivered))
        assert found
        box.file("/etc/systemd/network/00-lo.network", delivered.name).write_text(
            "[Match]\nName=lo\n[Network]\nDHCP=yes\n"
        )
        takeover.take_over(delivered, "ada", found.seen)
        tasks.work()
        assert "nobody has taken them over" in Push.objects.get().error
        assert taken_over(delivered).state == "confirmed"


class TestThePage:
    def test_shows_what_makes_way_what_stays_and_what_is_replaced(
        self, delivered: Firewall
    ) -> None:
        looked_at(delivered)
        shown = visitor("operator").get(url(delivered)).content.decode()
        makes_way, _, stays = shown.partition("What stays beside it")
        assert "/etc/systemd/network/00-lo.network" in makes_way and "names lo" in makes_way
        assert MANAGEMENT in stays.partition("What is replaced")[0]
        assert "-hostname theirs" in stays and "Take it over" in shown

    def test_says_that_nobody_has_looked_yet(self, delivered: Firewall) -> None:
        assert says(visitor().get(url(delivered)), "It was not looked at yet")

    def test_takes_it_over_as_it_was_shown(self, delivered: Firewall) -> None:
        found = takeover.prospect(looked_at(delivered))
        assert found
        operator = visitor("operator")
        operator.post(url(delivered, "take/"), {"seen": "something else"})
        assert not Takeover.objects.exists() and not Push.objects.exists()
        operator.post(url(delivered, "take/"), {"seen": found.seen})
        assert Takeover.objects.get().taken_by and Push.objects.get().state == "queued"

    def test_only_an_operator_decides_and_only_by_post(self, delivered: Firewall) -> None:
        taken_over(delivered)
        viewer = visitor("viewer")
        for action in ("take/", "give-back/"):
            assert viewer.post(url(delivered, action)).status_code == 403
            assert visitor("operator").get(url(delivered, action)).status_code == 405
            strict = Client(enforce_csrf_checks=True)
            strict.cookies = visitor("operator").cookies
            assert strict.post(url(delivered, action)).status_code == 403

    def test_of_the_firewall_says_why_nothing_is_pushed(self, delivered: Firewall) -> None:
        looked_at(delivered)
        shown = visitor().get(f"/firewalls/{delivered.pk}/")
        assert says(shown, "Somebody else has set up devices")


class TestWhatStaysBeside:
    WANTED = {
        "/etc/sysctl.d/90-shared-networks.conf": "net.ipv4.tcp_l3mdev_accept = 0\n",
        "/etc/nftables.conf": "add table inet metal\ntable inet metal {\n}\n",
    }

    def test_of_settings_says_which_win_over_ours(self) -> None:
        files = {
            "/etc/sysctl.d/10-early.conf": "net.ipv4.tcp_l3mdev_accept=1\n",
            "/etc/sysctl.d/99-frr_defaults.conf": "net/ipv4/tcp_l3mdev_accept=1\nvm.swappiness=1\n",
            "/etc/sysctl.d/99-same.conf": "net.ipv4.tcp_l3mdev_accept=0\n",
        }
        assert beside.settings(files, self.WANTED) == {
            "/etc/sysctl.d/10-early.conf": "",
            "/etc/sysctl.d/99-frr_defaults.conf": "wins over ours at the next start:"
            " net.ipv4.tcp_l3mdev_accept = 1",
            "/etc/sysctl.d/99-same.conf": "",
        }

    def test_of_rules_names_the_tables_that_are_not_ours(self) -> None:
        ruleset = "table inet metal {\n}\ntable ip filter {\n\tchain x {\n\t}\n}\n"
        assert list(beside.tables(ruleset, self.WANTED)) == ["table ip filter"]


def test_units_that_come_later_are_shown_and_taken_over_as_well(
    delivered: Firewall, box: Boxes
) -> None:
    taken_over(delivered)
    later = "/etc/systemd/network/01-later.network"
    box.file(later, delivered.name).write_text("[Match]\nName=lo\n")
    assert later in push(delivered).error
    found = takeover.prospect(fresh(delivered))
    assert found and set(found.claims) == {later} and not found.adopted
    kept = Revision.objects.get(firewall=delivered, number=0)
    assert later not in kept.files
    assert says(visitor("operator").get(url(delivered)), "Take it over")
    queued = takeover.take_over(delivered, "ada", found.seen)
    tasks.work()
    queued.refresh_from_db()
    assert queued.state == "confirmed" and later not in there(box, delivered)
    assert not says(visitor("operator").get(url(delivered)), "Take it over")


class TestGivingBack:
    def test_restores_what_was_there_and_pushes_no_more_until_taken_over_again(
        self, delivered: Firewall, theirs: dict[str, str], box: Boxes
    ) -> None:
        taken_over(delivered)
        queued = takeover.give_back(fresh(delivered), "bob", delivered.name)
        tasks.work()
        queued.refresh_from_db()
        assert queued.state == "confirmed", queued.error
        assert there(box, delivered) == theirs
        decision = Takeover.objects.get()
        assert decision.given_back_by == "bob" and decision.given_back_at
        assert fresh(delivered).observation.applied is None and state(delivered) == "new"

        Partition.objects.update(auto_push=True)
        tasks.reconcile()
        tasks.work()
        assert Push.objects.count() == 2
        assert "was given back" in push(delivered).error
        assert there(box, delivered) == theirs

        assert taken_over(delivered).state == "confirmed"
        assert Takeover.objects.get().given_back_at is None

    def test_that_nobody_saw_to_its_end_is_looked_at_as_that(self, delivered: Firewall) -> None:
        """What is there then may be ours or theirs, so a look compares with ours."""
        taken_over(delivered)
        queued = takeover.give_back(fresh(delivered), "bob", delivered.name)
        running = claim_push(queued.pk)
        assert running
        settle(running, Outcome("unseen", "It could not be asked."), [])
        Observation.objects.update(check_due_at=timezone.now())
        (job,) = claim_inspections(10)
        assert job.unseen and job.may_have_ours
        Observation.objects.update(
            check_due_at=timezone.now(), checked_at=timezone.now() + 2 * AT_IT
        )
        (job,) = claim_inspections(10)
        assert not job.unseen, "it was looked at since"

    def test_is_a_push_of_revision_0_over_rest_too(
        self, delivered: Firewall, theirs: dict[str, str], box: Boxes
    ) -> None:
        taken_over(delivered)
        had = Revision.objects.get(firewall=delivered, number=0)
        assert push(delivered, had).state == "confirmed"
        assert there(box, delivered) == theirs

    def test_where_nothing_of_ours_is_there_is_refused(self, delivered: Firewall) -> None:
        looked_at(delivered)
        had = Revision.objects.get(firewall=delivered, number=0)
        refused = push(delivered, had)
        assert refused.state == "refused" and "nothing to give back" in refused.error

    def test_is_offered_only_where_it_can_be_done(self, delivered: Firewall) -> None:
        looked_at(delivered)
        operator = visitor("operator")
        assert not says(operator.get(url(delivered)), "Give it back")
        taken_over(delivered)
        assert says(operator.get(url(delivered)), "Give it back")
        assert not says(visitor().get(url(delivered)), "Give it back")

    def test_takes_its_name_typed(self, delivered: Firewall) -> None:
        taken_over(delivered)
        operator = visitor("operator")
        give_back = f"{url(delivered)}give-back/"
        answer = operator.post(give_back, {"confirm": "another"})
        sentence = f"Type {delivered.name} to give it back. Nothing was done."
        assert says(answer, sentence, 422)
        assert Push.objects.count() == 1
        operator.post(give_back, {"confirm": delivered.name})
        tasks.work()
        assert Takeover.objects.get().given_back_at


def test_revision_0_is_never_forgotten(delivered: Firewall, settings: Any) -> None:
    looked_at(delivered)
    settings.REVISIONS_KEPT, settings.REVISIONS_KEPT_DAYS = 0, 0
    Revision.objects.update(created_at=timezone.now() - timedelta(days=900))
    revisions.prune()
    assert Revision.objects.filter(firewall=delivered, number=0).exists()


def test_what_a_firewall_says_of_itself_cannot_break_the_survey(
    delivered: Firewall, box: Boxes
) -> None:
    hostile = box.file("/etc/systemd/network/\x1b[31m<b>.network", delivered.name)
    hostile.write_bytes(b"[Match]\nName=\0\xff<script>alert(1)</script>\n")
    looked_at(delivered)
    assert "\0" not in str(Survey.objects.get().texts)
    assert b"<script>alert(1)" not in visitor().get(url(delivered)).content
