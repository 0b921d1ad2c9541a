"""Logging in with a password, at the pages and the admin alike: throttled, and recorded.

A password costs a hash that is slow on purpose. So no more of them are computed than the limits
allow, and never several at once in a process: the others who ask are not kept from their answers.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponseBase

from config.access import knocks, throttle
from config.access.origins import origin
from config.access.throttle import Knock, TooMany

WAITING, WAIT_SECONDS = 1, 3.0  # who may wait while a password is looked at, and how long
_REFUSED_FOR = "login_refused_for"


class Turns:
    """One at a time, and few who wait."""

    def __init__(self, waiting: int, seconds: float) -> None:
        self.seconds = seconds
        self.places = threading.BoundedSemaphore(1 + waiting)
        self.turn = threading.Lock()

    @contextmanager
    def next(self) -> Iterator[None]:
        """Raises TooMany where too many wait, or it takes too long."""
        if not self.places.acquire(blocking=False):
            raise _busy()
        try:
            if not self.turn.acquire(timeout=self.seconds):
                raise _busy()
            try:
                yield
            finally:
                self.turn.release()
        finally:
            self.places.release()


def _busy() -> TooMany:
    return TooMany("Many are logging in at this moment. Try again in 5 seconds.", 5)


turns = Turns(WAITING, WAIT_SECONDS)


def throttled(request: HttpRequest, name: str, is_right: Callable[[], User | None]) -> User | None:
    """Whose name and password these are; asked only as often as the limits allow.

    Raises TooMany otherwise, which is an error of the form that asks.
    """
    knock = Knock(name, origin(request))
    try:
        throttle.enforce(knock)
        with turns.next():
            throttle.enforce(knock)  # others have had their turn meanwhile
            user = is_right()
            locked = 0 if user else throttle.count_wrong_password(knock)
    except TooMany as error:
        setattr(request, _REFUSED_FOR, error.seconds)
        knocks.record_refused_login(name, knock.origin, error.seconds)
        raise
    if user:
        throttle.forgive(knock)
    else:
        knocks.record_refused_login(name, knock.origin, locked)
    return user


def record(sender: object, request: HttpRequest, user: Any, **kwargs: object) -> None:
    """Write down that somebody is logged in; by Django's signal, which comes from every door."""
    if isinstance(user, User) and (where := origin(request)):
        knocks.record_login(user, where)


class TooManyMiddleware:
    """Say by the status, too, that a password was not looked at: 429, and when to come again."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if seconds := getattr(request, _REFUSED_FOR, 0):
            response.status_code = HTTPStatus.TOO_MANY_REQUESTS
            response["Retry-After"] = str(seconds)
        return response


class LoginForm(AuthenticationForm):
    """Name and password, with what is wrong in our words."""

    error_messages = {
        **AuthenticationForm.error_messages,
        "invalid_login": "User name and password do not match."
        " Try again, or ask an admin for a new password.",
    }

    def clean(self) -> dict[str, Any]:
        if self.errors:
            raise forms.ValidationError("Enter your user name and your password.", code="required")
        return super().clean()
