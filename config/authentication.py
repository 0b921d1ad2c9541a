"""`Authorization: Bearer <token>`."""

from django.contrib.auth.models import User
from django.http import HttpRequest
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from config.models import Token

SCHEME = "Bearer"


class TokenAuthentication(BaseAuthentication):
    """Programs say who they are with a token."""

    def authenticate(self, request: Request) -> tuple[User, Token] | None:
        text = bearer(request)
        if text is None:
            return None
        token = Token.objects.find(text)
        if token is None:
            raise exceptions.AuthenticationFailed("This token is not known, or no longer valid; create a new one.")
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return f'{SCHEME} realm="api"'


def bearer(request: Request | HttpRequest) -> str | None:
    """The token that the request carries, if any."""
    scheme, _, text = request.headers.get("Authorization", "").strip().partition(" ")
    return text.strip() if scheme.lower() == SCHEME.lower() else None


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the schema describes it."""

    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": SCHEME.lower(), "description": "A token of `manage.py create_token`."}
