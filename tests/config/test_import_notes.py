"""What an import has to say of objects is kept with them, until another has nothing to say."""

from pathlib import Path

import pytest
from django.db.models import CharField
from django.urls import reverse

from config.importer.run import run
from firewalls.models import Firewall
from networks.models import Activity, ImportNote, Network
from tests.api import Api
from tests.config.dumps import ODD
from tests.pages import queries, says, visitor
from tests.test_admin import staff

pytestmark = pytest.mark.django_db


def notes() -> set[tuple[str, str, str]]:
    return set(ImportNote.objects.values_list("key", "verdict", "field"))


def write(folder: Path, name: str, old: str, new: str) -> Path:
    """The file of that name with text replaced."""
    text = (ODD / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new))
    return folder / name


def test_notes_are_kept_with_their_objects_and_stay_while_an_import_says_the_same() -> None:
    run([ODD / "vrfshared.yaml"])
    assert notes() == {
        ("e1", "noted", "networktype"),
        ("e1", "noted", "vrfshared"),
        ("e2", "kept_out", "vrf"),
    }
    before = list(ImportNote.objects.values())
    run([ODD / "vrfshared.yaml"])
    assert list(ImportNote.objects.values()) == before
    kept_out = ImportNote.objects.get(verdict="kept_out")
    assert (kept_out.kind, kept_out.label, kept_out.rule) == ("network", "network e2", "R14")


def test_a_later_import_that_mends_an_object_removes_its_note(tmp_path: Path) -> None:
    run([ODD / "vrfshared.yaml"])
    e2 = "prefixes: [198.51.100.0/24], destinationprefixes: [0.0.0.0/0], vrf"
    mended = write(tmp_path, "vrfshared.yaml", f"{e2}: 104009", f"{e2}: 104010")
    run([mended])
    assert Network.objects.get(pk="e2").vrf == 104010
    assert ("e2", "kept_out", "vrf") not in notes()


def test_notes_of_objects_that_no_file_names_stay_where_the_object_is_here() -> None:
    run([ODD / "vrfshared.yaml"])
    run([ODD / "tenants.yaml"])
    assert {key for key, _, _ in notes()} == {"e1"}


def test_what_depends_on_what_is_kept_out_has_a_note_as_well(tmp_path: Path) -> None:
    path = write(tmp_path, "rule-with-host-bits.yaml", "vrf: 11}", "vrf: 11, networktype: Child}")
    run([path])
    rows = ImportNote.objects.filter(verdict="kept_out")
    assert {(row.kind, row.field) for row in rows} == {("network", "networktype"), ("machine", "")}
    assert rows.get(kind="machine").message == "It needs the network n1, which is kept out."


def test_a_dry_run_keeps_no_notes() -> None:
    run([ODD / "vrfshared.yaml"], dry_run=True)
    assert not ImportNote.objects.exists()


def test_notes_are_in_the_audit_trail_of_what_they_are_about(tmp_path: Path) -> None:
    run([ODD / "child-shared-only.yaml"])
    row = Activity.objects.filter(kind="import-note", about__contains=["network:n1"]).get()
    assert row.verb == "created" and "the type says" in str(row.after)


def test_the_overview_counts_them_and_leads_to_them() -> None:
    run([ODD / "vrfshared.yaml"])
    client = visitor()
    answer = client.get(reverse("firewalls:overview"))
    assert says(answer, "1 object of the last import is not under our rules.")
    assert says(answer, "1 imported object is otherwise than the files say.")
    listed = client.get(reverse("networks:import_notes") + "?verdict=kept_out")
    assert says(listed, "e1 already has VRF id 104009 (R14).")
    assert not says(listed, "network e1")


def test_the_list_of_notes_takes_as_many_queries_however_many_there_are() -> None:
    client, url = visitor(), reverse("networks:import_notes")
    run([ODD / "vrfshared.yaml"])
    few = queries(client, url)
    common = {"kind": "network", "verdict": "noted", "message": "Because."}
    ImportNote.objects.bulk_create(ImportNote(key=f"n{i}", label="n", **common) for i in range(40))
    assert queries(client, url) == few
    assert says(client.get(url + "?q=n39"), "Because.")


def test_an_objects_page_shows_its_notes() -> None:
    run([ODD / "rule-with-host-bits.yaml"])
    run([ODD / "child-shared-only.yaml"])
    client = visitor()
    network = client.get(reverse("networks:detail", args=["super"]))
    assert not says(network, "Taken otherwise")
    firewall = client.get(reverse("firewalls:detail", args=[Firewall.objects.get().pk]))
    assert says(
        firewall,
        "Taken otherwise than the imported files say: "
        "allocation.firewall_rules.ingress[0].from : 192.168.1.0/16 has host bits set",
    )
    assert says(client.get(reverse("networks:detail", args=["n1"])), "the network is shared.")


def test_notes_are_read_over_rest_and_nobody_writes_them() -> None:
    run([ODD / "vrfshared.yaml"])
    api = Api("admin")
    (row,) = api.get("import-notes/?verdict=kept_out").json()["results"]
    assert row["object"] == {"kind": "network", "id": "e2", "name": "network e2"}
    assert (row["rule"], row["field"]) == ("R14", "vrf")
    assert api.get(f"import-notes/{row['id']}/").json() == row
    assert api.get("import-notes/?object=e1").json()["count"] == 2
    assert api.get("import-notes/?colour=red").status_code == 400
    assert api.post("import-notes/", {}).status_code == 405
    assert api.delete(f"import-notes/{row['id']}/").status_code == 405


def test_the_admin_shows_notes_and_changes_none() -> None:
    run([ODD / "vrfshared.yaml"])
    client = staff("admin")
    row = ImportNote.objects.get(verdict="kept_out")
    assert b"R14" in client.get(reverse("admin:networks_importnote_changelist")).content
    assert client.get(reverse("admin:networks_importnote_change", args=[row.pk])).status_code == 200
    assert client.get(reverse("admin:networks_importnote_add")).status_code == 403
    url = reverse("admin:networks_importnote_delete", args=[row.pk])
    assert client.post(url, {"post": "yes"}).status_code == 403 and ImportNote.objects.exists()


def test_notes_are_cut_where_their_columns_end() -> None:
    for name, longest in ImportNote.LONGEST.items():
        column = ImportNote._meta.get_field(name)
        assert isinstance(column, CharField) and column.max_length == longest
