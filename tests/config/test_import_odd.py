"""Dumps as they really are: what fits goes in, and what does not is named with its rule."""

from ipaddress import ip_network
from pathlib import Path

import pytest
from django.db.models import CharField, Model

from config.checking import check
from config.importer.kinds import texts
from config.importer.report import Report
from config.importer.run import ImportRefused, run
from firewalls.models import Rule
from machines.models import Machine
from networks.models import Address, Network, Partition, Project
from tests.config.dumps import ODD, contents
from tests.config.generated import Dump

pytestmark = pytest.mark.django_db
M1 = "e0ab02d2-27cd-5a5e-8efc-080b00000001"


def imported(name: str) -> Report:
    """The report of the first time. A second time changes nothing, and every rule holds."""
    report = run([ODD / name])
    before = contents()
    again = run([ODD / name])
    assert (again.count("created"), again.count("changed")) == (0, 0), again.changes
    assert set(again.notes) <= set(report.notes)
    assert again.kept_out == report.kept_out
    assert contents() == before
    assert list(check()) == []
    return again


def longest_of(model: type[Model], field: str) -> int | None:
    column = model._meta.get_field(field)
    assert isinstance(column, CharField)
    return column.max_length


def addresses(machine: str) -> list[str]:
    return [str(row) for row in Address.objects.filter(machine__name=machine)]


def test_the_flag_of_a_shared_network_is_left_out_of_an_external_one() -> None:
    report = imported("external-shared.yaml")
    internet = Network.objects.get(pk="internet")
    assert (internet.kind, internet.shared, internet.nat) == ("external", False, True)
    note = "It is left out of an external network: only a private one is shared (R1)."
    assert f"network internet: shared: {note}" in report.notes and report.kept_out == []


def test_an_old_external_network_with_the_flag_and_nothing_else_is_no_private_one(
    tmp_path: Path,
) -> None:
    (tmp_path / "old.yaml").write_text(
        "{id: old, privatesuper: false, underlay: false, shared: true,"
        " prefixes: [198.51.100.0/24], vrf: 9}"
    )
    report = run([tmp_path], strict=True)
    assert Network.objects.get().kind == "external"
    (note,) = report.notes
    assert "only a private one is shared (R1)" in note


def test_tenants_are_no_projects() -> None:
    report = imported("tenants.yaml")
    assert not Project.objects.exists() and report.strangers == {"tenant": 1}


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("{meta: {id: x, kind: Image}}", "image"),
        ("{id: c1, constraints: [{type: cores, min: 8, max: 8}], name: c1}", "size"),
        ("{id: d, classification: supported, features: [machine], url: u}", "image"),
        ("{id: s, nics: [], rack_id: r1, partition: {id: pa}, mode: operational}", "switch"),
        ("{id: l, constraints: {}, disks: [], filesystems: []}", "file-system layout"),
        ("{id: r, amount: 3, sizeid: c1, partitionids: [pa]}", "size reservation"),
    ],
)
def test_what_metal_stack_has_and_this_product_has_not_is_counted_and_stops_nothing(
    text: str, word: str, tmp_path: Path
) -> None:
    (tmp_path / "all.yaml").write_text(f"- {{id: pa, bootconfig: {{}}}}\n- {text}\n")
    report = run([tmp_path], strict=True)
    assert report.strangers == {word: 1} and report.kept_out == []
    assert Partition.objects.get().pk == "pa" and not Project.objects.exists()


def test_a_firewall_in_two_lists_counts_once() -> None:
    report = imported("machine-and-firewall-list")
    assert report.outcomes["firewall", "unchanged"] == 1 and report.kept_out == []


