"""What stood in a form whose session had ended: kept over the login, and put back into it.

It lies in the visitor's session on the server, signed, for a short while and for the person alone
who was logged in here before; that is what a signed cookie says. Secrets are never kept.
"""

import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from config.access.refilling import refilled

KEPT_FOR = 30 * 60  # seconds
MOST = 64 * 1024  # characters of one form
COOKIE, COOKIE_DAYS = "shared_networks_who", 30
# Secrets, what proves that somebody has looked, and what the page says of itself.
_NEVER = re.compile(r"pass|key|token|secret|csrf|host_ca|confirm|fingerprint|^initial-|^_", re.I)
_DRAFT, _LOGGED_IN = "draft", "draft_logged_in"
_SALT = "config.access.drafts"
NOTE = (
    '<p class="notice wait" role="status"><span><b>What you had typed is in the form again.</b>'
    " You had been logged out meanwhile, so nothing of it was done: look at it, and send it"
    " once more. Keys, passwords and confirmations are never kept.</span></p>"
)


def keep(request: HttpRequest, page: str) -> bool:
    """Keep what was posted from this page; whether it is kept."""
    who = _who_was_here(request)
    fields = {name: texts for name, texts in request.POST.lists() if not _NEVER.search(name)}
    size = sum(len(name) + sum(map(len, texts)) for name, texts in fields.items())
    if who is None or not fields or size > MOST:
        return False
    draft = {"who": who, "page": page, "action": request.path, "fields": fields}
    request.session[_DRAFT] = signing.dumps(draft, salt=_SALT)
    return True


def is_from_here(request: HttpRequest) -> bool:
    """Whether a page of this server has sent it, as browsers say and other pages cannot deny."""
    return request.headers.get("Origin") == f"{request.scheme}://{request.get_host()}"


def _who_was_here(request: HttpRequest) -> int | None:
    try:
        who: int = signing.loads(request.COOKIES.get(COOKIE, ""), salt=_SALT)
    except signing.BadSignature:
        return None
    return who


def remember(sender: object, request: HttpRequest, user: Any, **kwargs: object) -> None:
    """Have the answer say, to this browser, who was logged in; by Django's signal."""
    if isinstance(user, User):
        setattr(request, _LOGGED_IN, user.pk)


class DraftMiddleware:
    """Puts back into a form what stood in it, once its owner has logged in again."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if who := getattr(request, _LOGGED_IN, None):
            _say_who(response, who)
        if isinstance(response, HttpResponse) and _is_a_page(request, response):
            _put_back(request, response)
        return response


def _say_who(response: HttpResponseBase, who: int) -> None:
    response.set_cookie(
        COOKIE,
        signing.dumps(who, salt=_SALT),
        max_age=COOKIE_DAYS * 24 * 60 * 60,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _is_a_page(request: HttpRequest, response: HttpResponse) -> bool:
    html = response.get("Content-Type", "").startswith("text/html")
    whole = request.headers.get("HX-Request") != "true"
    return request.method == "GET" and response.status_code == HTTPStatus.OK and html and whole


def _put_back(request: HttpRequest, response: HttpResponse) -> None:
    # Whoever has not looked at the session has nobody's page, and needs no database for it.
    if not request.session.accessed or _DRAFT not in request.session:
        return
    if not request.user.is_authenticated:
        return  # the login itself
    draft = _mine(request)
    if draft is None:
        del request.session[_DRAFT]
    elif draft["page"] in (request.path, request.get_full_path()):
        del request.session[_DRAFT]
        page = response.content.decode()
        action, fields = draft["action"], draft["fields"]
        if again := refilled(page, request.path, action, fields, NOTE):
            response.content = again.encode()


def _mine(request: HttpRequest) -> dict[str, Any] | None:
    """The draft, unless it is too old, somebody else's, or not of our making."""
    try:
        draft: dict[str, Any] = signing.loads(request.session[_DRAFT], salt=_SALT, max_age=KEPT_FOR)
    except signing.BadSignature:
        return None
    return draft if draft["who"] == request.user.pk else None
