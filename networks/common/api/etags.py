"""ETags: what a client read, so that it does not overwrite what it has not seen.

A tag has two halves. The first stands for what can be written; If-Match compares it. The second, if
any, stands for what moves by itself (how full a network is, a firewall's state). So If-None-Match
sees every change, and If-Match only edits.
"""

import hashlib
import json
from collections.abc import Collection, Mapping
from typing import Any

from rest_framework.request import Request
from rest_framework.utils.encoders import JSONEncoder

from networks.common.api.errors import Stale


def etag(data: Any, moving: Collection[str] = ()) -> str:
    """The tag of a representation; `moving` names the fields of the second half."""
    if not moving or not isinstance(data, Mapping):
        return f'"{_digest(data)}"'
    written = {field: value for field, value in data.items() if field not in moving}
    return f'"{_digest(written)}.{_digest([data.get(field) for field in moving])}"'


def must_match(request: Request, *current: str) -> None:
    """Raise Stale if the client names a state, and it is none of these."""
    header = request.headers.get("If-Match", "").strip()
    if not header or header == "*":
        return
    accepted = {_written(tag) for tag in header.split(",")}
    if accepted.isdisjoint(_written(tag) for tag in current):
        raise Stale


def unchanged(request: Request, current: str) -> bool:
    """Whether the client has exactly this already."""
    header = request.headers.get("If-None-Match", "").strip()
    return header == "*" or _bare(current) in {_bare(tag) for tag in header.split(",")}


def _digest(data: Any) -> str:
    text = json.dumps(data, cls=JSONEncoder, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _bare(tag: str) -> str:
    """Without quotes, and without the mark that a compressing proxy adds."""
    return tag.strip().removeprefix("W/").strip('"')


def _written(tag: str) -> str:
    """The half that stands for what can be written."""
    return _bare(tag).partition(".")[0]
