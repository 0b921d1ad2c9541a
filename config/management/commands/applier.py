"""`manage.py applier > shared-networks-applier`: the program for firewalls, to be installed there."""

from typing import Any

from django.core.management.base import BaseCommand

from firewalls.device import applier_file


class Command(BaseCommand):
    help = "Write the applier, the one program that a firewall runs, to standard output."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.buffer.write(applier_file.content())
