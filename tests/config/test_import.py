"""The importer takes metal-api's dumps whole, twice, in any order, and removes nothing."""

from io import StringIO
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from django.core.management import call_command

from config.importer.report import Report
from config.importer.run import run
from firewalls.models import Firewall
from machines.models import Machine
from networks.models import Address, Network, Partition, Project
from tests.config.dumps import DUMP, contents, copy

pytestmark = pytest.mark.django_db
MINI_LAB = Path(__file__).parents[3] / "shared" / "data" / "mini-lab"


def outcomes(report: Report) -> tuple[int, int, int]:
    return report.count("created"), report.count("changed"), report.count("unchanged")


def printed(*args: str) -> str:
    out = StringIO()
    call_command("import", *args, stdout=out)
    return out.getvalue()


@pytest.mark.skipif(not MINI_LAB.is_dir(), reason="the mini-lab dump is not beside this checkout")
def test_mini_lab_is_imported_whole_and_a_second_time_without_a_change() -> None:
    first, before = printed(str(MINI_LAB)), contents()
    assert "7 created, 0 changed, 0 unchanged" in first
    assert "9 rules of no firewall: valid, and kept out" in first
    assert "project 00000000-0000-0000-0000-000000000000: only referred to" in first
    assert "Unknown" not in first and "privatenetworkprefixlength (1)" in first
    assert "0 created, 0 changed, 6 unchanged" in printed(str(MINI_LAB))
    assert contents() == before
    kinds = dict(Network.objects.values_list("id", "kind"))
    assert kinds == {
        "tenant-super-network-mini-lab": "super",
        "internet-mini-lab": "external",
        "underlay-mini-lab": "underlay",
    }
    assert Network.objects.get(kind="super").default_child_prefix_length == {"4": 22, "6": 96}
    assert set(Address.objects.values_list("name", flat=True)) == {"reserve v4", "reserve v6"}


def test_a_dump_is_imported_whole_and_a_second_time_without_a_change() -> None:
    report = run([DUMP])
    assert outcomes(report) == (14, 0, 0) and report.unknown_fields == []
    before = contents()
    assert outcomes(run([DUMP])) == (
        0,
        0,
        13,
    )  # the project that is only referred to has no document
    assert contents() == before


def test_places_and_networks_arrive_with_all_their_fields() -> None:
    run([DUMP])
    north = Partition.objects.get()
    assert (north.id, north.name, north.description) == (
        "north",
        "North",
        "A partition to import in tests",
    )
    assert (north.dns_servers, north.ntp_servers) == (
        [ip_address("192.0.2.53")],
        ["ntp.north.example"],
    )
    assert Project.objects.get(id="blue").tenant == "sky"
    kinds = dict(Network.objects.values_list("id", "kind"))
    assert kinds == {
        "super-north": "super",
        "underlay-north": "underlay",
        "outside": "external",
        "vault": "private",
        "blue-private": "private",
    }
    vault, outside, pool = (
        Network.objects.get(id=id) for id in ("vault", "outside", "super-north")
    )
    assert (vault.shared, vault.shared_by, vault.vrf, vault.parent, vault.project_id) == (
        True,
        "import",
        50,
        pool,
        "green",
    )
    assert vault.labels == {"network.metal-stack.io/partition-storage": ""}
    assert (outside.nat, outside.partition, outside.destination_prefixes) == (
        True,
        None,
        [ip_network("0.0.0.0/0")],
    )
    assert (pool.vrf, pool.default_child_prefix_length) == (None, {"4": 22, "6": 64})
    assert (
        Network.objects.get(id="blue-private").prefixes_text == "10.64.4.0/22, 2001:db8:64:1::/64"
    )


def test_a_firewall_arrives_with_its_networks_addresses_and_rules() -> None:
    run([DUMP])
    firewall = Firewall.objects.get()
    machine = firewall.machine
    assert (firewall.name, machine.asn, machine.primary_id) == (
        "blue-fw",
        4210000302,
        "blue-private",
    )
    assert machine.labels == {"size": "n1-medium", "image": "firewall-3"}
    assert {attachment.network_id for attachment in firewall.attachments.all()} == {
        "vault",
        "outside",
        "underlay-north",
    }
    addresses = {str(address) for address in machine.addresses.all()}
    assert addresses == {"10.64.4.2", "2001:db8:64:1::2", "10.64.0.100", "203.0.113.2", "10.4.0.20"}
    assert firewall.router_id == ip_address("10.4.0.20")
    rules = [
        (rule.direction, rule.protocol, rule.ports, rule.sources, rule.destinations)
        for rule in firewall.rules.order_by("position")
    ]
    assert rules == [
        ("egress", "tcp", ["443"], [], [ip_network("0.0.0.0/0")]),
        ("ingress", "tcp", ["22"], [ip_network("192.0.2.0/24")], [ip_network("10.64.4.0/22")]),
    ]
    assert firewall.wanted is not None and "10.4.0.20" in firewall.wanted.files["/etc/frr/frr.conf"]


