"""How the web server is started: here, so that benchmarks measure what `make run` runs."""

import sys

from django.conf import settings

HOST = "127.0.0.1"
WORKERS, THREADS = 2, 4


def command(port: int) -> list[str]:
    """gunicorn on this port, for programs and people on this machine."""
    options = {
        "bind": f"{HOST}:{port}",
        "workers": str(WORKERS),
        "worker-class": "config.running.buffering.BufferingWorker",
        "threads": str(THREADS),
        "worker-tmp-dir": str(settings.VAR),
        "env": "PREPARED_STATEMENTS=1",
        "log-level": "warning",
        "timeout": "60",
    }
    command = [sys.executable, "-m", "gunicorn", "config.wsgi", "--preload"]
    for name, value in options.items():
        command += [f"--{name}", value]
    return command
