"""What the tests of pushes and of the applier share."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from firewalls.device import practice
from tests.firewalls.boxes import Boxes, boxes
from tests.firewalls.running import PATIENT, interpreters

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
    return re.sub(r"[^a-z0-9]+", "-", str(request.node.name).lower())[-40:].strip("-")


@pytest.fixture
def firewall(make: "Callable[..., Firewall]", firewall_name: str) -> "Firewall":
    return make(firewall_name)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return practice.ensure_root(tmp_path, "box")


@pytest.fixture(params=interpreters())
def python(request: pytest.FixtureRequest) -> dict[str, str]:
    """How to run the applier: with each interpreter of a firewall that is found here."""
    return {"interpreter": interpreters()[request.param]}
