"""Who calls: said to the trail for every request, with the request's id, which the answer carries back."""

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
        given = request.headers.get(HEADER, "")
        id = given if IDENTIFIER.fullmatch(given) else str(uuid.uuid4())
        with acting(lambda: caller(request, id)):
            response = self.get_response(request)
        response[HEADER] = id
        return response


def caller(request: HttpRequest, id: str) -> Actor:
    """The user as known by now (a token's account only once the API has read the token), and the way in."""
    user = getattr(request, "user", None)
    return Actor(user.get_username() if user is not None else "", way_in(request), id)


def way_in(request: HttpRequest) -> str:
    if request.path.startswith("/api/"):
        return "api" if bearer(request) is None else "token"
    return "admin" if request.path.startswith("/admin/") else "browser"
