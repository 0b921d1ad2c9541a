"""The overview as triage: numbers that are filters, and causes with one thing to do each."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from firewalls.models import Firewall, Observation, Push, Revision
from firewalls.pushing.causes import KEY, causes
from networks.models import Network
from tests.pages import queries, says, visitor, words
from tests.world import World, world

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("published")]


@pytest.fixture
def fra() -> World:
    return world()


def firewalls(fra: World, number: int, name: str = "fw") -> list[Firewall]:
    home = Network.objects.filter(pk="home").first() or fra.private("home", fra.shop)
    return [
        fra.firewall(f"{name}-{place}", fra.shop, home, host="192.0.2.7") for place in range(number)
    ]


def fail(firewall: Firewall, step: str = "") -> Push:
    """Its last push did not succeed, at this step."""
    steps = [{"name": "connect", "state": "ok"}]
    steps += [{"name": step, "state": "failed"}] if step else []
    now = timezone.now()
    return Push.objects.create(firewall=firewall, state="refused", steps=steps, finished_at=now)


def links(text: str) -> set[str]:
    return set(re.findall(r'href="([^"]+)"', text))


class TestTheCauses:
    def test_what_failed_at_the_same_step_is_one_cause(self, fra: World) -> None:
        for place, firewall in enumerate(firewalls(fra, 5)):
            fail(firewall, "write" if place else "check-frr")
        found = [(one.state, one.reason, one.firewalls) for one in causes()]
        assert found == [("failed", "write", 4), ("failed", "check-frr", 1)]
        page = visitor("operator").get("/")
        assert says(page, "The last push failed at “Write the files”")
        assert says(page, "fw-1 , fw-2 , fw-3 and 1 more")

    def test_the_number_leads_to_exactly_those(self, fra: World) -> None:
        made = firewalls(fra, 4)
        for firewall in made[:2]:
            fail(firewall, "write")
        fail(made[2])
        page = visitor("operator").get("/").content.decode()
        for step, names in (("write", {"fw-0", "fw-1"}), ("none", {"fw-2"})):
            url = f"/firewalls/?state=failed&amp;key=pinned&amp;failed_at={step}"
            assert url in links(page), links(page)
            listed = words(visitor("operator").get(url.replace("&amp;", "&")))
            assert {f"fw-{place}" for place in range(4) if f"fw-{place} " in listed} == names

    def test_each_state_has_the_one_thing_to_do(self, fra: World) -> None:
        failed, silent, drifted, keyed, new = firewalls(fra, 5)
        now = timezone.now()
        push = fail(failed, "write")
        seen = Observation.objects.filter
        seen(pk=silent.pk).update(unreachable_since=now - timedelta(hours=3))
        seen(pk=drifted.pk).update(drifted_at=now)
        Firewall.objects.filter(pk=keyed.pk).update(host_key="ssh-ed25519 AAAA")
        seen(pk=keyed.pk).update(
            offered_for="ssh-ed25519 AAAA", offered_key="ssh-ed25519 BBBB", offered_at=now
        )
        assert next(one.state for one in causes()) == KEY
        page = visitor("operator").get("/")
        assert says(page, "See what happened") and says(page, "Check again")
        text = page.content.decode()
        assert {
            f"/pushes/{push.pk}/",
            f"/firewalls/{drifted.pk}/drift/",
            f"/firewalls/{keyed.pk}/host-key/",
            f"/firewalls/{new.pk}/",
        } <= links(text)
        assert f'action="/firewalls/{failed.pk}/push/"' not in text

    def test_nothing_is_pushed_from_here(self, fra: World) -> None:
        made = firewalls(fra, 2)
        Observation.objects.filter(pk=made[0].pk).update(drifted_at=timezone.now())
        text = visitor("operator").get("/").content.decode()
        assert not re.search(r'action="/firewalls/[^"]+/push/"', text)

    def test_what_waits_is_grouped_by_what_has_changed_it(self, fra: World) -> None:
        for firewall in firewalls(fra, 3):
            before = Revision.objects.create(
                firewall=firewall, number=7, files={}, digest="0" * 64, cause="first"
            )
            after = Revision.objects.create(
                firewall=firewall, number=8, files={"a": "b"}, digest="1" * 64, cause="NTP servers"
            )
            Firewall.objects.filter(pk=firewall.pk).update(wanted=after)
            Observation.objects.filter(pk=firewall.pk).update(applied=before)
        page = visitor("operator").get("/")
        assert says(page, "3 firewalls pending Waits to be pushed: NTP servers")
        listed = visitor("operator").get("/firewalls/?state=pending&cause=NTP+servers")
        assert says(listed, "3 match the filters")

    def test_who_may_not_push_is_told_to_look_and_nothing_to_do(self, fra: World) -> None:
        firewalls(fra, 1)
        assert says(visitor("operator").get("/"), "fw-0 Set up")
        viewers = visitor("viewer").get("/")
        assert says(viewers, "fw-0 See what is missing") and not says(viewers, "Set up")

    def test_all_that_is_silent_is_looked_at_again_by_those_who_may(
        self, fra: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        silent, answering = firewalls(fra, 2)
        Observation.objects.filter(pk=silent.pk).update(unreachable_since=timezone.now())
        looked: list[Firewall] = []
        monkeypatch.setattr("firewalls.views.triage.tasks.inspect_soon", looked.extend)
        assert visitor("viewer").post("/check-again/").status_code == 403
        assert visitor("operator").post("/check-again/").status_code == 302
        assert looked == [silent] and answering not in looked


class TestThePage:
    def test_states_by_partition_are_numbers_that_are_filters(self, fra: World) -> None:
        fail(firewalls(fra, 3)[0])
        page = visitor().get("/")
        assert says(page, "Partition failed new all fra 1")
        assert "/firewalls/?partition=fra&amp;state=failed" in links(page.content.decode())

    def test_it_comes_alone_when_it_refreshes_and_says_how_old_it_is(self, fra: World) -> None:
        firewalls(fra, 1)
        part = visitor().get("/", headers={"HX-Request": "true", "HX-Target": "triage"})
        text = part.content.decode()
        assert text.strip().startswith('<div id="triage"') and "<main" not in text
        assert re.search(r"as of <time[^>]*>\d\d:\d\d:\d\d UTC", text)

    def test_everything_that_takes_the_focus_has_an_id_so_a_refresh_keeps_it(
        self, fra: World
    ) -> None:
        for firewall in firewalls(fra, 2):
            fail(firewall, "write")
        part = visitor("operator").get("/", headers={"HX-Request": "true", "HX-Target": "triage"})
        causes_part = part.content.decode().partition('class="panel causes"')[2]
        for tag in re.findall(r"<(?:a|button)\b[^>]*>", causes_part):
            assert ' id="' in tag, tag

    def test_it_takes_as_many_queries_for_one_firewall_as_for_many(self, fra: World) -> None:
        fail(firewalls(fra, 1)[0], "write")
        client = visitor("operator")
        before = queries(client, "/")
        for firewall in firewalls(fra, 12, "more"):
            fail(firewall, "write")
        assert queries(client, "/") == before

    def test_nearly_full_is_what_the_bar_shows_red(self, fra: World) -> None:
        tiny = fra.private("tiny", fra.storage, prefix_length={4: 29})
        tiny.share("ada")
        for place in range(4):
            fra.machine(f"m-{place}", fra.storage, tiny)
        assert not says(visitor().get("/"), "nearly full")
        fra.machine("m-4", fra.storage, tiny)
        assert says(visitor().get("/"), "nearly full")
