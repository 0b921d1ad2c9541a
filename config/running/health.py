"""Whether the product works: for load balancers, for scripts, and for whoever is on call."""

import shutil
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import NamedTuple

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, JsonResponse

from config.access.authentication import token_of
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
    """200 if database, broker and a worker answer; or else 503 with what does not.

    Why is for staff and for who brings a token: it may name hosts, users and folders. A disk that
    is full is named first: the others fail for it in ways that do not say so.
    """
    reasons = {name: _failure(check) for name, (check, _) in CHECKS.items()}
    failing = {name: reason for name, reason in reasons.items() if reason}
    if failing and not _may_know_why(request):
        failing = {name: CHECKS[name].for_strangers for name in failing}
    body = {"ready": not failing, "failing": failing}
    return JsonResponse(body, status=HTTPStatus.SERVICE_UNAVAILABLE if failing else HTTPStatus.OK)


def _may_know_why(request: HttpRequest) -> bool:
    """Staff, or a token with a role; nobody is known while the database does not answer."""
    try:
        token = token_of(request)
        user = token.user if token else request.user
        return user.is_staff or (token is not None and user.has_perm("networks.view_network"))
    except Error:
        return False


def _failure(check: Callable[[], None]) -> str:
    try:
        check()
    except Error as error:
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


class Check(NamedTuple):
    """One thing that must work, and what strangers are told where it does not."""

    run: Callable[[], None]
    for_strangers: str


CHECKS = {
    "disk": Check(_disk, "There is too little room on the disk."),
    "database": Check(_database, "The database does not answer."),
    "broker": Check(_broker, "The broker does not answer."),
    "worker": Check(_worker, "No worker answers."),
}
