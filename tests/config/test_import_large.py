"""Dumps with every documented field, and with twenty odd objects among hundreds of good ones."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from config.checking import check
from config.importer.progress import Bar, Progress
from config.importer.report import Report
from config.importer.run import run
from firewalls.models import Firewall
from machines.models import Machine
from networks.models import Address, ImportNote, Network, Partition
from tests.config.dumps import contents
from tests.config.generated import Dump, Object, uuid

pytestmark = pytest.mark.django_db


def imported_twice(folder: Path) -> Report:
    """The report of the first time; the second time changes nothing, and every rule holds."""
    first = run([folder])
    before = contents()
    again = run([folder])
    assert (again.count("created"), again.count("changed")) == (0, 0), again.changes
    assert again.kept_out == first.kept_out and contents() == before
    assert list(check()) == []
    return first


def test_a_dump_with_every_documented_field_goes_in_whole(tmp_path: Path) -> None:
    dump = Dump()
    report = imported_twice(dump.write_yaml(tmp_path))
    assert report.count("created") == len(list(dump)) and report.kept_out == []
    assert report.unknown_fields == [] and report.strangers == {}
    assert (Firewall.objects.count(), Machine.objects.count()) == (3, 12)
    assert all(firewall.wanted is not None for firewall in Firewall.objects.all())
    label = {"machine.metal-stack.io/id": uuid(1)}
    assert Address.objects.get(address="10.0.0.2").labels == label
    noted = set(ImportNote.objects.values_list("field", flat=True))
    assert noted == {"additionalAnnouncableCIDRs"}


def test_written_together_is_as_written_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Dump().write(tmp_path)
    run([folder])
    together = _comparable()
    for name in ("firewalls_firewall", "networks_address", "machines_machine", "networks_network"):
        with connection.cursor() as cursor:
            cursor.execute(f'TRUNCATE "{name}" CASCADE')
    Partition.objects.all().delete()
    monkeypatch.setattr("config.importer.writing.writer.saved_together", lambda docs, context: [])
    run([folder])
    assert _comparable() == together


def _comparable() -> dict[str, list[tuple[object, ...]]]:
    """What two imports have made alike: no times, and no numbers of rows."""
    machine = ("id", "name", "asn", "labels", "primary", "project", "partition")
    address = ("address", "kind", "name", "description", "labels", "machine", "project")
    network = ("id", "name", "kind", "vrf", "shared", "shared_by", "shared_reason", "labels")
    joined = ("pk", "attachments__network", "attachments__place", "wanted__files", "uplinks")
    rules = ("pk", "rules__direction", "rules__position", "rules__ports", "rules__sources")
    return {
        "machines": list(Machine.objects.order_by("pk").values_list(*machine)),
        "addresses": list(Address.objects.order_by("address").values_list(*address)),
        "networks": list(Network.objects.order_by("pk").values_list(*network)),
        "prefixes": list(
            Network.objects.order_by("pk", "prefixes__cidr").values_list(
                "pk", "prefixes__cidr", "prefixes__child"
            )
        ),
        "joined": list(Firewall.objects.order_by("pk", "attachments__place").values_list(*joined)),
        "rules": list(Firewall.objects.order_by("pk", "rules__direction").values_list(*rules)),
    }


def private(dump: Dump, place: int) -> Object:
    return next(one for one in dump.objects["networks"] if one["name"] == f"net-{place}")


def machine(dump: Dump, place: int, index: int) -> Object:
    return dump.objects["machines"][place * dump.machines + index]


def extra(dump: Dump, kind: str, like: Object, **fields: object) -> None:
    dump.objects[kind].append({**like, **fields})


def use(dump: Dump, place: int, index: int) -> Object:
    uses: list[Object] = machine(dump, place, index)["allocation"]["networks"]
    return uses[0]


# Each of them makes a dump odd, and says how many objects are kept out because of that.
ODD: dict[str, tuple[int, Callable[[Dump], object]]] = {
    "an unknown type": (
        1,
        lambda d: extra(d, "networks", private(d, 1), id="x1", networktype="Child"),
    ),
    "a VRF that is taken": (
        1,
        lambda d: extra(d, "networks", d.internet, id="x2", prefixes=["192.0.2.0/28"]),
    ),
    "a prefix that overlaps": (
        1,
        lambda d: extra(d, "networks", private(d, 2), id="x3", vrf=99001),
    ),
    "host bits": (
        1,
        lambda d: extra(
            d, "networks", private(d, 3), id="x4", vrf=99002, prefixes=["10.12.0.1/22"]
        ),
    ),
    "outside its super": (
        1,
        lambda d: extra(
            d, "networks", private(d, 3), id="x5", vrf=99003, prefixes=["10.99.0.0/22"]
        ),
    ),
    "a second super": (
        1,
        lambda d: extra(d, "networks", d.super, id="x6", prefixes=["10.112.0.0/12"]),
    ),
    "a network of nobody": (
        1,
        lambda d: extra(
            d,
            "networks",
            private(d, 3),
            id="x7",
            vrf=99004,
            prefixes=["10.13.0.0/22"],
            projectid="",
        ),
    ),
    "a partition that is nowhere": (
        1,
        lambda d: extra(d, "networks", private(d, 3), id="x8", vrf=99005, partitionid="moon"),
    ),
    "an address outside": (
        1,
        lambda d: extra(d, "ips", d.objects["ips"][0], ipaddress="203.0.113.1"),
    ),
    "an address of a network that is nowhere": (
        1,
        lambda d: extra(d, "ips", d.objects["ips"][0], ipaddress="203.0.113.2", networkid="cellar"),
    ),
    "a broadcast address": (
        1,
        lambda d: extra(d, "ips", d.objects["ips"][0], ipaddress="10.0.3.255"),
    ),
    "an address of another kind": (
        1,
        lambda d: extra(d, "ips", d.objects["ips"][0], ipaddress="10.0.0.200", type="rented"),
    ),
    "a machine with the address of another": (
        1,
        lambda d: use(d, 4, 1).update(ips=use(d, 4, 2)["ips"]),
    ),
    "a machine with the AS number of another": (
        1,
        lambda d: use(d, 5, 1).update(asn=use(d, 5, 2)["asn"]),
    ),
    "a machine of another project": (
        1,
        lambda d: machine(d, 6, 1)["allocation"].update(project=private(d, 1)["projectid"]),
    ),
    "a machine whose name is none": (
        1,
        lambda d: machine(d, 7, 1)["allocation"].update(name="No Name", hostname="No Name"),
    ),
    "a machine in a network that is kept out": (1, lambda d: use(d, 8, 1).update(networkid="x1")),
    "a firewall whose rule has no port": (
        2,  # and its loopback, which only a firewall may have
        lambda d: machine(d, 9, 0)["allocation"].update(
            firewall_rules={"egress": [{"protocol": "tcp", "ports": [], "to": []}]}
        ),
    ),
    "no object": (1, lambda d: d.objects["ips"].append("words")),  # type: ignore[arg-type]
    "an object of no kind": (1, lambda d: d.objects["ips"].append({"what": "ever"})),
}


def test_twenty_odd_objects_among_five_hundred_keep_no_other_out(tmp_path: Path) -> None:
    dump = Dump(networks=16, machines=9)
    good = len(list(dump))
    assert good > 500 and len(ODD) == 20
    for _, spoil in ODD.values():
        spoil(dump)
    report = imported_twice(dump.write(tmp_path))
    assert report.objects_kept_out == sum(number for number, _ in ODD.values()), report.kept_out
    assert report.count("created") == len(list(dump)) - report.objects_kept_out
    assert ImportNote.objects.objects_by_verdict()["kept_out"] == report.objects_kept_out


def test_the_queries_do_not_grow_with_the_objects(tmp_path: Path) -> None:
    run([Dump("p-9", 9, first=9000).write(tmp_path / "there")])
    costs = []
    for number, machines in enumerate((3, 30)):
        dump = Dump(f"p-{number}", number, networks=4, machines=machines, first=1 + number * 1000)
        folder = dump.write(tmp_path / dump.partition)
        with CaptureQueriesContext(connection) as first:
            run([folder])
        with CaptureQueriesContext(connection) as again:
            run([folder])
        costs.append((len(first), len(again)))
    assert costs[0] == costs[1]


class Watched(Progress):
    def __init__(self) -> None:
        self.total = self.done = 0

    def begin(self, total: int) -> None:
        self.total = total

    def advance(self, number: int) -> None:
        self.done += number


def test_progress_ends_when_every_object_is_done(tmp_path: Path) -> None:
    dump = Dump()
    dump.objects["ips"].append({"what": "ever"})
    watched = Watched()
    run([dump.write(tmp_path)], progress=watched)
    assert watched.done == watched.total == len(list(dump))


def test_the_bar_is_one_line_that_is_written_only_where_it_changes() -> None:
    class Out:
        text = ""

        def write(self, text: str) -> int:
            self.text += text
            return len(text)

        def flush(self) -> None: ...

    out = Out()
    bar = Bar(out)  # type: ignore[arg-type]
    bar.begin(10_000)
    for _ in range(10_000):
        bar.advance(1)
    assert out.text.endswith(f"[{'#' * 40}] 100 % of 10,000 objects")
    assert out.text.count("\r") < 150 and "\n" not in out.text
    bar.end()
    assert out.text.endswith("\r")
