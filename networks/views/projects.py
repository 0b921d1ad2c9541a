"""Projects as the options of a field that names one."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from networks.models import Project

MOST = 20


def project_options(request: HttpRequest) -> HttpResponse:
    """Those that may be meant by what is typed so far."""
    text = request.GET.get("project", "").replace("\0", "").strip()
    rows = Project.objects.matching(text) if text else Project.objects.all()
    return render(request, "networks/project_options.html", {"projects": rows[:MOST]})
