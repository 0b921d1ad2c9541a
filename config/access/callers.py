"""Who calls: noted for the audit trail, with the request's id, which the answer carries back."""

import re
import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from config.access.authentication import bearer
from networks.common.audit import Actor, acting

HEADER = "X-Request-ID"
IDENTIFIER = re.compile(r"[A-Za-z0-9._-]{1,64}")


class CallerMiddleware:
    """Name the caller and the request to whatever is written meanwhile."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        id = request.headers.get(HEADER, "")
        if not IDENTIFIER.fullmatch(id):
            id = str(uuid.uuid4())
        with acting(lambda: caller(request, id)):
            response = self.get_response(request)
        response[HEADER] = id
        return response


def caller(request: HttpRequest, id: str) -> Actor:
    """The user as far as known by now: a token's account only once the API has read the token."""
    user = getattr(request, "user", None)
    name = "" if user is None else user.get_username()
    return Actor(name, way_in(request), id)


def way_in(request: HttpRequest) -> str:
    """`api` (with a session), `token`, `admin` or `browser`."""
    if request.path.startswith("/api/"):
        return "api" if bearer(request) is None else "token"
    return "admin" if request.path.startswith("/admin/") else "browser"
