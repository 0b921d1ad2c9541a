"""What is worth a line in the log."""

import logging
from http import HTTPStatus


def is_worth_logging(record: logging.LogRecord) -> bool:
    """Whether a request is: not being ready yet is an answer, and no error of the server.

    Django adds the request and the status to what it logs of one.
    """
    path = getattr(getattr(record, "request", None), "path", "")
    status = getattr(record, "status_code", None)
    return path != "/readyz" or status != HTTPStatus.SERVICE_UNAVAILABLE