def test_of_two_objects_that_are_not_alike_the_first_counts(tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(
        "- {id: pa, bootconfig: {}, name: One}\n- {id: pa, bootconfig: {}, name: Two}\n"
    )
    report = run([tmp_path])
    assert Partition.objects.get().name == "One" and report.objects_kept_out == 1
    assert any("It is given twice, the second time otherwise" in note for note in report.notes)
    with pytest.raises(ImportRefused, match="given twice"):
        run([tmp_path], strict=True)


def test_a_family_of_which_no_address_is_given_is_picked_and_that_is_noted() -> None:
    report = imported("dual-stack-network-machine-with-one-family.yaml")
    assert addresses("m1") == ["10.64.0.2", "2001:db8:64::1"]
    note = "No IPv6 address of n1 is in the files; here it has 2001:db8:64::1 (R10)."
    assert f"machine m1: allocation.networks[0].ips: {note}" in report.notes


def test_what_is_picked_is_never_what_the_files_give_to_somebody_else() -> None:
    run([ODD / "growth-first.yaml"])
    imported("growth-then.yaml")
    assert addresses("m1") == ["10.64.0.2", "2001:db8:64::2"]
    assert addresses("m2") == ["10.64.0.3", "2001:db8:64::1"]


def test_who_is_given_an_address_of_a_family_that_is_new_gets_that_one(tmp_path: Path) -> None:
    run([ODD / "growth-first.yaml"])
    text = (ODD / "growth-then.yaml").read_text()
    text = text.replace("ips: [10.64.0.2]", 'ips: [10.64.0.2, "2001:db8:64::2"]')
    (tmp_path / "then.yaml").write_text(text)
    report = run([tmp_path], strict=True)
    assert addresses("m1") == ["10.64.0.2", "2001:db8:64::2"] and report.notes == []
    assert addresses("m2") == ["10.64.0.3", "2001:db8:64::1"] and list(check()) == []


def test_a_loopback_of_each_family_of_the_underlay_is_picked() -> None:
    report = imported("underlay-of-two-families.yaml")
    assert addresses("m1") == ["10.4.0.5", "10.64.0.2", "2001:db8:4::1"]
    assert any("No IPv6 address of under is in the files" in note for note in report.notes)


def test_hardware_that_is_somebody_elses_by_now_stays_and_the_remedy_is_named() -> None:
    run([ODD / "reallocated-first.yaml"])
    report = imported("reallocated-then.yaml")
    assert Machine.objects.get().project_id == "blue" and report.objects_kept_out == 1
    (line,) = report.kept_out
    assert f"machine {M1}, allocation.project: Here it is still m1 of blue in n1" in line
    assert line.endswith("it is green's in n2. Free it here, then import again (R4).")


def test_hardware_that_was_freed_is_said_to_be_allocated_here() -> None:
    run([ODD / "reallocated-first.yaml"])
    report = imported("freed-then.yaml")
    assert Machine.objects.exists() and not any("kept out" in note for note in report.notes)
    assert any("here it still is, to blue as m1 with 10.64.0.2." in note for note in report.notes)


def test_a_network_without_a_name_is_called_by_its_id_and_stays_so() -> None:
    imported("network-without-name.yaml")
    assert Network.objects.get(pk="n1").name == "n1"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("unknown-networktype.yaml", "networktype: 'Child' is no type of networks: super,"),
        (
            "apiv2-network.yaml",
            "parent_network: Nobody knows this field; is parentnetworkid meant?",
        ),
    ],
)
def test_what_a_network_is_and_whose_is_not_guessed(name: str, reason: str) -> None:
    report = imported(name)
    assert not Network.objects.filter(pk="n1").exists()
    assert any(reason in line for line in report.kept_out)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ("parentNetworkID: super", "is parentnetworkid meant?"),
        ("<<: {parentnetworkid: super}", "Fields are merged (<<) here"),
        ("networktype: child-shared, parentnetworkid: super, shared: false", "sharing is for ever"),
        ("networktype: external, nattype: cone", "'cone' is no type of translation"),
    ],
)
def test_a_network_that_says_two_things_or_none_is_kept_out_with_what_depends_on_it(
    fields: str, reason: str, tmp_path: Path
) -> None:
    address = "{ipaddress: 10.64.0.9, networkid: n1, projectid: blue}"
    network = f"{{id: n1, partitionid: pa, projectid: blue, prefixes: [10.64.0.0/22], {fields}}}"
    (tmp_path / "all.yaml").write_text(
        f"- {{id: pa, bootconfig: {{}}}}\n- {network}\n- {address}\n"
    )
    report = run([tmp_path])
    assert Partition.objects.exists() and not Network.objects.exists()
    first, second = report.kept_out
    assert reason in first and "It needs the network n1, which is kept out." in second


