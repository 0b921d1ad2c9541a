"""Every setting, in one file. A bad value of an environment variable stops the start with one sentence."""

import os
import secrets
from datetime import timedelta
from pathlib import Path

import dj_database_url
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from config.running.embedded import Embedded

BASE_DIR = Path(__file__).resolve().parent.parent


def env(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def env_bool(name: str, default: bool = False) -> bool:
    value = env(name, str(default)).lower()
    if value not in ("1", "0", "true", "false", "yes", "no"):
        raise ImproperlyConfigured(f"{name}={value} is not a yes or no; set it to 1 or 0.")
    return value in ("1", "true", "yes")


def env_int(name: str, default: int) -> int:
    value = env(name, str(default))
    if not value.isdigit():
        raise ImproperlyConfigured(f"{name}={value} is not a number.")
    return int(value)


def env_list(name: str, default: str = "") -> list[str]:
    return [item.strip() for item in env(name, default).split(",") if item.strip()]


def kept_secret(path: Path) -> str:
    """A secret made once and kept in a file that only its owner reads."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(50))
    return path.read_text().strip()


VAR = Path(env("VAR", str(BASE_DIR / "var"))).resolve()
PORT = env_int("PORT", 8000)
DEBUG = env_bool("DEBUG")
HTTPS = env_bool("HTTPS")
SECRET_KEY = env("SECRET_KEY") or kept_secret(VAR / "secret_key")
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env_list("CSRF_TRUSTED_ORIGINS")

# --- servers ---------------------------------------------------------------------------------------------------------
EMBEDDED = Embedded(
    var=VAR,
    postgres=not env("DATABASE_URL"),
    valkey=not env("REDIS_URL"),
    durable=not env_bool("EMBEDDED_NOT_DURABLE"),
)
DATABASES = {
    "default": dj_database_url.parse(
        env("DATABASE_URL", EMBEDDED.database_url), conn_max_age=60, conn_health_checks=True
    )
}
if env_bool(
    "PREPARED_STATEMENTS"
):  # what comes again is planned once per connection; not through a pool that shares those
    DATABASES["default"].setdefault("OPTIONS", {}).update(
        server_side_binding=True, prepare_threshold=5
    )
if DATABASES["default"]["ENGINE"] != "django.db.backends.postgresql":
    raise ImproperlyConfigured(
        "DATABASE_URL must name a PostgreSQL database: the rules live in its constraints and triggers."
    )

CELERY_BROKER_URL = env("REDIS_URL", EMBEDDED.redis_url)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CONCURRENCY = 4
CELERY_WORKER_POOL = "threads"  # one of them carries all pushes of the process on an event loop
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# What a dead worker held comes back after this; reconcile has long queued it again by then, and a claim is exclusive.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 600,
    "socket_connect_timeout": 2,
    "socket_timeout": 30,
}
CELERY_TASK_PUBLISH_RETRY_POLICY = {
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.1,
    "interval_max": 0.2,
}
CELERY_BEAT_SCHEDULE = {
    "reconcile": {"task": "firewalls.tasks.reconcile", "schedule": timedelta(seconds=10)},
    "prune": {"task": "firewalls.tasks.prune", "schedule": timedelta(days=1)},
}
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR / "beat")

CHECK_EVERY = timedelta(
    minutes=env_int("CHECK_MINUTES", 15)
)  # how often every firewall is looked at for drift
REVISIONS_KEPT = env_int(
    "REVISIONS_KEPT", 20
)  # of each firewall, however old; and all that was pushed
REVISIONS_KEPT_DAYS = env_int("REVISIONS_KEPT_DAYS", 90)  # however many
SSH_AGENT = env_bool("SSH_AGENT")  # the keys of the agent at SSH_AUTH_SOCK, instead of a file
SSH_KEY = Path(env("SSH_KEY", str(VAR / "ssh" / "id_ed25519")))
PRACTICE = VAR / "practice"  # the folders of the practice firewalls

# --- Django ----------------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "config",
    "firewalls",
    "machines",
    "networks",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "csp",
    "django_filters",
    "django_htmx",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "pgtrigger",
    "rest_framework",
    "template_partials",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "config.access.callers.CallerMiddleware",
    "config.access.pages.RoleRequiredMiddleware",
    "config.access.idempotency.IdempotencyMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "firewalls.context.navigation",
            ],
        },
    }
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
USE_THOUSAND_SEPARATOR = False
AUTHENTICATION_BACKENDS = ["config.access.authentication.Backend"]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "login"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("MinimumLengthValidator", "CommonPasswordValidator", "NumericPasswordValidator")
]

STATIC_URL = "static/"
STATIC_ROOT = VAR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# --- security --------------------------------------------------------------------------------------------------------
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [SELF],
    }
}
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_NAME = "shared_networks_session"
CSRF_COOKIE_NAME = "shared_networks_csrf"
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = ["^healthz$", "^readyz$", "^metrics$"]
    SECURE_HSTS_SECONDS = 31_536_000

# --- REST ------------------------------------------------------------------------------------------------------------
REST_FRAMEWORK: dict[str, object] = {
    # Tokens first: so that a request without either is answered 401, with the way to do better.
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "config.access.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["networks.common.api.access.RolePermission"],
    "DEFAULT_PAGINATION_CLASS": "networks.common.api.lists.Pages",
    "DEFAULT_FILTER_BACKENDS": [
        "networks.common.api.lists.Filters",
        "rest_framework.filters.SearchFilter",
        "networks.common.api.lists.Ordering",
    ],
    "DEFAULT_RENDERER_CLASSES": [
        "rest_framework.renderers.JSONRenderer",
        "networks.common.api.formats.Browsable",
    ],
    "DEFAULT_PARSER_CLASSES": ["networks.common.api.formats.Json"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "networks.common.api.errors.exception_handler",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Shared Networks",
    "DESCRIPTION": (
        "Networks of a bare-metal cloud, shared under rules, and the firewalls that join them.\n\n"
        '- A broken rule: 400 `{"<field>": [{"message", "code"}]}`; what is said of one item of a list also says `at` which, '
        "as in `1.network`. In use: 409 in the same shape.\n"
        "- Writes with an `Idempotency-Key` are done once and answered alike for 24 hours; another request with the key: 409.\n"
        "- Reads carry an `ETag`; a write whose `If-Match` names an older state: 412. How full a network is and the state of a firewall "
        "move by themselves and make no write stale.\n"
        "- Lists: `limit` (at most 1000), `offset`, `ordering`, `search`, exact filters; `null` finds rows without one, "
        "`labels=key=value` a label. A filter that does not exist is refused.\n"
    ),
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "ENUM_NAME_OVERRIDES": {
        "NetworkKind": "networks.models.Network.Kind",
        "AddressKind": "networks.models.Address.Kind",
        "FirewallState": "firewalls.models.Firewall.State",
        "PushState": "firewalls.models.Push.State",
        "RolloutState": "firewalls.models.Rollout.State",
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

# --- log -------------------------------------------------------------------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "{levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": env("LOG_LEVEL", "WARNING").upper()},
    "loggers": {"asyncssh": {"level": "WARNING"}},
}
