"""Commands, on the embedded servers of a running stack, or running them meanwhile.

What stops one is told in one sentence instead of a traceback: settings, servers, disks.
"""

import errno
import os
import sys
import uuid
from collections.abc import Sequence
from subprocess import SubprocessError

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db import InterfaceError, OperationalError
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import RedisError

from config.running import embedded
from networks.common.audit import Actor, acting

SERVERLESS = {"up", "collectstatic", "help", "version", "--help", "--version", "spectacular"}
FULL = (errno.ENOSPC, errno.EDQUOT)
FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
STOPPING = (
    ImproperlyConfigured,
    SubprocessError,
    OperationalError,
    InterfaceError,
    BrokerError,
    RedisError,
    OSError,
)


def run(arguments: Sequence[str]) -> None:
    """Run `manage.py` with these arguments; ends the process where it cannot be done."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    command = arguments[1] if len(arguments) > 1 else "help"
    actor = Actor(command, "command", str(uuid.uuid4()))
    try:
        with acting(lambda: actor):
            _run(command, arguments)
    except STOPPING as error:
        if reason := sentence(error):
            sys.exit(reason)
        raise


def _run(command: str, arguments: Sequence[str]) -> None:
    if command in SERVERLESS:
        execute_from_command_line(list(arguments))
        return
    with embedded.servers(settings.EMBEDDED):
        execute_from_command_line(list(arguments))


def sentence(error: BaseException) -> str:
    """Why the command was stopped; empty where it is a mistake of ours, which needs its traceback.

    Names places, never passwords: it is for whoever typed the command.
    """
    if isinstance(error, ImproperlyConfigured | SubprocessError):
        return str(error)
    if isinstance(error, OperationalError | InterfaceError):
        reason = _first_line(error)
        return f"PostgreSQL cannot be used: {reason}. Is it running, and DATABASE_URL right?"
    if isinstance(error, BrokerError | RedisError):
        return f"Valkey cannot be used: {_first_line(error)}. Is it running, and REDIS_URL right?"
    return _of_file(error) if isinstance(error, OSError) else ""


def _of_file(error: OSError) -> str:
    where = f" {error.filename}" if error.filename else " what is needed"
    if error.errno in FULL:
        return f"The disk is full, so{where} cannot be written; make room, or choose another VAR."
    if error.errno in FORBIDDEN:
        reason = (error.strerror or "").lower()
        return f"This user may not write{where}: {reason}; choose another VAR, or another user."
    return ""


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0].rstrip(".") if lines else type(error).__name__
