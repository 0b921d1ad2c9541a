"""What waitress answers by itself, where a request never comes to Django, in the product's words.

Loaded by a worker once Django is there, for it draws pages.
"""

import json
from http import HTTPStatus

from waitress.channel import HTTPChannel
from waitress.task import ErrorTask

from config.running.answers import TOO_LARGE, UNCLEAR, as_json, as_page, is_for_programs
from config.running.failures import UNKNOWN, Failure

WORDS = {
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: TOO_LARGE,
    HTTPStatus.INTERNAL_SERVER_ERROR: UNKNOWN,
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: Failure(
        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
        "headers_too_large",
        "Too long an address",
        "The address and the headers of a request have at most 64 KiB together,"
        " so nothing of this was done. Choose less at once.",
    ),
    HTTPStatus.NOT_IMPLEMENTED: Failure(
        HTTPStatus.NOT_IMPLEMENTED,
        "encoding_not_supported",
        "Not understood",
        "A request comes whole or in chunks, and in no other Transfer-Encoding.",
    ),
}


class Refusal(ErrorTask):  # type: ignore[misc]
    """JSON, or a page for who asks for one where the API is not."""

    def execute(self) -> None:
        status = HTTPStatus(self.request.error.code)
        failure = WORDS.get(status, UNCLEAR)
        wants_page = "text/html" in self.request.headers.get("ACCEPT", "")
        path = getattr(self.request, "path", "")  # there is none where its first line is no request
        if wants_page and path and not is_for_programs(path):
            kind, text = "text/html; charset=utf-8", as_page(failure)
        else:
            kind, text = "application/json", json.dumps(as_json(failure))
        body = text.encode()
        self.status = f"{status.value} {status.phrase}"
        self.response_headers.append(("Content-Type", kind))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class Channel(HTTPChannel):  # type: ignore[misc]
    """A connection that refuses in these words."""

    error_task_class = Refusal
