"""No click surprises: what it will do is shown before, where it was, and what was typed counts."""

import re
from typing import Any

import pytest
from django.utils import timezone

from firewalls.allocation import join
from firewalls.models import Drift, Firewall, Observation, Push, Rollout
from firewalls.pushing import rollouts
from networks.models import Network, Project
from tests.counting import ROOT
from tests.pages import says, visitor, words
from tests.world import World, world

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("published")]


@pytest.fixture
def fra() -> World:
    return world(v6="2001:db8:128::/48")


@pytest.fixture
def store(fra: World) -> Network:
    made = fra.private("store", fra.storage, prefix_length={4: 24})
    made.share("ada")
    return made


@pytest.fixture
def shop_fw(fra: World) -> Firewall:
    home = fra.private("shop", fra.shop)
    fra.machine("till", fra.shop, home)
    return fra.firewall("shop-fw", fra.shop, home, fra.internet, host="192.0.2.7")


@pytest.fixture
def lone_fw(fra: World) -> Firewall:
    """One with IPv6 alone."""
    home = fra.private("lone", fra.shop, prefix_length={6: 64})
    fra.machine("lone-1", fra.shop, home)
    return fra.firewall("lone-fw", fra.shop, home)


def confirm(rollout: Rollout, firewall: Firewall) -> None:
    """As if its push had been confirmed, and had brought a second revision."""
    now = timezone.now()
    member = rollout.members.get(firewall=firewall)
    assert member.push_id
    Push.objects.filter(pk=member.push_id).update(
        state="confirmed", finished_at=now, revision=firewall.wanted
    )
    before = firewall.revisions.create(number=90, files={}, digest="9" * 64, cause="before")
    rollout.members.filter(pk=member.pk).update(before=before)
    Observation.objects.filter(pk=firewall.pk).update(applied=firewall.wanted)


class TestARollout:
    @pytest.fixture
    def rollout(self, shop_fw: Firewall) -> Rollout:
        return rollouts.start([shop_fw], cause="all", by="ada")

    def slots(self, rollout: Rollout) -> list[str]:
        page = visitor("operator").get(f"/rollouts/{rollout.pk}/").content.decode()
        return re.findall(r'id="(act-[a-z-]+)"', page)

    def test_its_buttons_stay_where_they_are_whatever_happens(
        self, rollout: Rollout, shop_fw: Firewall
    ) -> None:
        before = self.slots(rollout)
        assert before[-1] == "act-roll-back" and {"act-pause", "act-stop"} <= set(before)
        confirm(rollout, Firewall.objects.get(pk=shop_fw.pk))
        assert self.slots(rollout) == before
        rollouts.stop(rollout, "ada")
        assert self.slots(rollout) == before

    def test_to_roll_back_is_asked_first_with_how_many_go_back_to_what(
        self, rollout: Rollout, shop_fw: Firewall
    ) -> None:
        confirm(rollout, Firewall.objects.get(pk=shop_fw.pk))
        client, own = visitor("operator"), f"/rollouts/{rollout.pk}/"
        page = client.get(own).content.decode()
        assert f'action="{own}roll-back/"' not in page and f'href="{own}back/"' in page
        asked = client.get(f"{own}back/")
        assert says(asked, "Roll back 1 firewall")
        assert re.search(r"shop-fw revision \d+ revision 90", words(asked))
        assert Rollout.objects.count() == 1
        assert visitor("viewer").get(f"{own}back/").status_code == 403

    def test_whatever_takes_the_focus_on_what_is_polled_has_an_id(self, rollout: Rollout) -> None:
        push = rollout.members.get().push
        assert push is not None
        for url, part in (
            (f"/rollouts/{rollout.pk}/", "rollout-status"),
            (f"/pushes/{push.pk}/", "push-status"),
        ):
            headers = {"HX-Request": "true", "HX-Target": part}
            text = visitor("operator").get(url, headers=headers).content.decode()
            for tag in re.findall(r"<(?:a|button|summary)\b[^>]*>", text):
                assert ' id="' in tag, tag
            assert 'role="status"' not in text and "data-says=" in text


