"""`manage.py check_firewall NAME`: whether all is on a firewall that a push needs."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from firewalls.device.transport import TransportError
from firewalls.models import Firewall
from firewalls.pushing import needs
from networks.common.violations import counted

MARKS = {"ok": "  ", "note": "i ", "failed": "! ", "skipped": "- "}


class Command(BaseCommand):
    help = (
        "Ask firewalls over SSH whether all is there that a push needs, and print what is well, "
        "what is not, and what to do. Changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("names", nargs="+", metavar="NAME", help="the names of firewalls")

    def handle(self, *args: Any, names: list[str], **options: Any) -> None:
        failed = sum(self._check(name) for name in names)
        if failed:
            raise CommandError(f"{counted(failed, 'thing')} to be put right.")
        self.stdout.write("All is there.")

    def _check(self, name: str) -> int:
        """Print what one firewall says; how much of it failed."""
        firewall = Firewall.objects.with_relations().filter(machine__name=name).first()
        if firewall is None:
            raise CommandError(f"There is no firewall {name}.")
        self.stdout.write(f"{name}:")
        try:
            seen = needs.look(firewall)
        except TransportError as error:
            raise CommandError(str(error)) from error
        for need in seen:
            text = need.text.replace("\n", "\n" + " " * 28)
            self.stdout.write(f"  {MARKS[need.state]}{need.name:<24}{text}")
        return sum(need.state == "failed" for need in seen)
