"""What the first requests of a process would load, loaded before gunicorn forks: no page waits for it, and all processes share it.

Nothing here asks the database: a connection must not be shared by processes.
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
    """All views, and the names of their addresses: these are collected when the first of a namespace is asked for."""
    resolver = get_resolver()
    for nameless in ("", *(f"{namespace}:" for namespace in resolver.namespace_dict)):
        with suppress(NoReverseMatch):  # it is the search that collects them
            reverse(nameless)
    for status in ERRORS:
        resolver.resolve_error_handler(status)


def _named_in_settings() -> None:
    """What settings name by its path, and the first request that needs it would import."""
    for name in (settings.MESSAGE_STORAGE, settings.SESSION_SERIALIZER, settings.CSRF_FAILURE_VIEW):
        import_string(name)
    get_backends()
    get_hashers()


def _templates() -> None:
    """Every template, with its tags and filters; the engine keeps what it has compiled."""
    engine = Engine.get_default()
    _ = engine.template_context_processors
    for folder in [*map(Path, engine.dirs), *get_app_template_dirs("templates")]:
        for path in folder.rglob("*.html"):
            with suppress(
                TemplateSyntaxError
            ):  # some of an app's are for another app that is not here
                get_template(str(path.relative_to(folder)))


def _words() -> None:
    """Translations, the formats of dates and numbers, and the time zone."""
    gettext("Log in")
    for name in formats.FORMAT_SETTINGS:
        formats.get_format(name)
    timezone.get_default_timezone()


def _static_files() -> None:
    """The names under which static files are served, as far as they are collected; the storage reads them when it is made."""
    bool(staticfiles_storage)