def test_the_type_alone_says_that_a_network_is_shared() -> None:
    report = imported("child-shared-only.yaml")
    assert Network.objects.get(pk="n1").shared
    assert any("the type says that the network is shared" in note for note in report.notes)


def test_nat_counts_where_its_type_contradicts_it_and_the_type_where_nat_is_missing(
    tmp_path: Path,
) -> None:
    common = "networktype: external, prefixes"
    (tmp_path / "all.yaml").write_text(
        f"- {{id: a, {common}: [198.51.100.0/25], vrf: 1, nat: false, nattype: ipv4-masq}}\n"
        f"- {{id: b, {common}: [198.51.100.128/25], vrf: 2, nattype: ipv4-masq}}\n"
    )
    report = run([tmp_path], strict=True)
    assert dict(Network.objects.values_list("pk", "nat")) == {"a": False, "b": True}
    contradiction = "'ipv4-masq' contradicts nat, which is false; nat is what counts."
    assert report.notes == [f"network a: nattype: {contradiction}"]


def test_an_external_network_of_a_machine_is_left_out_and_its_address_stays_reserved() -> None:
    report = imported("machine-also-in-the-internet.yaml")
    assert addresses("m1") == ["10.64.0.2"]
    reserved = Address.objects.get(address="203.0.113.9")
    assert (reserved.machine, reserved.project_id, reserved.kind) == (None, "blue", "static")
    assert any(
        "internet is left out: a machine lives in exactly one network (R4)" in note
        for note in report.notes
    )


def test_a_super_network_has_no_vrf() -> None:
    report = imported("super-with-vrf.yaml")
    assert dict(Network.objects.values_list("pk", "vrf")) == {
        "super": None,
        "under": None,
        "n1": 77,
    }
    assert "network super: vrf: 77 is left out: a super network has no VRF (R14)." in report.notes


def test_of_two_networks_that_share_a_vrf_the_first_goes_in() -> None:
    report = imported("vrfshared.yaml")
    assert Network.objects.filter(pk="e1").exists() and not Network.objects.filter(pk="e2").exists()
    (line,) = report.kept_out
    assert "network e2, vrf: e1 already has VRF id 104009 (R14)." in line
    assert any(
        note.startswith("network e1: vrfshared: Other networks may") for note in report.notes
    )


def test_of_two_children_of_a_namespaced_super_that_overlap_the_first_goes_in(
    tmp_path: Path,
) -> None:
    child = "parentnetworkid: super, partitionid: pa, projectid: blue, prefixes: [10.64.0.0/22]"
    (tmp_path / "all.yaml").write_text(
        "- {id: pa, bootconfig: {}}\n"
        "- {id: super, networktype: super-namespaced, partitionid: pa, prefixes: [10.64.0.0/14]}\n"
        f"- {{id: n1, vrf: 1, {child}}}\n- {{id: n2, vrf: 2, {child}}}\n"
    )
    report = run([tmp_path])
    assert set(Network.objects.values_list("pk", flat=True)) == {"super", "n1"}
    assert any("here no two prefixes do (R13)" in note for note in report.notes)
    (line,) = report.kept_out
    assert "network n2, prefixes" in line and "(R13)" in line


def test_a_rule_with_host_bits_is_read_as_nftables_reads_it() -> None:
    report = imported("rule-with-host-bits.yaml")
    assert Rule.objects.get().sources == [ip_network("192.168.0.0/16")]
    masked = "192.168.1.0/16 has host bits set; as nftables does, it is read as 192.168.0.0/16."
    assert any(note.endswith(masked) for note in report.notes)


def test_a_description_of_two_lines_is_kept_on_one() -> None:
    report = imported("description-of-two-lines.yaml")
    assert Network.objects.get(pk="n1").description == "Storage of the first floor"
    assert any("it is kept on one line" in note for note in report.notes)


