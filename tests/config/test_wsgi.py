"""What a web process has loaded before its first request."""

import subprocess
import sys

from tests.stack import ROOT

LOADED = """
import gc, sys
import config.wsgi
print(gc.get_freeze_count() > 50_000, "firewalls.views.rollouts" in sys.modules, "firewalls.api.rollouts" in sys.modules)
"""


def test_all_pages_are_loaded_before_the_first_request_and_kept_from_the_collector() -> None:
    done = subprocess.run([sys.executable, "-c", LOADED], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout == "True True True\n", done.stderr
