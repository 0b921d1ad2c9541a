"""`Authorization: Bearer <token>`."""

from typing import Any, cast

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from config.access import knocks, throttle
from config.access.logins import throttled
from config.access.models import Token
from config.access.origins import origin
from config.access.permissions import permissions_of

SCHEME = "Bearer"
_KNOWN = "known_token"


class TokenAuthentication(BaseAuthentication):
    """Programs authenticate with a token."""

    def authenticate(self, request: Request) -> tuple[User, Token] | None:
        if bearer(request) is None:
            return None
        if token := token_of(request):
            return token.user, token
        if seconds := refused_for(request):
            raise exceptions.Throttled(seconds, "Too many refused tokens from your address.")
        raise exceptions.AuthenticationFailed(
            "This token is not known, or no longer valid; create a new one."
        )

    def authenticate_header(self, request: Request) -> str:
        return f'{SCHEME} realm="api"'


def bearer(request: Request | HttpRequest) -> str | None:
    """The token that the request carries, if any."""
    scheme, _, text = request.headers.get("Authorization", "").strip().partition(" ")
    return text.strip() if scheme.lower() == SCHEME.lower() else None


def token_of(request: Request | HttpRequest) -> Token | None:
    """The valid token that the request carries, looked up once; a refused one is recorded.

    A valid one is never throttled: it is too random to be guessed, and finding it costs one cheap
    digest and one query. So somebody's wrong tokens stop no program that comes from there too.
    """
    django = cast(HttpRequest, getattr(request, "_request", request))
    if not hasattr(django, _KNOWN):
        setattr(django, _KNOWN, _looked_up(django))
    token, _ = getattr(django, _KNOWN)
    return cast(Token | None, token)


def refused_for(request: Request | HttpRequest) -> int:
    """How many seconds whoever sent this refused token is told to wait; 0 if none."""
    django = getattr(request, "_request", request)
    _, seconds = getattr(django, _KNOWN, (None, 0))
    return int(seconds)


def _looked_up(request: HttpRequest) -> tuple[Token | None, int]:
    text = bearer(request)
    if text is None:
        return None, 0
    if token := Token.objects.find(text):
        return token, 0
    where = origin(request)
    knocks.record_refused_token(text, where)
    return None, throttle.count_refused_token(where)


class Backend(ModelBackend):
    """Names and passwords as Django checks them, and what an account may do by one query of ours.

    Who asks over the net is throttled; Django's forms show the refusal as any other error.

    Django asks twice, for the account and for its groups, by queries that the ORM composes anew
    each time. That takes 1.9 ms of the web server's processor time, and this 0.2.
    """

    @sensitive_variables("password")
    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        def is_right() -> User | None:
            return ModelBackend.authenticate(self, request, username, password, **kwargs)

        if request is None or username is None or password is None:
            return is_right()
        return throttled(request, username, is_right)

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        is_ordinary = user_obj.is_active and not (user_obj.is_anonymous or user_obj.is_superuser)
        if is_ordinary and obj is None:
            return permissions_of(user_obj)
        return super().get_all_permissions(user_obj, obj)


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
