"""`Authorization: Bearer <token>`."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.db import connection
from django.http import HttpRequest
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from config.access.models import Token
from config.access.roles import GRANTED

SCHEME = "Bearer"
_PERMISSIONS = GRANTED.format(user="%(user)s")


class TokenAuthentication(BaseAuthentication):
    """Programs say who they are with a token."""

    def authenticate(self, request: Request) -> tuple[User, Token] | None:
        text = bearer(request)
        if text is None:
            return None
        token = Token.objects.find(text)
        if token is None:
            raise exceptions.AuthenticationFailed(
                "This token is not known, or no longer valid; create a new one."
            )
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return f'{SCHEME} realm="api"'


def bearer(request: Request | HttpRequest) -> str | None:
    """The token that the request carries, if any."""
    scheme, _, text = request.headers.get("Authorization", "").strip().partition(" ")
    return text.strip() if scheme.lower() == SCHEME.lower() else None


class Backend(ModelBackend):
    """Names and passwords as Django checks them; what an account may do is one question, not one for itself and one for its roles."""

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        if (
            not user_obj.is_active
            or user_obj.is_anonymous
            or user_obj.is_superuser
            or obj is not None
        ):
            return super().get_all_permissions(user_obj, obj)
        if not hasattr(user_obj, "_perm_cache"):
            with connection.cursor() as cursor:
                cursor.execute(_PERMISSIONS, {"user": user_obj.pk})
                user_obj._perm_cache = {name for (name,) in cursor.fetchall()}
        return user_obj._perm_cache


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the schema describes it."""

    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": SCHEME.lower(),
            "description": "A token of `manage.py create_token`.",
        }
