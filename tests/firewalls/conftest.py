"""What the tests of pushes and of the applier share."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from firewalls.device import practice
from tests.conftest import needs
from tests.firewalls.boxes import Boxes, boxes
from tests.firewalls.running import PATIENT, SHELLS, tools

if TYPE_CHECKING:
    from firewalls.models import Firewall
    from tests.world import World


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Boxes]:
    """Practice firewalls behind a real SSH server, which wait long for a confirmation."""
    with boxes(tmp_path_factory.mktemp("practice"), APPLIER_TIMEOUT=PATIENT) as running:
        yield running


@pytest.fixture
def fra(box: Boxes, settings: Any, published: list[str]) -> "World":
    """A partition whose firewalls are reached with the key that opens the practice firewalls."""
    from tests.world import world  # this file is read before Django is set up

    settings.SSH_KEY = box.key
    return world()


@pytest.fixture
def make(fra: "World", box: Boxes) -> "Callable[..., Firewall]":
    """Makes practice firewalls by name, with their host key pinned unless an option says so."""
    shop = fra.private("shop", fra.shop)

    def made(name: str, **options: Any) -> "Firewall":
        target = box.target(name)
        fields = {
            "host": target.host,
            "port": target.port,
            "user": target.user,
            "host_key": target.host_key,
            "practice": True,
        }
        return fra.firewall(name, fra.shop, shop, fra.internet, **(fields | options))

    return made


@pytest.fixture
def firewall_name(request: pytest.FixtureRequest) -> str:
    """A name for the one firewall of a test, which no other test of the module uses."""
    return str(request.node.name).replace("_", "-")[-40:].strip("-")


@pytest.fixture
def firewall(make: "Callable[..., Firewall]", firewall_name: str) -> "Firewall":
    return make(firewall_name)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return practice.ensure_root(tmp_path, "box")


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """How to run the applier: each shell with GNU tools, but busybox with its own.

    Those know no flock.
    """
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
