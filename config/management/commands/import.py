"""`manage.py import PATH…`: metal-api's own YAML, as `metalctl … list -o yaml` prints it."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.importer.report import Report
from config.importer.run import ImportRefused, run

KINDS = {
    "partition": "partitions",
    "project": "projects",
    "network": "networks",
    "address": "addresses",
    "machine": "machines",
    "firewall": "firewalls",
}


class Command(BaseCommand):
    help = (
        "Read partitions, projects, networks, addresses, machines and firewalls from metal-api's YAML, all of it or nothing. "
        "Running it again changes nothing; changed fields are updated; nothing is ever removed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "paths",
            nargs="+",
            type=Path,
            metavar="PATH",
            help="a YAML file, or a folder with *.yaml and *.yml",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would change, and change nothing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = run(options["paths"], dry_run=options["dry_run"])
        except ImportRefused as refused:
            for problem in refused.problems:
                self.stderr.write(str(problem))
            number = len(refused.problems)
            raise CommandError(
                f"Nothing was imported: {number} problem{'s' if number > 1 else ''} found."
            ) from None
        self._tell(report, options["dry_run"])

    def _tell(self, report: Report, dry_run: bool) -> None:
        listed = [line for line in report.changes if dry_run or not line.endswith(": created")]
        for line in [*listed, *report.notes]:
            self.stdout.write(line)
        if report.unknown_fields:
            self.stdout.write("Unknown fields, kept out:")
        for line in report.unknown_fields:
            self.stdout.write(f"  {line}")
        if report.fields_not_kept:
            names = ", ".join(
                f"{name} ({number})" for name, number in sorted(report.fields_not_kept.items())
            )
            self.stdout.write(f"Fields of metal-api that are not kept here: {names}")
        for kind, plural in KINDS.items():
            numbers = {
                outcome: report.outcomes[kind, outcome]
                for outcome in ("created", "changed", "unchanged")
            }
            if any(numbers.values()):
                self.stdout.write(f"{plural}: {_spelled(numbers)}")
        total = {outcome: report.count(outcome) for outcome in ("created", "changed", "unchanged")}
        self.stdout.write(("Dry run, nothing was changed: " if dry_run else "") + _spelled(total))


def _spelled(numbers: dict[str, int]) -> str:
    return ", ".join(f"{number} {outcome}" for outcome, number in numbers.items())
