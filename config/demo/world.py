"""The demo's partitions, networks, machines and practice firewalls, imported from the dump."""

from ipaddress import ip_address, ip_network
from pathlib import Path
from uuid import UUID

from django.db import transaction

from config.importer.report import Report
from config.importer.run import run
from firewalls.device import practice
from firewalls.models import Firewall
from firewalls.publishing import publish
from machines.models import Machine
from networks.models import Network, Partition, Project

DUMP = Path(__file__).parent
# metal-api's partitions do not say who may reach the firewalls' SSH; the prefix is of RFC 5737.
MANAGEMENT = [ip_network("192.0.2.0/24")]
PROXY = ip_address("10.128.4.100")  # shop-fw's own in backup-fra
# The discard service, which nobody runs any more: a firewall at this port does not answer.
SILENT = 9


def is_empty() -> bool:
    return not any(model.objects.exists() for model in (Partition, Project, Network))


@transaction.atomic
def build() -> Report:
    """Import the dump, and make its firewalls practice firewalls."""
    report = run([DUMP])
    _set_management(_imported(report, "partition"))
    _make_practice_firewalls(_imported(report, "machine"))
    _publish_proxy()
    return report


def _imported(report: Report, kind: str) -> list[str]:
    """The ids of the imported objects of this kind."""
    return [id for one, id in report.keys if one == kind]


def _set_management(partitions: list[str]) -> None:
    for partition in Partition.objects.filter(pk__in=partitions):
        partition.management_prefixes = MANAGEMENT
        partition.save()


def _make_practice_firewalls(machines: list[str]) -> None:
    ids = [UUID(id) for id in machines]
    for firewall in Firewall.objects.filter(pk__in=ids).select_related("machine"):
        firewall.practice = True
        firewall.host = practice.HOST
        firewall.user = practice.user(firewall.name)
        firewall.save(update_fields=["practice", "host", "user"])


def _publish_proxy() -> None:
    """How the machines in backup-fra, which has no firewall of its own, get to the internet."""
    publish(
        firewall=Firewall.objects.get(machine__name="shop-fw"),
        network=Network.objects.get(pk="backup-fra"),
        address=PROXY,
        by="demo",
        machine=Machine.objects.get(name="shop-web-2"),
        port=3128,
        target_port=3128,
        purpose="http-proxy",
    )
