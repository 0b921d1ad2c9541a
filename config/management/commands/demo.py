"""`manage.py demo`: the demo's world, on an empty database."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.demo import states, world
from config.demo.large import building, folders

SIZES = ("default", "none", "large")
OTHERWISE = {
    "large": "The large demo is there already.",
    "full": "The database is not empty, so no demo was added to it.",
}


class Command(BaseCommand):
    help = "Build the demo partitions with practice firewalls in every state. A database that is not empty is left as it is."

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
        if options["size"] not in SIZES:  # choices do not count for call_command
            raise CommandError(
                f"There is no demo {options['size']!r}; choose one of {', '.join(SIZES)}."
            )
        if options["size"] == "none":
            self.stdout.write("No demo was asked for.")
            return
        if options["size"] == "large":
            self._large(**options)
            return
        if options["anyway"] or world.is_empty():
            report = world.build()
            self.stdout.write(f"The demo was built: {report.count('created')} objects created.")
        elif options["verbosity"]:
            self.stdout.write(OTHERWISE["full"])
        states.establish()

    def _large(self, **options: Any) -> None:
        if building.is_there():
            made = folders.make_missing()
            told = (
                f"The large demo is there already; {made} practice folders were missing, and made."
                if made
                else OTHERWISE["large"]
            )
        elif options["anyway"] or world.is_empty():
            self.stdout.write("Building the large demo; this takes a minute or two ...")
            fleet = building.build(options["factor"])
            numbers = {
                "machines": len(fleet.machines) - len(fleet.firewalls),
                "firewalls": len(fleet.firewalls),
            }
            numbers |= {"networks": len(fleet.world.networks), "addresses": len(fleet.addresses)}
            self.stdout.write(
                "The large demo was built: "
                + ", ".join(f"{number:,} {name}" for name, number in numbers.items())
                + "."
            )
            return
        else:
            told = OTHERWISE["full"]
        if options["verbosity"]:
            self.stdout.write(told)
