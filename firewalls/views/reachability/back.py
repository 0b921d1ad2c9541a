"""The way back to a question from the page that does what its answer says."""

from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme


def question(request: HttpRequest) -> str:
    """The question that the URL names as where to go afterwards; empty where it names none.

    Nothing else of this site, and nothing of another one.
    """
    back = request.GET.get("back", "")
    ours = back.startswith(f"{reverse('firewalls:reachability')}?")
    return back if ours and url_has_allowed_host_and_scheme(back, allowed_hosts=None) else ""
