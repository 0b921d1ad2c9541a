"""Bad files are refused, every problem with its place and reason, and the database stays."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.importer import documents, files
from config.importer.findings import Problem
from config.importer.judging import entry_of
from config.importer.kinds import KINDS
from config.importer.run import ImportRefused, run
from tests.config.dumps import DUMP, contents, copy

pytestmark = pytest.mark.django_db
ALSO = ("networks.yaml", "Shared storage", "A change that must not stay")
FIREWALL = "7d2f0c4e-5b1a-4c8e-9a77-0c4a3e1f0002"
MACHINE = "7d2f0c4e-5b1a-4c8e-9a77-0c4a3e1f0003"

# What is changed in the dump (file, old, new), and what the refusal says: where, and why.
BROKEN: dict[str, tuple[tuple[str, str, str], str, str]] = {
    "a prefix with host bits": (
        ("networks.yaml", "[10.64.0.0/14,", "[10.64.0.1/14,"),
        "networks.yaml, document 3, line 46, network super-north, prefixes[0]",
        "10.64.0.1/14 has host bits set; the prefix is 10.64.0.0/14.",
    ),
    "a field twice": (
        ("networks.yaml", "vrf: 51\n", "vrf: 51\nnat: true\n"),
        "networks.yaml, document 1, line 18",
        "The field 'nat' is given twice; its first value is in line 13.",
    ),
    "a tab": (
        ("networks.yaml", "  name: Vault", "\tname: Vault"),
        "networks.yaml, line 24",
        "The line is indented with a tab; YAML is indented with spaces.",
    ),
    "a bracket that is not closed": (
        ("rules.yaml", "[53]", "[53"),
        "rules.yaml, line 5",
        "This is not YAML:",
    ),
    "an alias": (
        ("rules.yaml", "ports: [53]", "ports: &all [53]\n  to: *all"),
        "rules.yaml, line 5",
        "The line uses an alias (*name), which is not read here; write the value out.",
    ),
    "a tag": (
        ("rules.yaml", "allow dns", "!!python/object/apply:os.system [date]"),
        "rules.yaml, line 2",
        "The line uses the tag tag:yaml.org,2002:python/object/apply:os.system, "
        "which is not read here",
    ),
    "a NUL character": (
        ("ips.yml", "name: www", 'name: "w\\0w"'),
        "ips.yml, line 5",
        "The line holds a NUL character.",
    ),
    "too many levels": (
        ("rules.yaml", "[53]", "[" * 40 + "]" * 40),
        "rules.yaml, line 4",
        "More than 20 levels are nested here; no object of metal-api is that deep.",
    ),
    "an object of no kind": (
        ("rules.yaml", "ingress: []", "ingress: []\n---\nname: what"),
        "rules.yaml, document 2, line 8, object what",
        "This object cannot be recognised. Its fields fit none of: partition, project, network, "
        "address, machine, rules.",
    ),
    "an object of two kinds": (
        ("ips.yml", "name: www", "prefixes: [10.0.0.0/8]"),
        "ips.yml, document 1, line 2, object 203.0.113.77",
        "It has the fields of network and address at once.",
    ),
    "an object twice": (
        ("ips.yml", "ipaddress: 10.64.0.9", "ipaddress: 203.0.113.2"),
        "ips.yml, document 3, line 16, address 203.0.113.2",
        "This object is given twice; it is also in",
    ),
    "a network that is nowhere": (
        ("ips.yml", "networkid: vault", "networkid: cellar"),
        "ips.yml, document 2, line 11, address 10.64.0.9, networkid",
        "There is no network 'cellar', neither in the files nor in the database.",
    ),
    "a word for a number": (
        ("networks.yaml", "vrf: 51", "vrf: fifty"),
        "networks.yaml, document 1, line 17, network blue-private, vrf",
        "This must be a whole number.",
    ),
    "a quoted flag": (
        ("networks.yaml", "nat: true", "nat: 'true'"),
        "networks.yaml, document 2, item 2, line 38, network outside, nat",
        "This must be true or false.",
    ),
    "an address outside": (
        ("ips.yml", "203.0.113.77", "198.51.100.7"),
        "ips.yml, document 1, line 2, address 198.51.100.7, ipaddress",
        "198.51.100.7 lies in no prefix of outside (203.0.113.0/24) (R11).",
    ),
    "an address of a machine outside": (
        ("machines.yaml", "ips: [10.64.0.100]", "ips: [10.64.8.100]"),
        f"machines.yaml, document 2, line 40, machine {FIREWALL}, allocation.networks[1].ips",
        "10.64.8.100 lies in no prefix of vault (10.64.0.0/22) (R11).",
    ),
    "a VRF id twice": (
        ("networks.yaml", "vrf: 50", "vrf: 51"),
        "networks.yaml, document 2, item 1, line 31, network vault, vrf",
        " already has VRF id 51 (R14).",
    ),
    "prefixes that overlap": (
        ("networks.yaml", "- 10.64.4.0/22", "- 10.64.0.0/21"),
        "networks.yaml, document 2, item 1, line 29, network vault, prefixes",
        "10.64.0.0/22 overlaps 10.64.0.0/21 of blue-private (R13).",
    ),
    "a prefix outside the super network": (
        ("networks.yaml", "- 10.64.4.0/22", "- 10.99.4.0/22"),
        "networks.yaml, document 1, line 10, network blue-private, prefixes",
        "10.99.4.0/22 lies outside the super network's prefixes",
    ),
    "a machine in two networks": (
        ("machines.yaml", "ips: [], asn: 0}", "ips: [], asn: 0}\n  - {networkid: vault, ips: []}"),
        f"machines.yaml, document 3, line 61, machine {MACHINE}, allocation.networks",
        "A machine lives in exactly one network, not in blue-private, vault (R4).",
    ),
    "a firewall of another project": (
        ("machines.yaml", "project: blue\n  role", "project: green\n  role"),
        f"machines.yaml, document 2, line 39, machine {FIREWALL}, allocation.networks",
        "blue-private belongs to project blue; the primary network is of the own project (R7).",
    ),
    "a port that does not exist": (
        ("machines.yaml", "ports: [443]", "ports: [70000]"),
        f"machine {FIREWALL}, allocation.firewall_rules.egress[0].ports",
        "'70000' is not a port such as 443 or a range such as 8000-8100.",
    ),
    "a protocol that rules do not know": (
        ("rules.yaml", "UDP", "SCTP"),
        "rules.yaml, document 1, line 3, rules, egress[0].protocol",
        "Value 'sctp' is not a valid choice.",
    ),
    "a machine without a UUID": (
        ("machines.yaml", "7d2f0c4e-5b1a-4c8e-9a77-0c4a3e1f0004", "node-4"),
        "machines.yaml, document 4, line 63, machine node-4, id",
        "'node-4' is not a UUID; machines have one.",
    ),
    "a super network that is also the underlay": (
        ("networks.yaml", "privatesuper: true\n", "privatesuper: true\nunderlay: true\n"),
        "network super-north, underlay",
        "A network is of one kind, not super and underlay.",
    ),
}

NEW_ONLY = {
    "a VRF id twice",
    "prefixes that overlap",
}  # of objects that are there already, other sentences are true


def refusal(*paths: Path) -> str:
    err = StringIO()
    with pytest.raises(CommandError, match=r"Nothing was imported: \d+ problems? found") as stopped:
        call_command("import", "--strict", *map(str, paths), stderr=err)
    assert stopped.value.returncode == 1
    return err.getvalue()


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_is_refused_with_its_place_and_reason(case: str, tmp_path: Path) -> None:
    change, place, reason = BROKEN[case]
    if case not in NEW_ONLY:
        run([DUMP])
    before = contents()
    printed = refusal(copy(tmp_path, ALSO, change))
    (line,) = [line for line in printed.splitlines() if reason in line] or [printed]
    assert place in line and reason in line
    assert contents() == before


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\x7fELF\x02\x01\x00\x00", "The file is binary or UTF-16; write YAML as UTF-8 text."),
        ("id: büro".encode("utf-16"), "The file is binary or UTF-16; write YAML as UTF-8 text."),
        (
            "---\nid: büro\nbootconfig: {}".encode("latin-1"),
            "The file is not UTF-8 text; convert it first.",
        ),
        (b"- just\n- words\n", "This is not an object with fields."),
        (
            b"id: x\nbootconfig: {}\n? {a: b}\n: c\n",
            "A field's name is a list or object here; names are plain words.",
        ),
        (b"a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", "The line uses an alias"),
        (b"[" * 1_000_000, "More than 20 levels are nested here"),  # libyaml's composer crashes
        (b"- " * 1_000_000, "More than 20 levels are nested here"),
    ],
)
def test_what_is_not_a_dump_at_all_is_refused(content: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / "odd.yaml").write_bytes(content)
    printed = refusal(tmp_path)
    assert "odd.yaml" in printed and reason in printed


def test_missing_empty_and_huge_files_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    assert "This folder holds no *.yaml, *.yml or *.json file." in refusal(tmp_path / "empty")
    assert "There is no such file or folder." in refusal(tmp_path / "nowhere.yaml")
    monkeypatch.setattr(files, "MAX_BYTES", 1024 * 1024)
    (tmp_path / "huge.yaml").write_bytes(b"# " + b"x" * 1024 * 1024)
    assert "The file has more than 1 MiB; split it into several files." in refusal(
        tmp_path / "huge.yaml"
    )


def test_un_sharing_is_refused_with_the_rules_own_sentence(tmp_path: Path) -> None:
    run([DUMP])
    printed = refusal(copy(tmp_path, ("networks.yaml", "  shared: true", "  shared: false")))
    problem = "network vault, shared: A shared network stays shared (R3)."
    assert f"document 2, item 1, line 30, {problem}" in printed


def test_every_problem_is_named_and_what_depends_on_a_bad_object_is_not_blamed(
    tmp_path: Path,
) -> None:
    broken = copy(
        tmp_path,
        (
            "networks.yaml",
            "parentnetworkid: super-north\n  partitionid",
            "parentnetworkid: outside\n  partitionid",
        ),
        ("ips.yml", "type: static\ntags", "type: rented\ntags"),
        ("rules.yaml", "UDP", "SCTP"),
    )
    with pytest.raises(ImportRefused) as refused:
        run([broken], strict=True)
    blamed = [(problem.object.split()[0], problem.field) for problem in refused.value.problems]
    assert sorted(blamed) == [
        ("address", "type"),
        ("network", "parentnetworkid"),
        ("rules", "egress[0].protocol"),
    ]


def test_each_object_is_judged_by_itself(tmp_path: Path) -> None:
    broken = copy(
        tmp_path,
        ("networks.yaml", "[10.64.0.0/14,", "[10.64.0.1/14,"),
        ("networks.yaml", "vrf: 51", "vrf: fifty\ncolour: red"),
    )
    problems: list[Problem] = []
    read = documents.read("networks.yaml", broken / "networks.yaml", problems)
    entries = {entry.id: entry for entry in map(entry_of, read)}
    assert problems == []
    assert {id: [one.field for one in entry.problems] for id, entry in entries.items()} == {
        "blue-private": ["vrf"],
        "vault": [],
        "outside": [],
        "super-north": ["prefixes[0]"],
        "underlay-north": [],
    }
    assert {id for id, entry in entries.items() if entry.doc} == {
        "vault",
        "outside",
        "underlay-north",
    }


# JSON is YAML, and so a way to write any tree.
ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(["10.64.0.0/22", "north", "blue", "vault", "::/0"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "ip", "to", "IPv4"]) | st.text(max_size=5), inner)
    ),
    max_leaves=6,
)


@given(
    st.binary(max_size=300)
    | st.text(alphabet="-[]{}:&*!|>'\"#%@`, \n\tab0\\x", max_size=200).map(str.encode)
)
@settings(
    max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
def test_any_bytes_are_read_or_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "any.yaml"
    path.write_bytes(content)
    problems: list[Problem] = []
    for document in documents.read("any.yaml", path, problems):
        problems += entry_of(document).problems
    assert all(isinstance(problem, Problem) and problem.reason for problem in problems)


KEYS = sorted(
    {key for kind in KINDS.values() for key in kind.MARKS}
    | {"id", "name", "shared", "projectid", "partitionid", "networkid"}
)


@given(st.lists(st.dictionaries(st.sampled_from(KEYS), ODD, min_size=1, max_size=6), max_size=4))
@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
def test_any_objects_are_imported_or_refused(
    tmp_path: Path, objects: list[dict[str, object]]
) -> None:
    (tmp_path / "any.yaml").write_text("".join(f"---\n{json.dumps(one)}\n" for one in objects))
    before = contents()
    try:
        run([tmp_path], dry_run=True, strict=True)
    except ImportRefused as refused:
        assert refused.problems
    assert contents() == before


LINES = [
    (file.name, line)
    for file in sorted(DUMP.iterdir())
    for line in file.read_text().splitlines()
    if ": " in line
]


@given(st.sampled_from(LINES), ODD)
@settings(
    max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
def test_a_dump_with_any_value_replaced_is_imported_or_refused(
    tmp_path_factory: pytest.TempPathFactory, where: tuple[str, str], value: object
) -> None:
    name, line = where
    broken = copy(
        tmp_path_factory.mktemp("odd"),
        (name, line, f"{line.split(': ', 1)[0]}: {json.dumps(value)}"),
    )
    before = contents()
    try:
        run([broken], dry_run=True, strict=True)
    except ImportRefused as refused:
        assert refused.problems
    assert contents() == before
