"""Tokens and roles: shown once, kept as a digest, worth what their role is worth."""

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Group, Permission, User
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from config.access import roles
from config.access.models import Token
from tests.api import Api
from tests.world import world

pytestmark = pytest.mark.django_db


def created(*arguments: str, **options: Any) -> str:
    """What `manage.py create_token` prints."""
    out = StringIO()
    call_command("create_token", *arguments, stdout=out, **options)
    return out.getvalue()


def answer(text: str, path: str = "networks/", scheme: str = "Bearer") -> Any:
    return Client().get(f"/api/v1/{path}", headers={"Authorization": f"{scheme} {text}"})


def test_the_command_prints_the_token_and_nothing_else() -> None:
    printed = created("ci", "--role", "viewer")
    text = printed.strip()
    assert printed == text + "\n" and len(text) > 40 and answer(text).status_code == 200
    token = Token.objects.get(name="ci")
    assert token.role == "viewer" and timedelta(
        days=89
    ) < token.expires_at - timezone.now() <= timedelta(days=90)


def test_only_a_digest_is_kept() -> None:
    text = created("ci", "--role", "viewer").strip()
    assert all(text not in str(value) for value in Token.objects.values_list().get())


def test_a_name_is_taken_once_unless_replaced() -> None:
    old = created("ci", "--role", "admin").strip()
    with pytest.raises(CommandError, match="There is a token of this name already"):
        created("ci", "--role", "viewer")
    new = created("ci", "--role", "viewer", "--replace").strip()
    assert answer(old).status_code == 401 and answer(new).status_code == 200
    assert [group.name for group in User.objects.get(username="ci").groups.all()] == ["viewer"]


def test_a_person_is_never_made_a_program() -> None:
    User.objects.create_user("ada", password="secret")
    User.objects.create_superuser("sso-admin")
    for name in ("ada", "sso-admin"):
        with pytest.raises(CommandError, match="person's account"):
            created(name, "--role", "viewer")
    assert User.objects.get(username="sso-admin").is_superuser


@pytest.mark.parametrize(
    "arguments",
    [
        ("a b", "--role", "viewer"),
        ("ci", "--role", "viewer", "--days", "0"),
        ("ci", "--role", "root"),
        ("ci",),
    ],
)
def test_nonsense_is_refused(arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        created(*arguments)
    assert not Token.objects.exists()


def test_an_account_of_a_token_cannot_log_in() -> None:
    created("ci", "--role", "admin")
    account = User.objects.get(username="ci")
    assert not account.has_usable_password() and not account.is_staff and not account.is_superuser


@pytest.mark.parametrize(
    "scheme, text", [("Bearer", "wrong"), ("Bearer", ""), ("Token", "x"), ("Basic", "eDp5")]
)
def test_without_a_valid_token_the_answer_is_401(scheme: str, text: str) -> None:
    response = answer(text, scheme=scheme)
    assert response.status_code == 401 and response["WWW-Authenticate"] == 'Bearer realm="api"'
    assert set(response.json()) == {"detail"}


@pytest.mark.parametrize(
    "path", ["", "networks/", "networks/x/", "nothing/at/all/", "networks/x/share/", "pushes/"]
)
def test_nobody_sees_anything(path: str) -> None:
    assert Client().get(f"/api/v1/{path}").status_code == 401
    assert Client().post(f"/api/v1/{path}", {}, content_type="application/json").status_code == 401


def test_an_expired_or_stopped_token_is_refused() -> None:
    text = created("ci", "--role", "viewer").strip()
    User.objects.filter(username="ci").update(is_active=False)
    assert answer(text).status_code == 401
    User.objects.filter(username="ci").update(is_active=True)
    assert answer(text).status_code == 200
    Token.objects.update(expires_at=timezone.now())
    assert answer(text).status_code == 401


def test_the_last_use_is_noted() -> None:
    text = created("ci", "--role", "viewer").strip()
    answer(text)
    noted = Token.objects.get().last_used_at
    assert noted is not None and timezone.now() - noted < timedelta(seconds=10)
    answer(text)
    assert Token.objects.get().last_used_at == noted
    Token.objects.update(last_used_at=noted - timedelta(minutes=2))
    answer(text)
    assert Token.objects.filter(last_used_at__gt=noted - timedelta(minutes=1)).exists()


def test_a_session_writes_only_with_its_csrf_token() -> None:
    world()
    client = Client(enforce_csrf_checks=True)
    Api("admin")
    client.force_login(User.objects.get(username="admin"))
    refused = client.post("/api/v1/projects/", '{"name": "p"}', content_type="application/json")
    assert refused.status_code == 403
    token = created("ci", "--role", "admin").strip()
    headers = {"Authorization": f"Bearer {token}"}
    assert (
        client.post(
            "/api/v1/projects/", '{"name": "p"}', content_type="application/json", headers=headers
        ).status_code
        == 201
    )


@pytest.mark.parametrize("role", roles.ROLES)
def test_who_asks_and_what_that_account_may_is_one_query(
    role: str, django_assert_num_queries: Any
) -> None:
    """It comes before every request of a program.

    The account may do what its role may, and what it was permitted besides.
    """
    text = created("ci", "--role", role).strip()
    User.objects.get(username="ci").user_permissions.add(
        Permission.objects.get(codename="view_logentry")
    )
    answer(text)
    with django_assert_num_queries(1):
        token = Token.objects.find(text)
        assert token is not None
        may = token.user.get_all_permissions()
    assert (
        token == Token.objects.get()
        and may == User.objects.get(username="ci").get_all_permissions()
        and "admin.view_logentry" in may
    )
    assert may == ModelBackend().get_all_permissions(User.objects.get(username="ci"))


class TestRoles:
    def test_grow_from_reading_to_operating_to_administering(self) -> None:
        granted = {
            name: set(Group.objects.get(name=name).permissions.values_list("codename", flat=True))
            for name in roles.ROLES
        }
        assert granted["viewer"] < granted["operator"] < granted["admin"]
        assert all(codename.startswith("view_") for codename in granted["viewer"])
        assert {"share_network", "change_partition", "add_token"} <= granted["admin"] - granted[
            "operator"
        ]
        assert {
            "add_firewall",
            "delete_attachment",
            "add_push",
            "add_network",
            "delete_machine",
        } <= granted["operator"]

    def test_of_nobody_may_nothing(self) -> None:
        client = Client()
        client.force_login(User.objects.create_user("ada"))
        assert client.get("/api/v1/networks/").status_code == 403
        assert (
            client.head("/api/v1/networks/x/share/").status_code
            == client.options("/api/v1/networks/x/share/").status_code
            == 403
        )

    def test_are_restored_by_every_migration(self) -> None:
        Group.objects.get(name="viewer").permissions.clear()
        Group.objects.get(name="operator").delete()
        call_command("migrate", verbosity=0)
        assert (
            Group.objects.get(name="viewer").permissions.exists()
            and Group.objects.get(name="operator").permissions.exists()
        )
