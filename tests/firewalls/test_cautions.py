"""What a first push would cut off is said before, at every door that leads to one."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db.models.functions import Now

from firewalls.configuration.cautions import Circumstances
from firewalls.configuration.cautions import cautions as said_of
from firewalls.device.applier.survey import RULES
from firewalls.intent import revisions
from firewalls.models import Firewall, Observation, Rule, Survey
from firewalls.pushing import cautions
from tests.api import Api
from tests.pages import queries, says, visitor, words
from tests.world import World, world

WELL = Circumstances(
    partition="fra",
    is_managed_from_somewhere=True,
    externals=("internet",),
    has_egress_rule=True,
    labels={},
    has_controller_table=False,
)
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ2Y3rUVhqgnxPCjAmoEEVRVFjjIrc3kYmkkHOOkzZM3"
MANAGED_BY, CLUSTER = "firewall.metal-stack.io/managed-by", "cluster.metal-stack.io/id"


def codes(**facts: Any) -> list[str]:
    return [one.code for one in said_of(replace(WELL, **facts))]


class TestWhatIsSaid:
    def test_nothing_where_nothing_is_missing(self) -> None:
        assert codes() == []
        assert codes(labels={"size": "n1", "image": "firewall-ubuntu-3.0"}) == []

    def test_no_management_prefixes_come_first(self) -> None:
        facts: Any = {"is_managed_from_somewhere": False, "has_egress_rule": False}
        assert codes(**facts) == ["no_management", "no_egress"]

    def test_no_egress_rule_matters_where_something_is_outside(self) -> None:
        assert codes(has_egress_rule=False) == ["no_egress"]
        assert codes(has_egress_rule=False, externals=()) == []
        (one,) = said_of(replace(WELL, has_egress_rule=False, externals=("internet", "mpls")))
        assert "no connection to internet and mpls, not even for DNS" in one.sentence

    @pytest.mark.parametrize(
        ("facts", "evidence"),
        [
            ({"labels": {MANAGED_BY: "shoot--a"}}, f"its label {MANAGED_BY} names shoot--a"),
            ({"labels": {MANAGED_BY: ""}}, f"it has the label {MANAGED_BY}"),
            ({"labels": {CLUSTER: "1b5b"}}, "says that it was made for a cluster"),
            ({"has_controller_table": True}, "its kernel has a table firewall"),
        ],
    )
    def test_the_firewall_controller_is_recognised_by(
        self, facts: dict[str, Any], evidence: str
    ) -> None:
        (one,) = said_of(replace(WELL, **facts))
        assert one.code == "firewall_controller" and evidence in one.sentence


@pytest.fixture
def fra(published: list[str]) -> World:
    fra = world()
    fra.private("shop", fra.shop)
    return fra


def firewall(fra: World, name: str, *, egress: bool = True, outside: bool = True) -> Firewall:
    joined = [fra.internet] if outside else []
    where = {"host": "192.0.2.7", "host_key": HOST_KEY}
    wall = fra.firewall(name, fra.shop, fra.pool.children.get(), *joined, **where)
    if egress:
        rule = Rule(firewall=wall, direction="egress", position=1, ports=["443"])
        rule.save()
    return wall


def seen(wall: Firewall, ruleset: str) -> None:
    texts: Any = {"units": {}, "files": {}, "now": {RULES: ruleset}, "cut": []}
    Survey.objects.create(firewall=wall, surveyed_at=Now(), **texts)


def labelled(wall: Firewall, **labels: str) -> None:
    wall.machine.labels = labels
    wall.machine.save()


def everything(fra: World) -> dict[str, list[str]]:
    """A firewall of each kind, and what is to be said of it."""
    firewall(fra, "well")
    firewall(fra, "quiet", egress=False)
    firewall(fra, "inside", egress=False, outside=False)
    seen(firewall(fra, "beside"), "table inet metal {\n}\ntable inet firewall {\n}\n")
    seen(firewall(fra, "older"), "table ip firewall {\n}\n")
    seen(firewall(fra, "others"), "table inet firewalld {\n}\ntable inet my_firewall {\n}\n")
    labelled(firewall(fra, "tagged"), **{CLUSTER: "1b5b"})
    labelled(firewall(fra, "shoot", egress=False), **{MANAGED_BY: "shoot--a"})
    pushed = firewall(fra, "pushed", egress=False)
    labelled(pushed, **{CLUSTER: "1b5b"})
    row = Firewall.objects.get(pk=pushed.pk)
    Observation.objects.filter(pk=pushed.pk).update(applied=row.wanted)
    nothing: list[str] = []
    return {
        "beside": ["firewall_controller"],
        "inside": nothing,
        "older": ["firewall_controller"],
        "others": nothing,
        "pushed": nothing,
        "quiet": ["no_egress"],
        "shoot": ["firewall_controller", "no_egress"],
        "tagged": ["firewall_controller"],
        "well": nothing,
    }


def without_management(fra: World) -> None:
    fra.partition.management_prefixes = []
    fra.partition.save()
    revisions.refresh(Firewall.objects.values_list("pk", flat=True), "prefixes")


@pytest.mark.django_db
class TestDoors:
    def test_rest_says_it_of_each_and_finds_them(self, fra: World) -> None:
        expected = everything(fra)
        api = Api()
        rows = api.get("firewalls/").json()["results"]
        said = {row["name"]: [one["code"] for one in row["cautions"]] for row in rows}
        assert said == expected
        for code in cautions.Code:
            found = api.get(f"firewalls/?cautions={code.value}").json()["results"]
            names = [name for name, some in expected.items() if code.value in some]
            assert sorted(row["name"] for row in found) == names, code
        assert api.get("firewalls/?cautions=other").status_code == 400

    def test_what_the_database_finds_is_what_is_said_and_counted(self, fra: World) -> None:
        everything(fra)
        without_management(fra)
        firewall(fra, "practice", egress=False)
        Firewall.objects.filter(machine__name="practice").update(practice=True)
        said = {row.pk: {one.code for one in cautions.of(row)} for row in Firewall.objects.all()}
        counts = cautions.counts()
        assert set(counts) == set(cautions.Code)
        for code in cautions.Code:
            found = set(
                Firewall.objects.filter(cautions.condition(code)).values_list("pk", flat=True)
            )
            assert found == {pk for pk, some in said.items() if code in some}
            assert counts[code] == len(found)

    def test_the_page_and_the_review_before_the_push_say_it(self, fra: World) -> None:
        wall = firewall(fra, "quiet", egress=False)
        client, place = visitor("operator"), f"/firewalls/{wall.pk}/"
        for page in (place, f"{place}push/"):
            assert says(client.get(page), "Before its first push, know that:")
            assert "It has no egress rule" in words(client.get(page))
        assert f'<a class="btn primary" href="{place}push/">Push</a>' in (
            client.get(place).content.decode()
        )
        without_management(fra)
        assert "accept SSH from nowhere" in words(client.get(place))
        review = words(client.get(f"{place}push/"))
        assert review.count("SSH from nowhere") == 1, "it is said once: as what refuses the push"

    def test_after_the_first_push_it_is_said_no_more(self, fra: World) -> None:
        wall = firewall(fra, "quiet", egress=False)
        row = Firewall.objects.get(pk=wall.pk)
        Observation.objects.filter(pk=wall.pk).update(applied=row.wanted)
        assert "first push" not in words(visitor().get(f"/firewalls/{wall.pk}/"))

    def test_the_overview_counts_them_and_leads_there(self, fra: World) -> None:
        everything(fra)
        client = visitor()
        page = client.get("/")
        assert says(page, "4 firewalls that nothing was pushed to yet may be managed by Kubernetes")
        assert says(page, "2 firewalls that nothing was pushed to yet would let no machine open")
        assert "/firewalls/?cautions=no_egress" in page.content.decode()
        assert "2 match the filters" in words(client.get("/firewalls/?cautions=no_egress"))

    @pytest.mark.parametrize("page", ["/", "/api/v1/firewalls/", "/firewalls/?cautions=no_egress"])
    def test_more_firewalls_take_no_more_queries(self, fra: World, page: str) -> None:
        firewall(fra, "one", egress=False)
        client = visitor()
        few = queries(client, page)
        everything(fra)
        assert queries(client, page) == few


@pytest.mark.django_db
def test_a_firewall_of_an_imported_dump_is_recognised_by_its_tags(
    published: list[str], tmp_path: Path
) -> None:
    source = Path(__file__).parents[1] / "data" / "dump"
    tag = "firewall.metal-stack.io/managed-by=shoot--a--b"
    for file in source.iterdir():
        text = file.read_text().replace("tags: []", f"tags: [{tag}]")
        (tmp_path / file.name).write_text(text)
    call_command("import", str(tmp_path), verbosity=0)
    said = {row.name: list(cautions.of(row)) for row in Firewall.objects.all()}
    (first, *_) = [one for some in said.values() for one in some if "controller" in one.code]
    assert "managed-by names shoot--a--b" in first.sentence
