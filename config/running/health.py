"""Whether the product works: for load balancers, for scripts, and for whoever is on call."""

import shutil
import time
from collections.abc import Callable
from http import HTTPStatus

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, JsonResponse

from config.celery import app
from config.running.failures import failure_of

WORKER_COUNTS_FOR_SECONDS = 3.0
LEAST_FREE = 32 << 20  # bytes: two segments of PostgreSQL's log of writes
_worker_answered_at = 0.0


@login_not_required
def healthz(request: HttpRequest) -> HttpResponse:
    """The process is up."""
    return HttpResponse("ok\n", content_type="text/plain")


@login_not_required
def readyz(request: HttpRequest) -> JsonResponse:
    """200 if database, broker and a worker answer; or else 503 with what does not, and why.

    A disk that is full is named first: the others fail for it in ways that do not say so.
    """
    checks = {
        "disk": _failure(_disk),
        "database": _failure(_database),
        "broker": _failure(_broker),
        "worker": _failure(_worker),
    }
    failing = {name: reason for name, reason in checks.items() if reason}
    body = {"ready": not failing, "failing": failing}
    return JsonResponse(body, status=HTTPStatus.SERVICE_UNAVAILABLE if failing else HTTPStatus.OK)


def _failure(check: Callable[[], None]) -> str:
    try:
        check()
    except Error as error:  # in words that name no server: anybody may ask
        return failure_of(error, safe=True).message
    except Exception as error:  # whatever it is, it is the answer
        return str(error) or type(error).__name__
    return ""


def _disk() -> None:
    free = shutil.disk_usage(settings.VAR).free
    if free < LEAST_FREE:
        raise OSError(f"only {free >> 20} MiB are left on the disk of {settings.VAR}")


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _broker() -> None:
    with app.connection_for_read() as broker:
        broker.ensure_connection(max_retries=1, timeout=2)


def _worker() -> None:
    global _worker_answered_at  # noqa: PLW0603 - a process-wide memory of the last answer
    if time.monotonic() - _worker_answered_at < WORKER_COUNTS_FOR_SECONDS:
        return
    if not app.control.ping(timeout=1.0, limit=1):
        raise ConnectionError("no worker answers")
    _worker_answered_at = time.monotonic()
