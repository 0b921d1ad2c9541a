"""`manage.py bench [name...]`: how fast the core is, one table per benchmark."""

import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config.bench import BENCHMARKS


class Command(BaseCommand):
    help = "Measure, and print one table per benchmark; bench.json in VAR keeps the last figures of each."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("names", nargs="*", metavar="name", help=f"which: {', '.join(BENCHMARKS)}; without names, all of them")

    def handle(self, *args: Any, **options: Any) -> None:
        if unknown := set(options["names"]) - BENCHMARKS.keys():
            raise CommandError(f"There is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}.")
        path = settings.VAR / "bench.json"
        results: dict[str, list[Any]] = json.loads(path.read_text()) if path.exists() else {}
        for name in options["names"] or BENCHMARKS:
            self.stdout.write(f"\n{name}")
            results[name] = []
            for row in BENCHMARKS[name]():
                results[name].append(row)
                self.stdout.write("  " + "  ".join(f"{key} {value:,}" for key, value in row.items()))
            path.write_text(json.dumps(results, indent=2))
        self.stdout.write(f"\nwritten to {path}")
