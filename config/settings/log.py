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


def without_the_way_there(record: logging.LogRecord) -> bool:
    """Let it through; of what was refused, one line without the traceback of the refusal.

    Anybody can send what is refused, such as a name of no server here, as often as they like.
    """
    status = getattr(record, "status_code", HTTPStatus.INTERNAL_SERVER_ERROR)
    if status < HTTPStatus.INTERNAL_SERVER_ERROR:
        record.exc_info = record.exc_text = None
    return True
