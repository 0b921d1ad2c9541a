"""Laws at every door: how they are written and read there, and what they refuse."""

from typing import Any

import pytest
from django.test import Client

from config.importer.run import ImportRefused, run
from firewalls.allocation import leave
from firewalls.models import Breach, Firewall, Law
from networks.models import Activity, Network
from tests.api import Api, codes, someone
from tests.config.dumps import DUMP
from tests.world import World, world

pytestmark = pytest.mark.django_db(transaction=True)
ONLY = {"kind": "only", "projects": ["shop"], "to_network": "storage"}
SENTENCE = 'breaks the law "only shop reaches storage"'


class Scene:
    def __init__(self) -> None:
        self.fra: World = world()
        self.shop = self.fra.private("shop", self.fra.shop)
        self.pay = self.fra.private("pay", self.fra.analytics)
        self.storage = self.fra.private("storage", self.fra.storage, shared=True)
        self.fra.machine("till", self.fra.analytics, self.pay)
        self.shop_fw = self.fra.firewall("shop-fw", self.fra.shop, self.shop, self.storage)
        self.pay_fw = self.fra.firewall("pay-fw", self.fra.analytics, self.pay)


@pytest.fixture
def scene(published: list[str]) -> Scene:
    return Scene()


@pytest.fixture
def law(scene: Scene) -> Law:
    law = Law(kind="only", projects=["shop"], to_network=scene.storage)
    law.save()
    return law


def joined(firewall: Firewall, network: Network) -> bool:
    return firewall.attachments.filter(network=network).exists()


def browser(role: str = "admin") -> Client:
    client = Client()
    client.force_login(someone(role))
    return client


def text(response: Any) -> str:
    return str(response.content.decode()).replace("&quot;", '"')


class TestRest:
    def test_a_law_is_written_read_changed_and_removed(self, scene: Scene) -> None:
        api = Api()
        made = api.post("laws/", ONLY | {"protocol": "tcp", "port": 2049, "reason": "NFS"})
        assert made.status_code == 201, made.content
        law = made.json()
        assert law["sentence"] == "only shop reaches storage on tcp/2049"
        assert (law["state"], law["broken_by"], law["mode"]) == ("kept", [], "refuse")
        path = f"laws/{law['id']}/"
        assert api.patch(path, {"port": None}).json()["sentence"] == (
            "only shop reaches storage on tcp"
        )
        (listed,) = api.get("laws/?to_network=storage&kind=only").json()["results"]
        assert listed["id"] == law["id"]
        assert api.delete(path).status_code == 204
        assert [row.verb for row in Activity.objects.filter(kind="law").order_by("pk")] == [
            "created",
            "changed",
            "removed",
        ]

    def test_one_that_is_broken_already_says_so_at_once(self, scene: Scene) -> None:
        api = Api()
        law = api.post("laws/", ONLY | {"kind": "nobody"}).json()
        path = f"laws/{law['id']}/"
        assert law.pop("warnings") and law["state"] == "broken"
        assert law["broken_by"] and law == api.get(path).json()
        changed = api.patch(path, {"kind": "only"}).json()
        assert changed["state"] == "kept" and changed == api.get(path).json()

    @pytest.mark.parametrize(
        ("body", "field", "code"),
        [
            ({"kind": "only", "to_network": "storage"}, "projects", "names_nobody"),
            ({"kind": "always", "projects": ["shop"]}, "port", "no_port_named"),
            ({"kind": "nobody", "outside": True}, "outside", "outside_alone"),
            (ONLY | {"projects": ["shopp"]}, "projects", "does_not_exist"),
            (ONLY | {"networks": ["internet-fra"]}, "networks", "does_not_exist"),
            (ONLY | {"to_network": "internet-fra"}, "to_network", "not_private"),
            (ONLY | {"to_project": "shop"}, "to_project", "one_target"),
            (ONLY | {"protocol": "icmp", "port": 7}, "port", "no_port"),
            (ONLY | {"partition": "muc"}, "partition", "other_partition"),
        ],
    )
    def test_what_is_no_law_is_refused(
        self, scene: Scene, body: dict[str, object], field: str, code: str
    ) -> None:
        world("muc", "10.132.0.0/14", "10.5.0.0/16", number=1)
        assert codes(Api().post("laws/", body)) == {field: [code]}
        assert not Law.objects.exists()

    def test_viewers_and_operators_read(self, law: Law) -> None:
        for role in ("viewer", "operator"):
            api, path = Api(role), f"laws/{law.pk}/"
            assert api.get(path).status_code == 200
            assert api.post("laws/", ONLY).status_code == 403
            assert api.patch(path, {"mode": "warn"}).status_code == 403
            assert api.delete(path).status_code == 403

    def test_what_breaks_it_is_refused_with_the_flow(self, scene: Scene, law: Law) -> None:
        api, path = Api("operator"), f"firewalls/{scene.pay_fw.pk}/attachments/"
        for headers in ({}, {"Idempotency_Key": "one"}, {"Idempotency_Key": "one"}):
            answer = api.post(path, {"network": "storage"}, **headers)
            assert codes(answer) == {"non_field_errors": ["breaks_law"]}
            assert SENTENCE in answer.json()["non_field_errors"][0]["message"]
            assert not joined(scene.pay_fw, scene.storage)
        assert codes(api.get(f"{path}?network=storage")) == {"non_field_errors": ["breaks_law"]}

    def test_what_a_law_warns_of_is_done_and_said(self, scene: Scene, law: Law) -> None:
        assert Api().patch(f"laws/{law.pk}/", {"mode": "warn"}).status_code == 200
        path = f"firewalls/{scene.pay_fw.pk}/attachments/"
        answer = Api("operator").post(path, {"network": "storage"})
        assert answer.status_code == 201
        (warning,) = answer.json()["warnings"]
        assert SENTENCE in warning["message"] and warning["code"] == "breaks_law"
        shown = Api("viewer").get(f"laws/{law.pk}/").json()
        assert shown["state"] == "broken"
        flow = shown["broken_by"][0]
        assert (flow["source"], flow["target"], flow["version"]) == ("pay", "storage", 4)
        assert [hop["name"] for hop in flow["path"]][1:4] == ["pay", "pay-fw", "storage"]

    def test_what_a_law_is_about_is_in_use(self, scene: Scene, law: Law) -> None:
        answer = Api().delete("networks/storage/")
        assert answer.status_code == 409


