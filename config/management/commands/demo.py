"""`manage.py demo`: the demo's world, on an empty database."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.demo import states, world

SIZES = ("default", "none", "large")


class Command(BaseCommand):
    help = "Build the demo partitions with practice firewalls in every state. A database that is not empty is left as it is."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--size", choices=SIZES, default="default", help="none builds nothing; large is not there yet")
        parser.add_argument("--anyway", action="store_true", help="add the demo to a database that is not empty")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["size"] not in SIZES:  # choices do not count for call_command
            raise CommandError(f"There is no demo {options['size']!r}; choose one of {', '.join(SIZES)}.")
        if options["size"] == "none":
            self.stdout.write("No demo was asked for.")
            return
        if options["size"] == "large":
            self.stderr.write("This version has no large demo yet; it builds the default one.")
        if options["anyway"] or world.is_empty():
            report = world.build()
            self.stdout.write(f"The demo was built: {report.count('created')} objects created.")
        elif options["verbosity"]:
            self.stdout.write("The database is not empty, so no demo was added to it.")
        states.show()
