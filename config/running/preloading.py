"""What the first requests of a process would load, loaded before gunicorn forks.

So no page waits for it, and all processes share it. Nothing here asks the database: a connection
must not be shared by processes. Some of it is no documented part of Django, which has no way to ask
for it; tests/config/test_wsgi.py notices where an upgrade leaves something to the first request.
"""

from contextlib import suppress
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_backends
from django.contrib.auth.hashers import get_hashers
from django.contrib.staticfiles.storage import staticfiles_storage
from django.template import Engine, TemplateSyntaxError
from django.template.loader import get_template
from django.template.utils import get_app_template_dirs
from django.urls import NoReverseMatch, get_resolver, reverse
from django.utils import formats, timezone
from django.utils.module_loading import import_string
from django.utils.translation import gettext

ERRORS = (400, 403, 404, 500)


def preload() -> None:
    """Load all of it: a quarter of a second, once."""
    _addresses()
    _named_in_settings()
    _templates()
    _words()
    _static_files()


def _addresses() -> None:
    """All views, and the names of their addresses, which the first search collects."""
    resolver = get_resolver()
    for namespace in ("", *resolver.namespace_dict):
        with suppress(NoReverseMatch):  # it is the search that counts
            reverse(f"{namespace}:" if namespace else "")
    for status in ERRORS:
        resolver.resolve_error_handler(status)


def _named_in_settings() -> None:
    """What settings name by its path."""
    for name in (settings.MESSAGE_STORAGE, settings.SESSION_SERIALIZER, settings.CSRF_FAILURE_VIEW):
        import_string(name)
    get_backends()
    get_hashers()


def _templates() -> None:
    """Every template, with its tags and filters; the engine keeps what it has compiled."""
    engine = Engine.get_default()
    _ = engine.template_context_processors  # loaded when they are first looked at
    folders = [*map(Path, engine.dirs), *get_app_template_dirs("templates")]
    for folder in folders:
        for path in folder.rglob("*.html"):
            # Some templates of an app are for another app that is not here.
            with suppress(TemplateSyntaxError):
                get_template(str(path.relative_to(folder)))


def _words() -> None:
    """Translations, the formats of dates and numbers, and the time zone."""
    gettext("Log in")
    for name in formats.FORMAT_SETTINGS:
        formats.get_format(name)
    timezone.get_default_timezone()


def _static_files() -> None:
    """The names under which static files are served, as far as they are collected."""
    bool(staticfiles_storage)  # a lazy object, which reads them when it is made
