"""`manage.py demo`: the demo's world, on an empty database."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.demo import states, world
from config.demo.large import building, folders

SIZES = ("default", "none", "large")
LARGE_IS_THERE = "The large demo is there already"
NOT_EMPTY = "The database is not empty, so no demo was added to it."


class Command(BaseCommand):
    help = (
        "Build the demo partitions with practice firewalls in every state. "
        "A database that is not empty is left as it is."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--size",
            choices=SIZES,
            default="default",
            help="none builds nothing; large has 10,000 machines",
        )
        parser.add_argument(
            "--factor",
            type=float,
            default=1.0,
            help="make the large demo so many times as large, for example 0.1",
        )
        parser.add_argument(
            "--anyway", action="store_true", help="add the demo to a database that is not empty"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        size, may_build = options["size"], options["anyway"] or world.is_empty()
        if size not in SIZES:  # choices do not count for call_command
            raise CommandError(f"There is no demo {size!r}; choose one of {', '.join(SIZES)}.")
        if size == "none":
            self.stdout.write("No demo was asked for.")
        elif size == "default":
            self._build(may_build, options["verbosity"])
        elif building.is_there():
            self._make_missing_folders(options["verbosity"])
        elif may_build:
            self._build_large(options["factor"])
        elif options["verbosity"]:
            self.stdout.write(NOT_EMPTY)

    def _build(self, may_build: bool, verbosity: int) -> None:
        if may_build:
            report = world.build()
            self.stdout.write(f"The demo was built: {report.count('created')} objects created.")
        elif verbosity:
            self.stdout.write(NOT_EMPTY)
        states.establish()

    def _build_large(self, factor: float) -> None:
        self.stdout.write("Building the large demo; this takes a minute or two ...")
        fleet = building.build(factor)
        numbers = {
            "machines": len(fleet.machines) - len(fleet.firewalls),
            "firewalls": len(fleet.firewalls),
            "networks": len(fleet.world.networks),
            "addresses": len(fleet.addresses),
        }
        spelled = ", ".join(f"{number:,} {name}" for name, number in numbers.items())
        self.stdout.write(f"The large demo was built: {spelled}.")

    def _make_missing_folders(self, verbosity: int) -> None:
        number = folders.make_missing()
        if verbosity and number:
            made = f"{number} practice folders were missing, and made"
            self.stdout.write(f"{LARGE_IS_THERE}; {made}.")
        elif verbosity:
            self.stdout.write(f"{LARGE_IS_THERE}.")