def test_texts_that_are_too_long_are_cut_and_a_line_break_at_the_end_is_none(
    tmp_path: Path,
) -> None:
    text = "d" * 500
    (tmp_path / "all.yaml").write_text(
        f"id: pa\nbootconfig: {{}}\nname: |\n  Pa\ndescription: {text}\n"
    )
    report = run([tmp_path], strict=True)
    row = Partition.objects.get()
    assert (row.name, row.description) == ("Pa", "d" * 399 + "…")
    assert report.notes == [
        "partition pa: description: It has 500 characters; the first 399 are kept."
    ]


@pytest.mark.parametrize("field", ["name", "description"])
def test_texts_are_cut_where_the_columns_end(field: str) -> None:
    longest = {"name": texts.NAME, "description": texts.DESCRIPTION}[field]
    for model in (Partition, Project, Network, Address):
        assert longest_of(model, field) == longest
    assert longest_of(Rule, "comment") == texts.COMMENT


def test_json_with_an_emoji_is_read() -> None:
    imported("json-with-emoji.yaml")
    assert Partition.objects.get().description == "\N{ROCKET}"


def test_hidden_files_are_left_alone_and_json_and_capitals_are_not(tmp_path: Path) -> None:
    imported("hidden-files")
    (tmp_path / ".git").mkdir()
    for name in ("._a.yaml", ".git/b.yaml"):
        (tmp_path / name).write_text("{")
    (tmp_path / "C.YAML").write_text("{id: pc, bootconfig: {}}")
    (tmp_path / "d.json").write_text('{"id": "pd", "bootconfig": {}}')
    run([tmp_path], strict=True)
    assert set(Partition.objects.values_list("pk", flat=True)) == {"pa", "pc", "pd"}


def test_tags_of_addresses_are_kept_as_labels(tmp_path: Path) -> None:
    base = (ODD / "network-without-name.yaml").read_text()
    address = "{ipaddress: 10.64.0.9, networkid: n1, projectid: blue, tags: [a=b, c]}"
    (tmp_path / "all.yaml").write_text(f"{base}\n- {address}\n")
    run([tmp_path], strict=True)
    assert Address.objects.get().labels == {"a": "b", "c": ""}


def test_a_dmz_and_ranges_of_pods_are_recognised(tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(
        "- {id: pa, bootconfig: {}}\n"
        "- {id: super, privatesuper: true, partitionid: pa, prefixes: [10.64.0.0/14],"
        " additionalAnnouncableCIDRs: [10.240.0.0/12]}\n"
        "- {id: dmz, parentnetworkid: super, partitionid: pa, projectid: blue, shared: true,"
        " prefixes: [10.64.0.0/22], destinationprefixes: [0.0.0.0/0], vrf: 5}\n"
    )
    report = run([tmp_path], strict=True)
    dmz = Network.objects.get(pk="dmz")
    assert dmz.shared and dmz.destination_prefixes == []
    dmz_note, pods = (next(n for n in report.notes if word in n) for word in ("MEP-6", "10.240"))
    assert dmz_note.startswith("network dmz: destinationprefixes: It is a DMZ")
    assert pods.startswith("network super: additionalAnnouncableCIDRs: Machines may announce")


def test_a_broken_item_of_a_file_stops_no_other(tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(
        "- {id: pa, bootconfig: {}}\n- words\n- {id: pb, id: pc, bootconfig: {}}\n- {what: ever}\n"
    )
    report = run([tmp_path])
    assert Partition.objects.get().pk == "pa" and report.objects_kept_out == 3


def test_machines_of_one_name_are_told_apart_by_their_ids(tmp_path: Path) -> None:
    dump = Dump(networks=2, machines=3)
    for machine in dump.objects["machines"][:2]:
        machine["allocation"] |= {"name": "web", "hostname": "web"}
    dump.write(tmp_path)
    report = run([tmp_path])
    assert report.kept_out == [] and Machine.objects.filter(name="web").count() == 2
    assert run([tmp_path]).count("changed") == 0 and list(check()) == []
