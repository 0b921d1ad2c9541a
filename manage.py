#!/usr/bin/env python3
"""The command line of the product; an older Python, which could not read it, is told so."""

import sys

NEEDED = (3, 11)


def main() -> None:
    """Run the command that was typed."""
    if sys.version_info < NEEDED:
        found = ".".join(map(str, sys.version_info[:2]))
        sys.exit(f"Python 3.11 or newer is needed; this is {found}.")
    # Only from here on: the product's own modules are written for that Python.
    from config.running.starting import run  # noqa: PLC0415

    run(sys.argv)


if __name__ == "__main__":
    main()
