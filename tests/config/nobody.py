"""Doing something as another user of this machine, which takes root."""

import os
import pwd
import traceback
from collections.abc import Callable

import pytest

OTHER = "nobody"


def needs_root() -> None:
    """Skip, unless this is root; in CI it is."""
    if os.geteuid() != 0:
        line = "only root can try what another user can do: run the tests as root"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(line)


def as_nobody(action: Callable[[], object]) -> str:
    """What it returns, or what it raises, as text: done by a user without any rights."""
    needs_root()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            user = pwd.getpwnam(OTHER)
            os.setgroups([])
            os.setgid(user.pw_gid)
            os.setuid(user.pw_uid)
            result = str(action())
        except BaseException as error:
            result = "".join(traceback.format_exception_only(error)).strip()
        os.write(writing, result.encode())
        os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading) as pipe:
        return pipe.read()
