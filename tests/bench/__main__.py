"""`python -m tests.bench [name...]`: how fast the core is; without names, every benchmark."""

import os
import sys

import django


def main(names: list[str]) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django.conf import settings

    from config.running import embedded
    from tests.bench.tables import measure, unknown

    if problem := unknown(names):
        sys.exit(problem)
    with embedded.servers(settings.EMBEDDED):
        measure(names, lambda text: print(text, end="", flush=True))


if __name__ == "__main__":
    main(sys.argv[1:])
