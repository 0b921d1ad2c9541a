"""Idempotency-Key: a write that is sent twice is done once, and answered twice.

The key is claimed in the transaction that does the work and keeps the answer. So whoever comes second waits for the first
and is given its answer; and if the first dies in between, nothing of it remains and the second does the work.
"""

from collections.abc import Callable

from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse

from config.access.authentication import bearer
from config.access.models import IdempotentAnswer, Token, digest

API = "/api/"
WRITES = ("POST", "PATCH", "PUT", "DELETE")
KEPT_HEADERS = ("Content-Type", "ETag", "Location", "Allow")
LONGEST = 255
REFUSED, NOT_ANSWERED = 400, 500
ABOUT_THE_CALLER = (401, 403)  # says nothing of the request itself, and may change: not kept


class IdempotencyMiddleware:
    """Answer a repeated write as the first time, for 24 hours."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        key = request.headers.get("Idempotency-Key", "").strip()
        if not key or request.method not in WRITES or not request.path.startswith(API):
            return self.get_response(request)
        user = _user(request)
        if user is None:
            return self.get_response(request)  # 401 by itself
        if len(key) > LONGEST or not key.isprintable():
            return _refusal(
                400,
                "invalid_key",
                f"An Idempotency-Key has at most {LONGEST} printable characters.",
            )
        with transaction.atomic():
            return self._once(request, user, key)

    def _once(self, request: HttpRequest, user: User, key: str) -> HttpResponseBase:
        fingerprint = digest(
            b"\n".join(
                [(request.method or "").encode(), request.get_full_path().encode(), request.body]
            )
        )
        IdempotentAnswer.objects.forget_old(user, key)
        kept, first = IdempotentAnswer.objects.get_or_create(
            user=user, key=key, defaults={"fingerprint": fingerprint}
        )
        if not first:
            return _replay(kept, fingerprint)
        with transaction.atomic():
            response = self.get_response(request)
            if response.status_code >= REFUSED:
                transaction.set_rollback(True)
        if response.status_code >= NOT_ANSWERED or response.status_code in ABOUT_THE_CALLER:
            kept.delete()
        else:
            kept.status, kept.body = response.status_code, getattr(response, "content", b"")
            kept.headers = {name: response[name] for name in KEPT_HEADERS if name in response}
            kept.save()
        return response


def _replay(kept: IdempotentAnswer, fingerprint: str) -> HttpResponse:
    if kept.fingerprint != fingerprint:
        reason = (
            "This Idempotency-Key was used for another request; take a new key for a new request."
        )
        return _refusal(409, "key_reused", reason)
    return HttpResponse(
        bytes(kept.body),
        status=kept.status,
        headers={**kept.headers, "Idempotency-Replayed": "true"},
    )


def _refusal(status: int, code: str, message: str) -> JsonResponse:
    return JsonResponse({"non_field_errors": [{"message": message, "code": code}]}, status=status)


def _user(request: HttpRequest) -> User | None:
    """Who asks: the token's account, or the person logged in."""
    if (text := bearer(request)) is not None:
        token = Token.objects.find(text)
        return token.user if token else None
    return request.user if isinstance(request.user, User) else None
