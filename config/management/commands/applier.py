"""`manage.py applier > shared-networks-applier`: the program that firewalls run, as one file."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from firewalls.device import applier_file


class Command(BaseCommand):
    help = "Write the applier, the one program that a firewall runs, to standard output."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        sys.stdout.buffer.write(applier_file.content())