class TestPages:
    def test_a_law_is_written_shown_changed_and_removed(self, scene: Scene) -> None:
        client = browser()
        form = {"kind": "only", "projects": "shop", "to_network": "storage", "mode": "refuse"}
        wrong = client.post("/laws/new/", form | {"projects": ""})
        assert wrong.status_code == 422 and "Name the projects" in text(wrong)
        made = client.post("/laws/new/", form, follow=True)
        assert "It is law from now on that only shop reaches storage." in text(made)
        assert "Nothing breaks it." in text(made)
        law = Law.objects.get()
        client.get(f"/laws/{law.pk}/change/")
        changed = form | {"protocol": "tcp"}
        shown = client.post(f"/laws/{law.pk}/change/", changed, follow=True)
        assert "only shop reaches storage on tcp" in text(shown)
        assert "only shop reaches storage on tcp" in text(client.get("/laws/"))
        assert "only shop" not in text(client.get("/laws/?state=broken"))
        client.get(f"/laws/{law.pk}/remove/")
        assert "law no more" in text(client.post(f"/laws/{law.pk}/remove/", follow=True))
        assert not Law.objects.exists()

    def test_viewers_and_operators_read(self, law: Law) -> None:
        for role in ("viewer", "operator"):
            client = browser(role)
            assert "New law" not in text(client.get("/laws/"))
            assert client.get(f"/laws/{law.pk}/").status_code == 200
            for path in ("new", f"{law.pk}/change", f"{law.pk}/remove"):
                assert client.get(f"/laws/{path}/").status_code == 403

    def test_joining_is_refused_on_its_page_before_and_when_it_is_done(
        self, scene: Scene, law: Law
    ) -> None:
        path = f"/firewalls/{scene.pay_fw.pk}/join/storage/"
        client = browser("operator")
        for answer in (client.get(path), client.post(path, {"addresses": "", "previewed": ""})):
            assert answer.status_code == 422 and SENTENCE in text(answer)
        assert not joined(scene.pay_fw, scene.storage)

    def test_what_has_no_form_to_say_it_on_is_refused_on_the_page_before(
        self, scene: Scene, law: Law
    ) -> None:
        scene.fra.machine("web", scene.fra.shop, scene.shop)
        Law(kind="always", projects=["shop"], to_network=scene.storage, protocol="icmp").save()
        answer = browser("operator").post(
            f"/firewalls/{scene.shop_fw.pk}/free/", {"confirm": "shop-fw"}, follow=True
        )
        assert "shop always reaches storage by ping" in text(answer)
        assert Firewall.objects.filter(pk=scene.shop_fw.pk).exists()

    def test_what_a_law_warns_of_is_said(self, scene: Scene, law: Law) -> None:
        law.mode = "warn"
        law.save()
        path = f"/firewalls/{scene.pay_fw.pk}/join/storage/"
        answer = browser("operator").post(path, {"addresses": "", "previewed": ""}, follow=True)
        assert SENTENCE in text(answer) and joined(scene.pay_fw, scene.storage)
        shown = text(browser("viewer").get(f"/laws/{law.pk}/"))
        assert "broken by 3 flows" in shown and "till (10.128.4.1) of pay reaches" in shown


class TestAdmin:
    def test_a_law_is_written_and_shown(self, scene: Scene) -> None:
        staff = someone("admin")
        staff.is_staff = True
        staff.save()
        client = browser()
        form = {"kind": "only", "projects": "shop", "to_network": "storage", "mode": "refuse"}
        client.post("/admin/firewalls/law/add/", form)
        law = Law.objects.get()
        assert "only shop reaches storage" in text(client.get("/admin/firewalls/law/"))
        assert "kept" in text(client.get(f"/admin/firewalls/law/{law.pk}/change/"))

    def test_what_breaks_it_is_refused(self, scene: Scene, law: Law) -> None:
        staff = someone("admin")
        staff.is_staff = True
        staff.save()
        client = browser()
        form = {"firewall": scene.pay_fw.pk, "network": "storage", "addresses": ""}
        answer = client.post("/admin/firewalls/attachment/add/", form, follow=True)
        assert SENTENCE in text(answer) and "was added successfully" not in text(answer)
        assert not joined(scene.pay_fw, scene.storage)


class TestImporter:
    def test_an_import_that_breaks_a_law_is_refused_as_a_whole(self, published: list[str]) -> None:
        run([DUMP])
        vault = Network.objects.get(pk="vault")
        leave(Firewall.objects.get(attachments__network=vault), vault)
        Law(kind="nobody", to_network=vault).save()
        before = Activity.objects.count()
        with pytest.raises(ImportRefused) as refused:
            run([DUMP])
        (problem,) = refused.value.problems
        assert 'breaks the law "nobody reaches vault"' in problem.reason
        assert Activity.objects.count() == before and not Breach.objects.exists()
