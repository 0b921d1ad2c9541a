"""Every setting, from top to bottom: the place, servers, workers, Django, security, REST, log."""

from datetime import timedelta
from pathlib import Path

from csp.constants import NONE, SELF

from config.running.embedded import Embedded
from config.running.environment import (
    env,
    env_bool,
    env_folder,
    env_hosts,
    env_int,
    env_list,
    env_port,
    env_prefixes,
    env_secret,
)
from config.running.kept_secrets import kept_secret
from config.running.server_urls import broker_url, database
from config.settings import rest
from config.settings.log import is_worth_logging, without_the_way_there

BASE_DIR = Path(__file__).resolve().parents[2]
VAR = env_folder("VAR", BASE_DIR / "var")
PORT = env_port("PORT", 8000)
DEBUG = env_bool("DEBUG")
HTTPS = env_bool("HTTPS")
SECRET_KEY = env_secret("SECRET_KEY") or kept_secret(VAR / "secret_key", 50)
ALLOWED_HOSTS = env_hosts("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env_list("CSRF_TRUSTED_ORIGINS")
# Whose X-Forwarded-For is believed. HTTPS=1 says that there is a proxy: on this machine, if unsaid.
TRUSTED_PROXIES = env_prefixes("TRUSTED_PROXIES", "127.0.0.0/8,::1" if HTTPS else "")

# --- servers ---
EMBEDDED = Embedded(
    var=VAR,
    postgres=not env("DATABASE_URL"),
    valkey=not env("REDIS_URL"),
    durable=not env_bool("EMBEDDED_NOT_DURABLE"),
)
DATABASES = {"default": database("DATABASE_URL", EMBEDDED.database_url)}
# What comes again is planned once per connection; not through a pooler, which shares connections.
if env_bool("PREPARED_STATEMENTS"):
    prepared = {"server_side_binding": True, "prepare_threshold": 5}
    DATABASES["default"].setdefault("OPTIONS", {}).update(prepared)

# --- workers ---
CELERY_BROKER_URL = broker_url("REDIS_URL", EMBEDDED.redis_url)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CONCURRENCY = 4
CELERY_WORKER_POOL = "threads"  # one of them carries all pushes of the process on an event loop
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# After this the task of a worker that died is sent again. What it was about was queued again by
# reconcile long before, and a claim is exclusive.
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
# A round that no worker took in time is not made up for: after a day without workers, the first one
# would otherwise reconcile 8,640 times. A minute, because the clocks of two machines may differ.
CELERY_BEAT_SCHEDULE = {
    "reconcile": {
        "task": "firewalls.tasks.reconcile",
        "schedule": timedelta(seconds=10),
        "options": {"expires": 60},
    },
    "prune": {
        "task": "firewalls.tasks.prune",
        "schedule": timedelta(days=1),
        "options": {"expires": 24 * 60 * 60},
    },
}
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR / "beat")

# How often every firewall is inspected for drift.
CHECK_EVERY = timedelta(minutes=env_int("CHECK_MINUTES", 15))
# What is kept of each firewall: so many, however old; those of so many days; and all pushed ones.
REVISIONS_KEPT = env_int("REVISIONS_KEPT", 20)
REVISIONS_KEPT_DAYS = env_int("REVISIONS_KEPT_DAYS", 90)
SSH_AGENT = env_bool("SSH_AGENT")  # the keys of the agent at SSH_AUTH_SOCK, instead of a file
SSH_KEY = Path(env("SSH_KEY", str(VAR / "ssh" / "id_ed25519")))
PRACTICE = VAR / "practice"  # the folders of the practice firewalls

# --- Django ---
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
    "config.running.redirects.SameMethod",
    "config.running.compression.PagesCompressed",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "config.running.paths.FinalSlash",
    "config.running.paths.NoNul",
    "config.running.answers.ErrorsHavePages",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "config.access.callers.CallerMiddleware",
    "config.access.logins.TooManyMiddleware",
    "config.access.drafts.DraftMiddleware",
    "config.access.pages.RoleRequiredMiddleware",
    "config.access.idempotency.IdempotencyMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "config.access.laws.LawsMiddleware",
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

# --- security ---
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
CSRF_FAILURE_VIEW = "config.running.answers.csrf_failed"
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = ["^healthz$", "^readyz$", "^metrics$"]
    SECURE_HSTS_SECONDS = 31_536_000

# --- REST ---
REST_FRAMEWORK = rest.FRAMEWORK
SPECTACULAR_SETTINGS = rest.SPECTACULAR

# --- log ---
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "worth_logging": {"()": "django.utils.log.CallbackFilter", "callback": is_worth_logging},
        "short": {"()": "django.utils.log.CallbackFilter", "callback": without_the_way_there},
    },
    "formatters": {"plain": {"format": "{levelname} {name}: {message}", "style": "{"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "plain", "filters": ["short"]}
    },
    "root": {"handlers": ["console"], "level": env("LOG_LEVEL", "WARNING").upper()},
    "loggers": {
        "asyncssh": {"level": "WARNING"},
        "waitress.queue": {"level": "ERROR"},  # that requests wait for a moment is no news
        "django.request": {"filters": ["worth_logging"]},
    },
}
