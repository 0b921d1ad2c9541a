"""Changing one's own password, as everybody may who logs in with one."""

from typing import Any

from django import forms
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.models import User
from django.contrib.auth.views import PasswordChangeView
from django.contrib.messages.views import SuccessMessageMixin
from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import reverse_lazy

from config.access.logins import throttled


class OwnPasswordForm(PasswordChangeForm):
    """The old password, which is tried no more often than at the login, and a new one twice."""

    error_messages = {
        **PasswordChangeForm.error_messages,
        "password_incorrect": "This is not your password. Try again.",
    }

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        self.request = request
        super().__init__(*args, **kwargs)

    def clean_old_password(self) -> str:
        typed: str = self.cleaned_data["old_password"]
        known = throttled(
            self.request,
            self.user.get_username(),
            lambda: self.user if self.user.check_password(typed) else None,
        )
        if known is None:
            reason = self.error_messages["password_incorrect"]
            raise forms.ValidationError(reason, code="password_incorrect")
        return typed


class OwnPassword(SuccessMessageMixin, PasswordChangeView):  # type: ignore[type-arg]
    """Everybody who logs in with a password may change it; other sessions of theirs end."""

    template_name = "password.html"
    form_class = OwnPasswordForm
    success_url = reverse_lazy("password")
    success_message = "Your password was changed. Elsewhere you are logged out."

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not isinstance(request.user, User) or not request.user.has_usable_password():
            raise Http404  # a program's account
        return super().dispatch(request, *args, **kwargs)

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "request": self.request}
