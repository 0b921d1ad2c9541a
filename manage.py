#!/usr/bin/env python3
"""The command line, on the embedded servers of a running stack, or running them meanwhile."""

import os
import sys
import uuid

from django.core.exceptions import ImproperlyConfigured

from config.running.embedded import ServerFailed

SERVERLESS = {"up", "collectstatic", "help", "version", "--help", "--version", "spectacular"}


def main() -> None:
    """Run the command; what stops it from being started is told in one sentence."""
    try:
        _run()
    except (ImproperlyConfigured, ServerFailed) as error:
        sys.exit(str(error))


def _run() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    # After the settings are named.
    from django.core.management import execute_from_command_line  # noqa: PLC0415

    from config import settings  # noqa: PLC0415
    from config.running import embedded  # noqa: PLC0415
    from networks.common.audit import Actor, acting  # noqa: PLC0415

    command = sys.argv[1] if len(sys.argv) > 1 else "help"
    run = Actor(command, "command", str(uuid.uuid4()))
    with acting(lambda: run):
        if command in SERVERLESS:
            execute_from_command_line(sys.argv)
            return
        with embedded.servers(settings.EMBEDDED):
            execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
