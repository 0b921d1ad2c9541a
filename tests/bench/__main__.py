"""`python -m tests.bench [name...]`: how fast the core is; without names, every benchmark."""

import os
import sys
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path

import django
from django.conf import settings

from config.running import embedded


def main(arguments: list[str]) -> None:
    options = _parser().parse_args(arguments)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    # The benchmarks import models, which is possible only now.
    from tests.bench import against, tables

    if problem := tables.unknown(options.names):
        sys.exit(problem)
    if options.against:
        names = options.names or list(tables.BENCHMARKS)
        against.compare(options.against, names, options.rounds, _write)
    else:
        with embedded.servers(settings.EMBEDDED):
            tables.measure(options.names, _write)


def _parser() -> ArgumentParser:
    parser = ArgumentParser(prog="python -m tests.bench", description="How fast the core is.")
    parser.add_argument("names", nargs="*", metavar="name", help="a benchmark; without, all")
    parser.add_argument(
        "--against",
        type=Path,
        metavar="FOLDER",
        help="compare with another checkout of this project, in turns",
    )
    parser.add_argument(
        "--rounds",
        type=_at_least_one,
        default=3,
        metavar="N",
        help="how often each checkout has its turn (default: 3)",
    )
    return parser


def _at_least_one(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise ArgumentTypeError(f"{text} is not a number of rounds; name one of 1 or more")
    return int(text)


def _write(text: str) -> None:
    print(text, end="", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