def test_machines_arrive_with_their_addresses_and_labels_and_one_without_gets_them_picked() -> None:
    report = run([DUMP])
    vault = Machine.objects.get(name="vault-1")
    assert (vault.asn, vault.primary_id) == (4210000301, "vault")
    assert vault.labels == {
        "rank": "first",
        "spare": "",
        "size": "s2-xlarge",
        "image": "ubuntu-24.04",
    }
    assert {str(address) for address in Machine.objects.get(name="blue-1").addresses.all()} == {
        "10.64.4.1",
        "2001:db8:64:1::1",
    }
    assert (
        any("not allocated, kept out" in note for note in report.notes)
        and Machine.objects.count() == 3
    )


def test_addresses_are_static_where_their_document_says_so() -> None:
    run([DUMP])
    kinds = {str(address): address.kind for address in Address.objects.all()}
    assert {ip for ip, kind in kinds.items() if kind == "static"} == {"203.0.113.77", "10.64.0.9"}
    www = Address.objects.get(name="www")
    assert (str(www), www.machine, www.project_id, www.description) == (
        "203.0.113.77",
        None,
        "blue",
        "Reserved",
    )


def test_fields_that_nobody_knows_are_reported_by_their_place_and_kept_out(tmp_path: Path) -> None:
    report = run(
        [copy(tmp_path, ("networks.yaml", "  nat: true\n", "  nat: true\n  colour: red\n"))]
    )
    (line,) = report.unknown_fields
    assert "networks.yaml, document 2, item 2, line" in line and line.endswith(
        "network outside, colour"
    )
    assert "network outside: colour: Nobody knows this field; it is left out." in report.notes
    assert report.fields_not_kept["liveliness"] == 2


def test_changed_fields_are_changed_and_nothing_else(tmp_path: Path) -> None:
    run([DUMP])
    before = contents()
    changed = copy(
        tmp_path,
        ("networks.yaml", "Shared storage", "Storage for all"),
        ("ips.yml", "name: www", "name: web"),
        ("machines.yaml", "rank=first", "rank=second"),
        ("machines.yaml", "ports: [443]", "ports: [443, 80]"),
    )
    report = run([changed])
    assert outcomes(report) == (0, 4, 9)
    assert "network vault: description: Shared storage -> Storage for all" in report.changes
    assert [rule.ports for rule in Firewall.objects.get().rules.order_by("position")] == [
        ["443", "80"],
        ["22"],
    ]
    assert Machine.objects.get(name="vault-1").labels["rank"] == "second"
    added = {name: len(rows) - len(before[name]) for name, rows in contents().items()}
    assert {name for name, number in added.items() if number} == {
        "firewalls.Revision",
        "firewalls.Touched",
        "networks.Activity",
    }


def test_a_network_that_became_shared_and_one_that_a_firewall_joined_are_brought_up_to_date(
    tmp_path: Path,
) -> None:
    lonely = copy(
        tmp_path,
        ("networks.yaml", "  shared: true\n", "  shared: false\n"),
        (
            "machines.yaml",
            "  - {networkid: vault, networktype: privatesecondaryshared, ips: [10.64.0.100], "
            "asn: 4210000302}\n",
            "",
        ),
    )
    run([lonely])
    assert not Network.objects.get(id="vault").shared
    report = run([DUMP])
    assert Network.objects.get(id="vault").shared_by == "import"
    assert any("networks: vault joined" in change for change in report.changes)
    assert Firewall.objects.get().attachments.filter(network="vault").exists()


def test_what_a_file_no_longer_lists_stays_and_is_noted(tmp_path: Path) -> None:
    run([DUMP])
    fewer = copy(
        tmp_path,
        ("networks.yaml", "- 2001:db8:64:1::/64\n", ""),
        ("machines.yaml", ", '2001:db8:64:1::2'", ""),
    )
    (fewer / "ips.yml").unlink()
    report = run([fewer])
    assert outcomes(report)[:2] == (0, 0)
    assert {
        "network blue-private: prefixes: 2001:db8:64:1::/64 is not in the files; it stays.",
        "firewall blue-fw: allocation.networks[0].ips: No IPv6 address of blue-private is in the "
        "files; here it has 2001:db8:64:1::2 (R10).",
    } <= set(report.notes)
    assert Address.objects.filter(name="www").exists()


def test_a_dry_run_says_what_would_change_and_changes_nothing() -> None:
    before = contents()
    output = printed(str(DUMP), "--dry-run")
    assert (
        "network vault: created" in output and "Dry run, nothing was changed: 14 created" in output
    )
    assert contents() == before


def test_files_and_folders_may_be_mixed_and_a_file_named_twice_counts_once() -> None:
    assert outcomes(run([DUMP / "places.yaml", DUMP, DUMP / "places.yaml"])) == (14, 0, 0)
