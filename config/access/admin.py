"""The tokens of programs in Django's admin: made, shown once, and ended."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from config.access.models import DAYS, Token
from config.access.roles import ROLES
from networks.common.admin import RowAdmin
from networks.common.forms import AllocationForm

admin.site.site_header = admin.site.site_title = "Shared Networks"
admin.site.index_title = "Everything, for support staff"


class TokenAddForm(AllocationForm):
    """A new token with a service account of its own."""

    role = forms.ChoiceField(choices=[(role, role) for role in ROLES])
    days = forms.IntegerField(min_value=1, initial=DAYS, help_text="How long it is valid.")

    class Meta:
        model = Token
        fields = ["name", "role", "days"]

    def allocate(self) -> Token:
        token, self.text = Token.objects.issue(**self.cleaned_data)
        return token


@admin.register(Token)
class TokenAdmin(RowAdmin):
    list_display = ["name", "role", "created_at", "expires_at", "last_used_at"]
    list_filter = ["user__groups", "expires_at"]
    search_fields = ["name"]
    fields = ["name", "role", "created_at", "expires_at", "last_used_at"]
    readonly_fields = ["role", "created_at", "last_used_at"]
    fixed = ("name",)
    add_form = TokenAddForm

    def get_queryset(self, request: HttpRequest) -> QuerySet[Token]:
        return super().get_queryset(request).prefetch_related("user__groups")

    def save_model(self, request: HttpRequest, obj: Token, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if isinstance(form, TokenAddForm):
            obj.text = form.text  # type: ignore[attr-defined]

    def response_add(
        self, request: HttpRequest, obj: Token, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Show the token on a page of its own, this once: its text is kept nowhere."""
        context = {
            **self.admin_site.each_context(request),
            "title": f"Token {obj.name}",
            "token": obj,
            "opts": self.opts,
        }
        response = TemplateResponse(request, "admin/config/token/created.html", context)
        response["Cache-Control"] = "no-store"
        return response
