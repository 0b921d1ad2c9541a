"""`manage.py import PATH…`: metal-api's own YAML, as `metalctl … list -o yaml` prints it."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.importer.progress import NO_PROGRESS, Bar, Progress
from config.importer.report import Report
from config.importer.run import ImportRefused, run
from networks.common.violations import counted

KINDS = {
    "partition": "partitions",
    "project": "projects",
    "network": "networks",
    "address": "addresses",
    "machine": "machines",
    "firewall": "firewalls",
}
OUTCOMES = ("created", "changed", "unchanged")


class Command(BaseCommand):
    help = (
        "Read partitions, projects, networks, addresses, machines and firewalls from metal-api's "
        "YAML. What breaks a rule is kept out, with what depends on it, and the rest goes in. "
        "Running it again changes nothing; changed fields are updated; nothing is ever removed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "paths",
            nargs="+",
            type=Path,
            metavar="PATH",
            help="a YAML or JSON file, or a folder with *.yaml, *.yml and *.json",
        )
        parser.add_argument(
            "--strict", action="store_true", help="all of it or nothing: refuse what is kept out"
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would change, and change nothing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        bar = Bar(sys.stderr) if sys.stderr.isatty() else None
        try:
            report = self._run(options, bar or NO_PROGRESS)
        except ImportRefused as refused:
            for problem in refused.problems:
                self.stderr.write(str(problem))
            number = counted(len(refused.problems), "problem")
            raise CommandError(f"Nothing was imported: {number} found.") from None
        finally:
            if bar:
                bar.end()
        self._print(report, options["dry_run"])

    def _run(self, options: dict[str, Any], progress: Progress) -> Report:
        dry_run, strict = options["dry_run"], options["strict"]
        return run(options["paths"], dry_run=dry_run, strict=strict, progress=progress)

    def _print(self, report: Report, dry_run: bool) -> None:
        for line in report.changes:
            if dry_run or not line.endswith(": created"):
                self.stdout.write(line)
        for line in report.notes:
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
            numbers = {outcome: report.outcomes[kind, outcome] for outcome in OUTCOMES}
            if any(numbers.values()):
                self.stdout.write(f"{plural}: {_spelled(numbers)}")
        self._print_kept_out(report)
        total = _spelled({outcome: report.count(outcome) for outcome in OUTCOMES})
        self.stdout.write(f"Dry run, nothing was changed: {total}" if dry_run else total)

    def _print_kept_out(self, report: Report) -> None:
        if report.strangers:
            kinds = ", ".join(f"{kind} ({n})" for kind, n in sorted(report.strangers.items()))
            self.stdout.write(f"Objects of kinds that are not kept here: {kinds}")
        if report.objects_kept_out:
            self.stdout.write(f"{counted(report.objects_kept_out, 'object')} kept out:")
        for line in report.kept_out:
            self.stdout.write(f"  {line}")


def _spelled(numbers: dict[str, int]) -> str:
    return ", ".join(f"{number} {outcome}" for outcome, number in numbers.items())