class TestJoining:
    def test_a_typed_address_that_was_not_shown_is_shown_first_and_then_counts(
        self, store: Network, shop_fw: Firewall
    ) -> None:
        client, own = visitor("operator"), f"/firewalls/{shop_fw.pk}/join/store/"
        typed = f"{store.prefixes.get().cidr[77]}"
        answer = client.post(own, {"previewed": "", "addresses": typed})
        assert answer.status_code == 302 and typed in answer["Location"]
        assert not shop_fw.attachments.filter(network=store).exists()
        shown = client.get(answer["Location"])
        assert says(shown, "Another address was typed") or typed in shown.content.decode()
        assert f'name="previewed" value="{typed}"' in shown.content.decode()
        client.post(own, {"previewed": typed, "addresses": typed})
        assert shop_fw.machine.addresses.filter(address=typed).exists()

    def test_it_promises_no_translation_where_there_is_none(
        self, fra: World, store: Network, shop_fw: Firewall
    ) -> None:
        client = visitor("operator")
        alone = fra.firewall("other", fra.shop, fra.private("other", fra.shop))
        own = f"/firewalls/{alone.pk}/join"
        assert says(client.get(f"{own}/internet-fra/"), "Seen there as 203.0.113.")
        Network.objects.filter(pk="internet-fra").update(nat=False)
        page = client.get(f"{own}/internet-fra/")
        assert says(page, "Seen there as themselves") and says(page, "nothing is translated")
        assert says(client.get(f"{own}/store/"), "are seen as this address there")
        assert says(client.get("/networks/internet-fra/join/"), "seen as themselves")

    def test_it_promises_no_way_between_families_that_do_not_meet(
        self, store: Network, lone_fw: Firewall
    ) -> None:
        page = visitor("operator").get(f"/firewalls/{lone_fw.pk}/join/store/")
        assert says(page, "no address family in common") and "Opens" not in words(page)


class TestSharing:
    def test_only_machines_of_a_common_family_are_counted(
        self, fra: World, shop_fw: Firewall, lone_fw: Firewall
    ) -> None:
        fra.private("old", fra.storage, prefix_length={4: 24})
        page = visitor("admin").get("/networks/old/share/")
        assert says(page, "1 machine could then reach the machines here")
        assert says(page, "1 of these firewalls have no address family in common with it")

    def test_many_projects_are_told_by_tenant(self, fra: World) -> None:
        for place in range(7):
            project = Project.objects.create(id=f"p-{place}", name="p", tenant=f"t-{place}")
            home = fra.private(f"net-{place}", project)
            fra.machine(f"m-{place}", project, home)
            fra.firewall(f"fw-{place}", project, home)
        fra.private("old", fra.storage)
        page = visitor("admin").get("/networks/old/share/")
        assert says(page, "t-4 1 of 1 project, and 2 more tenants")

    def test_after_a_wrong_name_the_field_has_the_focus_and_the_title_says_so(
        self, fra: World
    ) -> None:
        fra.private("old", fra.storage)
        page = visitor("admin").post("/networks/old/share/", {"confirm": "odl"})
        text = page.content.decode()
        assert page.status_code == 422 and "<title>Error: Share old" in text
        assert says(page, "Nothing was done yet", 422)
        field = re.search(r'<input[^>]*name="confirm"[^>]*>', text)
        assert field and "autofocus" in field[0] and 'value="odl"' in field[0]

    def test_every_field_that_is_wrong_takes_the_focus(self) -> None:
        for template in (ROOT / "templates").rglob("*.html"):
            text = template.read_text()
            marked = text.count('aria-invalid="true"')
            assert text.count('autofocus aria-invalid="true"') == marked, template


class TestPushing:
    def test_before_a_push_the_page_says_what_changes(self, shop_fw: Firewall) -> None:
        page = visitor("operator").get(f"/firewalls/{shop_fw.pk}/push/")
        assert says(page, "Nothing was applied here yet") and says(page, "/etc/frr/frr.conf")
        wanted = Firewall.objects.get(pk=shop_fw.pk).wanted
        Observation.objects.filter(pk=shop_fw.pk).update(applied=wanted)
        page = visitor("operator").get(f"/firewalls/{shop_fw.pk}/push/")
        assert says(page, "Nothing changes of what was applied last")

    def test_what_somebody_changed_by_hand_is_shown_before_it_is_undone(
        self, shop_fw: Firewall
    ) -> None:
        found: Any = {"/etc/nftables.conf": ["drop\n", "accept # 03:12, by hand\n"]}
        now = timezone.now()
        Drift.objects.create(firewall=shop_fw, found=found, digest="0" * 64, found_at=now)
        Observation.objects.filter(pk=shop_fw.pk).update(drifted_at=now)
        page = visitor("operator").get(f"/firewalls/{shop_fw.pk}/push/")
        assert says(page, "changed on the firewall by hand is undone")
        assert says(page, "03:12, by hand")

    def test_no_page_of_a_firewall_pushes_by_one_click(
        self, fra: World, store: Network, shop_fw: Firewall
    ) -> None:
        join(shop_fw, store)
        Drift.objects.create(firewall=shop_fw, found={}, digest="0" * 64, found_at=timezone.now())
        for tab in ("", "config/", "drift/", "diff/"):
            text = visitor("operator").get(f"/firewalls/{shop_fw.pk}/{tab}").content.decode()
            assert f'action="/firewalls/{shop_fw.pk}/push/"' not in text, tab
            assert f'href="/firewalls/{shop_fw.pk}/push/"' in text, tab

    def test_no_template_sends_a_push_but_the_page_that_reviews_it(self) -> None:
        sends = [
            path.name
            for path in (ROOT / "templates").rglob("*.html")
            if re.search(r"<form[^>]*method=\"post\"[^>]*firewalls:push'", path.read_text())
        ]
        assert sends == ["ask_push.html"]
