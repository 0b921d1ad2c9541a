"""What the schema says of every operation, and of what was once wrong in it."""

from typing import Any

import pytest

from tests.schema.asking import described

pytestmark = pytest.mark.django_db
READS, WRITES = {"304"}, {"409", "413", "415"}
ALWAYS = {"400", "401", "403", "404", "406", "429", "500", "503"}


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return described()


def test_every_operation_names_its_errors_and_headers(schema: dict[str, Any]) -> None:
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            codes = {*operation["responses"]}
            headers = {
                one["name"] for one in operation.get("parameters", ()) if one["in"] == "header"
            }
            stale = {"412"} if "{" in path else set()
            assert codes >= ALWAYS | (READS if method == "get" else WRITES | stale), path
            if method == "get":
                assert headers == {"If-None-Match"}
                assert operation["responses"]["200"]["headers"]["ETag"]["required"]
            else:
                assert headers == {"Idempotency-Key"} | ({"If-Match"} if stale else set())


def test_all_that_is_shown_is_shown_always(schema: dict[str, Any]) -> None:
    left_out = {"Answer": {"reason", "remedy"}}  # where nothing is in the way
    for name, component in schema["components"]["schemas"].items():
        if "properties" in component and not name.endswith("Request") and name != "Error":
            always = component["properties"].keys() - left_out.get(name, set())
            assert sorted(component["required"]) == sorted(always), name


def test_only_the_audit_trail_speaks_of_its_objects(schema: dict[str, Any]) -> None:
    speakers = [
        name for name, one in schema["components"]["schemas"].items() if "/Object'" in str(one)
    ]
    assert speakers == ["Activity"]


def test_requests_have_the_limits_of_what_they_are_written_to(schema: dict[str, Any]) -> None:
    made = schema["components"]["schemas"]["NetworkRequest"]["properties"]
    given, derived = made["id"]["oneOf"]
    assert given["maxLength"] == 63 and given["pattern"].startswith("^[A-Za-z0-9]")
    assert derived["maxLength"] == 0
    name = schema["components"]["schemas"]["PartitionRequest"]["properties"]["name"]
    assert (name["minLength"], name["maxLength"]) == (1, 120)
    lengths = made["default_child_prefix_length"]["properties"]
    assert (lengths["4"]["maximum"], lengths["6"]["maximum"]) == (32, 128)
