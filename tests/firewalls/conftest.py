"""What the tests of the applier share."""

import shutil
import subprocess
from pathlib import Path

import pytest

from firewalls.device import practice
from tests.conftest import needs
from tests.firewalls.running import SHELLS, tools


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return practice.ensure_root(tmp_path, "box")


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """How to run the applier: each shell with GNU tools, but busybox with its own, which know no flock."""
    needs(request.param)
    found = str(shutil.which(request.param))
    if request.param != "busybox":
        return {"shell": found, "APPLIER_SHELL": found}
    path = tmp_path / "busybox"
    path.mkdir()
    subprocess.run([found, "--install", "-s", str(path)], check=True)
    return {
        "shell": f"{found} sh",
        "APPLIER_SHELL": str(path / "sh"),
        "PATH": tools(tmp_path / "more", "vtysh unshare") + f":{path}",
    }
