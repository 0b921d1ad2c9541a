"""Pages travel compressed, for a list is five to ten times as long as what is said in it."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware

WHAT = ("text/html", "text/csv", "image/svg+xml")


class PagesCompressed(GZipMiddleware):
    """Compresses what people look at. The API's answers keep their bytes, as their ETags say.

    Nothing can be guessed by the length (BREACH, breachattack.com): the tokens in pages are masked
    anew every time, and Django adds a random number of bytes.
    """

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        if not response.headers.get("Content-Type", "").startswith(WHAT):
            return response
        return super().process_response(request, response)
