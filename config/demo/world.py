"""The demo's partitions, networks and machines, from the dump; all firewalls are practice ones."""

import socket
from contextlib import suppress
from ipaddress import ip_network
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import transaction

from config.demo.mishaps import SILENT_PORT
from config.importer.report import Report
from config.importer.run import run
from firewalls.device import practice
from firewalls.models import Firewall
from networks.models import Network, Partition, Project

DUMP = Path(__file__).parent
# RFC 5737. Who may reach the firewalls' SSH: metal-api's partitions do not say that.
MANAGEMENT = [ip_network("192.0.2.0/24")]


def is_empty() -> bool:
    return not any(model.objects.exists() for model in (Partition, Project, Network))


@transaction.atomic
def build() -> Report:
    """Import the dump, and make its firewalls practice firewalls."""
    report = run([DUMP])
    ids = [id for kind, id in report.keys if kind == "partition"]
    for partition in Partition.objects.filter(pk__in=ids):
        partition.management_prefixes = MANAGEMENT
        partition.save()
    machines = [UUID(id) for kind, id in report.keys if kind == "machine"]
    for firewall in Firewall.objects.filter(pk__in=machines).select_related("machine"):
        firewall.practice = True
        firewall.host = practice.HOST
        firewall.user = practice.user(firewall.name)
        firewall.save(update_fields=["practice", "host", "user"])
    return report


def running_server() -> int | None:
    """The practice server's port, if it runs."""
    with suppress(OSError, ValueError):
        number = int((settings.PRACTICE / "port").read_text())
        with socket.create_connection((practice.HOST, number), timeout=2):
            return number
    return None


def point_to_server(number: int) -> None:
    """Give every practice firewall the server's port and key, and a root folder if it has none."""
    key = practice.host_key(settings.PRACTICE)
    answering = Firewall.objects.filter(practice=True, host=practice.HOST).exclude(port=SILENT_PORT)
    for firewall in answering.select_related("machine"):
        if not (settings.PRACTICE / firewall.name).exists():
            practice.ensure_root(settings.PRACTICE, firewall.name)
        if (firewall.port, firewall.host_key) != (number, key):
            firewall.port = number
            firewall.host_key = key
            firewall.save(update_fields=["port", "host_key"])
