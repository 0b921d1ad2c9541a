"""ETags: what a client read, so that it does not overwrite what it has not seen.

A tag has two halves. The first stands for what can be written and is what If-Match compares; the second, if any, for what
moves by itself (how full a network is, a firewall's state), so that If-None-Match sees every change and If-Match only edits.
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
    if (
        header
        and header != "*"
        and not {_written(tag) for tag in current} & {_written(tag) for tag in header.split(",")}
    ):
        raise Stale


def unchanged(request: Request, current: str) -> bool:
    """Whether the client has exactly this already."""
    known = request.headers.get("If-None-Match", "")
    return known.strip() == "*" or _bare(current) in {_bare(tag) for tag in known.split(",")}


def _digest(data: Any) -> str:
    return hashlib.sha256(json.dumps(data, cls=JSONEncoder, sort_keys=True).encode()).hexdigest()[
        :24
    ]


def _bare(tag: str) -> str:
    """Without quotes, and without the mark that a compressing proxy adds."""
    return tag.strip().removeprefix("W/").strip('"')


def _written(tag: str) -> str:
    return _bare(tag).partition(".")[0]
