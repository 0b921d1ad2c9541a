"""Clocks that are really off: a process under libfaketime, and all it starts, is in another hour.

What is monotonic stays right.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

from django.conf import settings
from django.db import connection

from tests.conftest import needs
from tests.stack import ROOT

HOUR = 3600
# Says what time it is there, before and after. libfaketime breaks Python's own sleep: it takes
# its deadline for another clock's.
_WORK = """
import select, time
time.sleep = lambda seconds: select.select([], [], [], seconds)
from firewalls import tasks
print(time.time()); tasks.reconcile(); tasks.work(); print(time.time())
"""


def off_clock(shift: str | Path) -> dict[str, str]:
    """The environment of a process whose clock is off, as in `+1h`.

    By what a file says, if one is named; that may change.
    """
    needs("faketime")
    library = next(Path("/usr").glob("lib*/**/faketime/libfaketime.so.1"))
    off = (
        {"FAKETIME_TIMESTAMP_FILE": str(shift), "FAKETIME_NO_CACHE": "1"}
        if isinstance(shift, Path)
        else {"FAKETIME": shift}
    )
    return {"LD_PRELOAD": str(library), "DONT_FAKE_MONOTONIC": "1", **off}


class OffWorker:
    """A worker process on the database of this test, whose clock is so many hours off."""

    def __init__(self, hours: int) -> None:
        self.hours, self.began = hours, time.time()
        embedded = settings.EMBEDDED
        database = os.environ.get("DATABASE_URL") or embedded.database_url
        before, _, host = database.partition("?")
        named = f"{before.rpartition('/')[0]}/{connection.settings_dict['NAME']}?{host}"
        environment = {
            "DATABASE_URL": named,
            "SSH_KEY": str(settings.SSH_KEY),
            "REDIS_URL": f"{embedded.redis_url}?virtual_host=6",
        }
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "shell", "-v", "0", "-c", _WORK],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **environment, **off_clock(f"{hours:+d}h")},
            text=True,
        )

    def works(self) -> bool:
        """That it has not died."""
        assert self.process.poll() is None, self.process.communicate()
        return True

    def ended(self) -> bool:
        """Whether it ends well, by a clock that is as far off as it should be."""
        try:
            output, complaint = self.process.communicate(timeout=300)
        finally:
            self.process.kill()
        assert self.process.returncode == 0, complaint
        first, last = (float(line) - self.hours * HOUR for line in output.split())
        return self.began - 1 < first <= last < time.time() + 1
