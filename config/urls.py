"""Every address of the product."""

from django.conf import settings
from django.contrib import admin
from django.contrib.auth import views as auth
from django.contrib.auth.decorators import login_not_required
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from config.access.logins import LoginForm
from config.access.own_password import OwnPassword
from config.api import Nothing
from config.running import health, metrics

handler400 = "config.running.answers.bad_request"
handler403 = "config.running.answers.forbidden"
handler404 = "config.running.answers.not_found"
handler500 = "config.running.answers.failed"
urlpatterns = [
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", metrics.metrics),
    # Browsers ask for it where a page names no icon: the admin's, and the documentation's.
    path(
        "favicon.ico",
        login_not_required(
            RedirectView.as_view(url=f"/{settings.STATIC_URL.strip('/')}/favicon.svg")
        ),
    ),
    path("admin/", admin.site.urls),
    path("api/v1/", include("config.api")),
    re_path("^api/", Nothing.as_view()),
    path("", include("firewalls.urls")),
    path("", include("machines.urls")),
    path("", include("networks.urls")),
    path(
        "login/",
        auth.LoginView.as_view(
            template_name="login.html", redirect_authenticated_user=True, form_class=LoginForm
        ),
        name="login",
    ),
    path("password/", OwnPassword.as_view(), name="password"),
    path("logout/", auth.LogoutView.as_view(), name="logout"),
]
