"""What a web process has loaded before its first request."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.db import connection

from config.settings import EMBEDDED
from firewalls.models import Rollout
from tests.pages import visitor
from tests.stack import ROOT

LOADED = """
import gc, sys
import config.wsgi
modules = ("firewalls.views.rollouts", "firewalls.api.rollouts")
print(gc.get_freeze_count() > 50_000, *(name in sys.modules for name in modules))
"""
# As gunicorn calls it: a test client would load much by itself.
REQUESTS = """
import json, sys
from wsgiref.util import setup_testing_defaults
import config.wsgi
from django.db import connection

loaded, answers = [], []
print(json.dumps(connection.connection is not None))

def note(event, arguments):
    if event in ("open", "import"):
        loaded.append(str(arguments[0]))

def begin(status, headers, *error):
    answers.append(status)

sys.addaudithook(note)
for path in sys.argv[2:]:
    cookie = "" if path == "/login/" else sys.argv[1]
    environ = {"PATH_INFO": path, "HTTP_HOST": "localhost", "HTTP_COOKIE": cookie}
    setup_testing_defaults(environ)
    b"".join(config.wsgi.application(environ, begin))
print(json.dumps(answers))
print(json.dumps(loaded))
"""
# A template, its tags and filters, a format or a translation, or anything else of this project.
OURS = rf"^({re.escape(str(ROOT))}/)?(config|firewalls|machines|networks)[./]"
LATE = re.compile(rf"\.html$|templatetags|context_processors|/locale/|{OURS}")


def test_all_pages_are_loaded_before_the_first_request_and_kept_from_the_collector() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout == "True True True\n", done.stderr


@pytest.mark.django_db(transaction=True)
def test_the_first_request_finds_templates_and_formats_loaded_and_no_connection_to_share(
    tmp_path: Path,
) -> None:
    rollout = Rollout.objects.create(cause="the first request")
    pages = [
        "/login/",
        f"/rollouts/{rollout.pk}/",
        "/rollouts/",
        "/networks/",
        "/nowhere/",
        "/api/v1/networks/",
    ]
    cookie = (
        f"{settings.SESSION_COOKIE_NAME}={visitor().cookies[settings.SESSION_COOKIE_NAME].value}"
    )
    done = subprocess.run(
        [sys.executable, "-c", REQUESTS, cookie, *pages],
        cwd=ROOT,
        env=_environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    connected, answers, loaded = map(json.loads, done.stdout.splitlines())
    assert not connected and answers == ["200 OK"] * 4 + ["404 Not Found", "200 OK"], done.stderr
    assert [name for name in loaded if LATE.search(name)] == []


def _environment(var: Path) -> dict[str, str]:
    """This test's database and key, and static files as if they were collected."""
    (var / "static").mkdir()
    names = [path for finder in get_finders() for path, _ in finder.list([])]
    (var / "static" / "staticfiles.json").write_text(
        json.dumps({"version": "1.1", "paths": {name: name for name in names}, "hash": ""})
    )
    base = os.environ.get("DATABASE_URL") or EMBEDDED.database_url
    return {
        **os.environ,
        "VAR": str(var),
        "SECRET_KEY": settings.SECRET_KEY,
        "REDIS_URL": settings.CELERY_BROKER_URL,
        "DATABASE_URL": urlsplit(base)
        ._replace(path=f"/{connection.settings_dict['NAME']}")
        .geturl(),
    }
