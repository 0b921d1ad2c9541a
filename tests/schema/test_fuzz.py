"""Whatever is asked for in a URL, it is answered, and never with an error of the product."""

import os
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from firewalls.models import Firewall
from tests.schema.asking import described
from tests.schema.scene import scene
from tests.test_admin import staff

pytestmark = pytest.mark.django_db
EXAMPLES = int(os.environ.get("FUZZ", "20"))
NOT_READY = {"readyz"}  # which is so without a worker, and says so with 503
HOLE = re.compile("<[^>]+>")
TRIED = settings(
    max_examples=EXAMPLES * 15,
    derandomize="FUZZ" not in os.environ,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)
# As they stand in a URL: NUL, percent signs, halves of surrogate pairs, bytes that are no UTF-8.
ODD = (
    "%00 % %25 %25s %25(x)s %ff %ED%A0%80 %EF%BF%BF NaN Infinity -Infinity 1e999 -1 0 1.5 "
    "9223372036854775808 -9223372036854775809 999999999999999999999999999999 null true [] {} "
    "%7B%224%22%3ANaN%7D %7B%224%22%3A1e999%7D [[[[ %22 %27 %5C %0A %0D%0A %E2%80%AE %F0%9F%98%80 "
    "10.0.0.0%2F8 10.0.0.0%2F99 fe80%3A%3A1%25eth0 %3A%3A%2F0 0001-01-01 9999-12-31 "
    "9999-12-31T23%3A59%3A59-23%3A59 0001-01-01T00%3A00%3A00%2B23%3A59 2026-02-30 --id -id,-- "
    "%C2%B2 %D9%A3 __class__ id__regex=( ../../x %3Cscript%3E a%3Db%3D%00 kind:%00"
)
WORST = "%00 %25s NaN 99999999999999999999 %7B%224%22%3ANaN%7D"
values = st.one_of(
    st.sampled_from(ODD.split()),
    st.text(max_size=20).map(lambda text: quote(text.encode("utf-8", "surrogatepass"))),
)
PAGES = "q sort page format before without since until who via kind verb object about request"
ADMINS = "q o p e _facets _popup _to_field all kind__exact id__exact shared__exact next date__year"
FURTHER = f"{PAGES} {ADMINS} state partition project network from to revision file addresses"
QUERIES = "network partition firewall wave view at port address as"


def answered(client: Client, path: str, query: str = "", **headers: str) -> None:
    answer: Any = client.get(path, QUERY_STRING=query, headers=headers)
    assert answer.status_code < 500, (path, query)
    b"".join(answer) if answer.streaming else answer.content


def test_every_filter_of_every_list(published: list[str]) -> None:
    scene()
    client = staff()
    filters = [
        (path, one["name"])
        for path, methods in described()["paths"].items()
        for one in methods.get("get", {}).get("parameters", ())
        if one["in"] == "query" and "{" not in path
    ]
    assert len(filters) >= 150
    for path, name in filters:
        for odd in (ODD if EXAMPLES > 20 else WORST).split():
            answered(client, path, f"{name}={odd}")


def test_every_query_of_every_page_and_of_the_admin(published: list[str]) -> None:
    scene()
    pages = sorted(_pages())
    assert len(pages) >= 100
    client, names = staff(), f"{FURTHER} {QUERIES}".split()
    pairs = st.lists(st.tuples(st.sampled_from(names), values), min_size=1, max_size=3)
    part = {"HX-Request": "true", "HX-Target": "rows", "HX-Current-URL": "http://[/%00"}
    parts = st.sampled_from([{}, {}, part])

    @TRIED
    @given(path=st.sampled_from(pages), query=pairs, headers=parts)
    def asked(path: str, query: list[tuple[str, str]], headers: dict[str, str]) -> None:
        answered(client, path, "&".join(f"{name}={value}" for name, value in query), **headers)

    asked()


def test_odd_ids_in_every_path(published: list[str]) -> None:
    scene()
    client = staff()
    paths = {*_paths(get_resolver().url_patterns)} - NOT_READY
    shapes = {HOLE.sub("{}", path) for path in paths}

    @TRIED
    @given(shape=st.sampled_from(sorted(shapes)), odd=values)
    def asked(shape: str, odd: str) -> None:
        answered(client, f"/{shape.replace('{}', odd)}")

    asked()


def _pages() -> Iterator[str]:
    """Every page that is read, about a row that there is."""
    uuid, number = str(Firewall.objects.get().pk), "1"
    for path in _paths(get_resolver().url_patterns):
        if path.startswith("api/") or path in NOT_READY:
            continue
        about = path.replace("<uuid:pk>", uuid).replace("<int:pk>", number)
        yield "/" + HOLE.sub("shop", about.replace("<path:object_id>", number))


def _paths(patterns: list[Any], before: str = "") -> Iterator[str]:
    """The addresses that Django knows by paths; those of the API it knows by expressions."""
    for pattern in patterns:
        text = str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _paths(pattern.url_patterns, before + text)
        elif isinstance(pattern, URLPattern) and not re.search(r"[\^$(]", before + text):
            yield before + text
