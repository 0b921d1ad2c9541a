"""`python -m tests.reader.metal_stack FRR.CONF [NFTRULES …] INSTALL.YAML` prints what is found."""

import argparse
from pathlib import Path

from tests.reader.metal_stack.reading import read
from tests.reader.metal_stack.report import report


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.reader.metal_stack", description=__doc__)
    parser.add_argument("routes", type=Path, metavar="FRR.CONF")
    parser.add_argument("rules", type=Path, nargs="*", metavar="NFTRULES")
    parser.add_argument("facts", type=Path, metavar="INSTALL.YAML")
    given = parser.parse_args()
    reading = read(
        (given.routes.name, given.routes.read_text()),
        {path.name: path.read_text() for path in given.rules},
        (given.facts.name, given.facts.read_text()),
    )
    for line in report(reading):
        print(line)


if __name__ == "__main__":
    main()
