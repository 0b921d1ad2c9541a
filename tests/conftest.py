"""Tests run against a real PostgreSQL and Valkey: embedded ones of their own, or those named."""

import gc
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

# Random tests try the same things every time, so that they fail for everybody or nobody;
# `--hypothesis-profile=search` goes further.
_UNTIMED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
_STEADY = settings(
    derandomize=True,
    deadline=None,
    suppress_health_check=_UNTIMED,
    phases=[Phase.generate, Phase.shrink],
)
settings.register_profile("steady", _STEADY, max_examples=15, stateful_step_count=40)
settings.register_profile(
    "search", _STEADY, derandomize=False, max_examples=400, stateful_step_count=60
)
settings.load_profile("steady")

# Before Django reads its settings: a folder of this test run alone.
_VAR = tempfile.mkdtemp(prefix="sn-")
os.environ.update(
    VAR=_VAR,
    EMBEDDED_NOT_DURABLE="1",
    PREPARED_STATEMENTS="1",
    DJANGO_SETTINGS_MODULE="config.settings",
)


def pytest_configure(config: pytest.Config) -> None:
    if getattr(config.option, "numprocesses", None) and not hasattr(config, "workerinput"):
        # The processes that run the tests start servers of their own. If they knew the settings
        # before their folder, all would share one.
        del os.environ["DJANGO_SETTINGS_MODULE"]
        shutil.rmtree(_VAR, ignore_errors=True)
        return
    from django.conf import settings

    from config.running import embedded

    stack = ExitStack()
    settings.STATIC_ROOT.mkdir(exist_ok=True)
    stack.callback(shutil.rmtree, _VAR, ignore_errors=True)
    stack.enter_context(embedded.servers(settings.EMBEDDED))
    config.add_cleanup(stack.close)


# These take a minute or more, most of it waiting. Begun first, none is left over at the end, when
# there is nothing to do beside it.
LONGEST = (
    "tests/config/test_survival.py",
    "tests/browser/test_accessibility.py",
    "tests/firewalls/test_applier_exits.py",
    "tests/config/test_up.py",
    "tests/config/test_chaos.py",
    "tests/firewalls/test_next_hops.py",
    "tests/schema/test_schemathesis.py",
    "tests/firewalls/test_transport.py",
    "tests/browser/test_walkthrough.py",
    "tests/firewalls/test_real_box.py",
    "tests/properties/test_traffic.py",
    "tests/config/test_bench.py",
)


# Objects made before the collector looks for cycles among them; Python's own number is 700.
GARBAGE = 50_000


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    file = item.nodeid.partition("::")[0]
    return LONGEST.index(file) if file in LONGEST else len(LONGEST)


def pytest_collection_finish() -> None:
    """Of a million objects that stay, none is looked at again and again for cycles."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE)


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors, for much of it is waiting."""
    return (os.cpu_count() or 1) + 1


@pytest.fixture(autouse=True)
def _plain_static_files(settings: object) -> None:
    """No collectstatic before a test."""
    settings.STORAGES = {  # type: ignore[attr-defined]
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }


@pytest.fixture(autouse=True, scope="session")
def _doors_are_there() -> None:
    """What a test replaces for a moment must not be what a door is imported with, for good."""
    from django.urls import get_resolver

    assert get_resolver().url_patterns


@pytest.fixture(scope="session")
def var() -> Path:
    return Path(_VAR)


_PACKAGES = {
    "nft": "nftables",
    "vtysh": "frr",
    "sshd": "openssh-server",
    "unshare": "util-linux",
    "ssh-agent": "openssh-client",
    "ssh-add": "openssh-client",
    "ip": "iproute2",
    "pgrep": "procps",
    "visudo": "sudo",
    "runuser": "util-linux",
    "systemd-analyze": "systemd",
    "/usr/lib/frr/bgpd": "frr",
    "/usr/lib/frr/frr-reload.py": "frr-pythontools",
    "/lib/systemd/systemd-networkd": "systemd",
}


def needs(*tools: str) -> None:
    """Skip where a tool is missing, with a line that says what to install; in CI that fails."""
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    missing = [tool for tool in tools if not shutil.which(tool, path=path)]
    if missing:
        packages = " ".join(_PACKAGES.get(tool, tool) for tool in missing)
        line = f"{', '.join(missing)} missing: apt-get install {packages}"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(line)


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The names of tasks sent to the broker, instead of sending them."""
    sent: list[str] = []
    monkeypatch.setattr(
        "celery.app.task.Task.apply_async", lambda self, *args, **kwargs: sent.append(self.name)
    )
    yield sent
