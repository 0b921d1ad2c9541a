"""Idempotency-Key: a write that is sent twice is done once, and answered twice.

The key is claimed in the transaction that does the work and keeps the answer. So whoever comes
second waits for the first and gets its answer; and if the first dies in between, nothing of it
remains, and the second does the work.
"""

from collections.abc import Callable
from http import HTTPStatus

from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse

from config.access.authentication import bearer, token_of
from config.access.models import IdempotentAnswer, digest

API = "/api/"
WRITES = ("POST", "PATCH", "PUT", "DELETE")
KEPT_HEADERS = ("Content-Type", "ETag", "Location", "Allow")
LONGEST_KEY = 255
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
        if len(key) > LONGEST_KEY or not key.isprintable():
            reason = f"An Idempotency-Key has at most {LONGEST_KEY} printable characters."
            return _refusal(HTTPStatus.BAD_REQUEST, "invalid_key", reason)
        with transaction.atomic():
            return self._once(request, user, key)

    def _once(self, request: HttpRequest, user: User, key: str) -> HttpResponseBase:
        fingerprint = _fingerprint(request)
        IdempotentAnswer.objects.forget_old(user, key)
        kept, first = IdempotentAnswer.objects.get_or_create(
            user=user, key=key, defaults={"fingerprint": fingerprint}
        )
        if not first:
            # Whoever has lost the role to write is told that, as with any other write.
            return _replay(kept, fingerprint) if _may_write(user) else self.get_response(request)
        with transaction.atomic():
            response = self.get_response(request)
            if response.status_code >= HTTPStatus.BAD_REQUEST:
                transaction.set_rollback(True)
        if _is_kept(response):
            kept.status = response.status_code
            kept.body = getattr(response, "content", b"")
            kept.headers = {name: response[name] for name in KEPT_HEADERS if name in response}
            kept.save()
        else:
            kept.delete()
        return response


def _may_write(user: User) -> bool:
    return any(".view_" not in permission for permission in user.get_all_permissions())


def _fingerprint(request: HttpRequest) -> str:
    method, path = request.method or "", request.get_full_path()
    return digest(b"\n".join([method.encode(), path.encode(), request.body]))


def _is_kept(response: HttpResponseBase) -> bool:
    """Whether the same request would be answered alike again."""
    status = response.status_code
    return status < HTTPStatus.INTERNAL_SERVER_ERROR and status not in ABOUT_THE_CALLER


def _replay(kept: IdempotentAnswer, fingerprint: str) -> HttpResponse:
    if kept.fingerprint != fingerprint:
        reason = "This Idempotency-Key was used for another request; use a new key for a new one."
        return _refusal(HTTPStatus.CONFLICT, "key_reused", reason)
    return HttpResponse(
        bytes(kept.body),
        status=kept.status,
        headers={**kept.headers, "Idempotency-Replayed": "true"},
    )


def _refusal(status: int, code: str, message: str) -> JsonResponse:
    return JsonResponse({"non_field_errors": [{"message": message, "code": code}]}, status=status)


def _user(request: HttpRequest) -> User | None:
    """The token's account, or the person who is logged in."""
    if bearer(request) is not None:
        token = token_of(request)
        return token.user if token else None
    return request.user if isinstance(request.user, User) else None
