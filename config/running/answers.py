"""What is answered where no view answers: JSON for programs, a page of the product for people.

None of it asks the database, so it is the same while that is away; only what somebody has typed and
may not be done is kept there.
"""

import sys
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.exceptions import (
    DisallowedHost,
    RequestDataTooBig,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotAllowed,
    JsonResponse,
)
from django.template import loader
from django.urls import reverse

from config.access import drafts
from config.access.pages import LoggedOut, page_before
from config.running.failures import Failure, failure_of

FOR_PROGRAMS = ("/api/", "/healthz", "/readyz", "/metrics")
RETRY_AFTER_SECONDS = 5
SAFE = ("GET", "HEAD", "OPTIONS")
MIB = 1024 * 1024
NOT_ALLOWED = "Your role does not allow this. Ask an admin."

UNCLEAR = Failure(
    HTTPStatus.BAD_REQUEST,
    "bad_request",
    "Bad request",
    "The request was not understood. Go back and try again.",
)
UNKNOWN_HOST = Failure(
    HTTPStatus.BAD_REQUEST,
    "unknown_host",
    "This is not our name",
    "The server does not go by the name in this address. Use the one that you were given,"
    " or have an admin add it to ALLOWED_HOSTS.",
)
TOO_MANY = Failure(
    HTTPStatus.BAD_REQUEST,
    "too_many_fields",
    "Too many fields at once",
    f"A form has at most {settings.DATA_UPLOAD_MAX_NUMBER_FIELDS:,} fields, so nothing of this"
    " was done. Choose fewer rows, and do the others afterwards.",
)
TOO_LARGE = Failure(
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "too_large",
    "Too much at once",
    f"A request has at most {settings.DATA_UPLOAD_MAX_MEMORY_SIZE / MIB:.3g} MiB,"
    " so nothing of this was done. Send it in parts.",
)
NOT_FOUND = Failure(
    HTTPStatus.NOT_FOUND,
    "not_found",
    "Not found",
    "There is nothing at this address. It may have been removed or freed.",
)
OLD_FORM = Failure(
    HTTPStatus.FORBIDDEN,
    "old_form",
    "This page was too old",
    "It was opened before somebody logged in or out in this browser, or the browser keeps no"
    " cookies, so nothing of this was done. Open the page again, and do it there.",
)
OLD_FORM_KEPT = OLD_FORM._replace(
    message="It was opened before somebody logged in or out in this browser, so nothing of this was"
    " done. What you had typed is kept for half an hour: open the page again, and it is in the"
    " form."
)
ONLY_BY_BUTTON = Failure(
    HTTPStatus.METHOD_NOT_ALLOWED,
    "method_not_allowed",
    "Only by a button",
    "There is no page at this address: a button of another page sends what is done here.",
)
LOG_IN = Failure(
    HTTPStatus.FORBIDDEN,
    "logged_out",
    "Log in again",
    "You were logged out meanwhile, so nothing of this was done. Log in, and do it once more.",
)

LOG_IN_KEPT = LOG_IN._replace(
    message="You were logged out meanwhile, so nothing of this was done. What you had typed is"
    " kept for half an hour: log in as before, and it is in the form again."
)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's handler of requests that it cannot read, or does not want to."""
    return answered(request, unreadable(exception))


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's handler of PermissionDenied."""
    if isinstance(exception, LoggedOut):
        failure = LOG_IN_KEPT if exception.kept else LOG_IN
        return answered(request, failure, ("Log in", exception.login_url))
    message = str(exception or "") or NOT_ALLOWED
    failure = Failure(HTTPStatus.FORBIDDEN, "permission_denied", "Not allowed", message)
    return answered(request, failure)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's handler of addresses where there is nothing."""
    return answered(request, NOT_FOUND)


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's CSRF_FAILURE_VIEW; the reason is in the log. What was typed here is kept."""
    page = page_before(request)
    kept = drafts.is_from_here(request) and drafts.keep(request, page)
    return answered(request, OLD_FORM_KEPT if kept else OLD_FORM, ("Open the page again", page))


def failed(request: HttpRequest) -> HttpResponse:
    """Django's handler of errors that nobody else has handled; it logs them as well."""
    failure = failure_of(sys.exc_info()[1], safe=request.method in SAFE)
    answer = answered(request, failure)
    if failure.status == HTTPStatus.SERVICE_UNAVAILABLE:
        answer["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return answer


def unreadable(error: Exception | None) -> Failure:
    """What is wrong with a request that Django refuses to read."""
    if isinstance(error, RequestDataTooBig):
        return TOO_LARGE
    if isinstance(error, TooManyFieldsSent | TooManyFilesSent):
        return TOO_MANY
    return UNKNOWN_HOST if isinstance(error, DisallowedHost) else UNCLEAR


def answered(
    request: HttpRequest, failure: Failure, way_out: tuple[str, str] | None = None
) -> HttpResponse:
    """The failure as who asks can read it; `way_out`: what the page's button says, and its link."""
    if is_for_programs(request.path):
        return JsonResponse(as_json(failure), status=failure.status)
    return HttpResponse(as_page(failure, way_out), status=failure.status)


def is_for_programs(path: str) -> bool:
    return path.startswith(FOR_PROGRAMS)


def as_json(failure: Failure) -> dict[str, Any]:
    """In the shape that every refusal of the API has."""
    return {"non_field_errors": [{"message": failure.message, "code": failure.code}]}


def as_page(failure: Failure, way_out: tuple[str, str] | None = None) -> str:
    # Without the request: what other pages show would have to be read from the database.
    label, url = way_out or ("Back to the overview", reverse("firewalls:overview"))
    return loader.render_to_string("failed.html", {**failure._asdict(), "label": label, "url": url})


class ErrorsHavePages:
    """Middleware: a page that only takes what is posted says so, where Django answers nothing."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if isinstance(response, HttpResponseNotAllowed) and not response.content:
            response.content = answered(request, ONLY_BY_BUTTON).content
        return response
