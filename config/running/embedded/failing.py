"""What stops an embedded server from being started, in one sentence."""

import re
from pathlib import Path
from subprocess import SubprocessError

TELLING = re.compile(r"(?:error|FATAL|PANIC|could not|cannot|No space)[:\s].*", re.IGNORECASE)


class ServerFailed(SubprocessError):
    """One sentence: which server, what is wrong, and what to do where that is known."""


def why(program: str, output: str, log: Path) -> ServerFailed:
    """The line of a program's output that says why it failed; the last one if none does."""
    found = TELLING.search(output)
    lines = output.split("\n") if output.strip() else [f"{program} failed"]
    line = found[0] if found else [line for line in lines if line.strip()][-1]
    hint = f"; see {log}" if program == "pg_ctl" else ""
    return ServerFailed(f"PostgreSQL does not run: {line.strip().rstrip('.')}{hint}.")
