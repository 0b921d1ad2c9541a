"""A write that is sent twice is done once."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import DatabaseError, connection
from django.utils import timezone

from config.access.models import IdempotentAnswer, Token
from networks.models import Address, Network, Project
from tests.api import Api, codes
from tests.threads import at_once
from tests.world import World, world

KEY = {"Idempotency_Key": "one"}
BODY = {"name": "shop", "partition": "fra", "project": "shop"}


@pytest.mark.django_db
class TestOneAfterTheOther:
    @pytest.fixture
    def api(self) -> Api:
        world()
        return Api()

    def test_answers_as_the_first_time(self, api: Api) -> None:
        first, second = api.post("networks/", BODY, **KEY), api.post("networks/", BODY, **KEY)
        assert first.status_code == second.status_code == 201 and first.content == second.content
        assert (second["ETag"], second["Content-Type"]) == (first["ETag"], first["Content-Type"])
        assert Network.objects.filter(kind="private").count() == 1
        assert second["Idempotency-Replayed"] == "true" and "Idempotency-Replayed" not in first

    def test_without_a_key_does_it_again(self, api: Api) -> None:
        assert [api.post("networks/", BODY).json()["id"] for _ in range(2)] == ["shop", "shop-2"]

    def test_another_body_method_or_path_is_a_conflict(self, api: Api) -> None:
        api.post("networks/", BODY, **KEY)
        assert codes(api.post("networks/", BODY | {"name": "x"}, **KEY), 409) == {
            "non_field_errors": ["key_reused"]
        }
        assert api.post("projects/", BODY, **KEY).status_code == 409
        assert api.patch("networks/shop/", {}, **KEY).status_code == 409
        assert not Project.objects.filter(pk="x").exists()

    def test_somebody_elses_key_is_another_key(self, api: Api) -> None:
        api.post("networks/", BODY, **KEY)
        assert Api("operator").post("networks/", BODY, **KEY).json()["id"] == "shop-2"

    def test_a_refusal_is_kept_too_and_nothing_of_the_work(self, api: Api) -> None:
        body = BODY | {"prefixes": ["10.128.0.0/22", "10.9.0.0/22"]}
        assert (
            codes(api.post("networks/", body, **KEY))
            == codes(api.post("networks/", body, **KEY))
            == {"prefixes": ["outside_super"]}
        )
        assert not Network.objects.filter(kind="private").exists()

    def test_a_deletion_is_answered_twice(self, api: Api) -> None:
        assert [api.delete("projects/shop/", **KEY).status_code for _ in range(2)] == [204, 204]
        assert api.delete("projects/shop/").status_code == 404

    def test_what_a_role_may_not_is_not_kept(self, api: Api) -> None:
        viewer = Api("viewer")
        assert viewer.post("networks/", BODY, **KEY).status_code == 403
        assert not IdempotentAnswer.objects.exists()

    def test_whoever_has_lost_the_role_is_told_so(self, api: Api) -> None:
        assert api.post("networks/", BODY, **KEY).status_code == 201
        for role in ("viewer", None):
            user = User.objects.get(username="admin")
            user.groups.set(Group.objects.filter(name=role))
            assert api.post("networks/", BODY, **KEY).status_code == 403

    def test_is_forgotten_after_a_day(self, api: Api) -> None:
        api.post("networks/", BODY, **KEY)
        IdempotentAnswer.objects.update(created_at=timezone.now() - timedelta(hours=25))
        assert api.post("networks/", BODY, **KEY).json()["id"] == "shop-2"
        IdempotentAnswer.objects.update(created_at=timezone.now() - timedelta(hours=25))
        api.post("networks/", BODY, Idempotency_Key="two")
        assert [kept.key for kept in IdempotentAnswer.objects.all()] == ["two"]

    def test_reading_takes_no_key(self, api: Api) -> None:
        api.get("networks/", **KEY)
        assert not IdempotentAnswer.objects.exists()

    @pytest.mark.parametrize("key", ["x" * 256, "a\x80b"])
    def test_a_key_is_short_and_printable(self, api: Api, key: str) -> None:
        assert codes(api.post("networks/", BODY, Idempotency_Key=key)) == {
            "non_field_errors": ["invalid_key"]
        }

    def test_with_a_token(self, api: Api) -> None:
        _, text = Token.objects.issue("ci", "admin")
        api.client.logout()
        answers = [
            api.post("networks/", BODY, Authorization=f"Bearer {text}", **KEY) for _ in range(2)
        ]
        assert [one.json()["id"] for one in answers] == ["shop", "shop"]
        assert api.post("networks/", BODY, Authorization="Bearer wrong", **KEY).status_code == 401


def together(*actions: Callable[[], Any]) -> list[Any]:
    """The answers to requests that are sent at the same time."""
    return list(at_once(*actions))


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    @pytest.fixture
    def fra(self) -> World:
        return world()

    def test_two_with_one_key_do_it_once(self, fra: World) -> None:
        apis = [Api() for _ in range(4)]
        for round_ in range(5):
            body, key = BODY | {"name": f"net{round_}"}, f"key{round_}"
            answers = together(
                *[partial(api.post, "networks/", body, Idempotency_Key=key) for api in apis]
            )
            assert {answer.status_code for answer in answers} == {201} and len(
                {answer.content for answer in answers}
            ) == 1
        assert Network.objects.filter(kind="private").count() == 5

    def test_two_writers_with_one_tag_have_one_winner(self, fra: World) -> None:
        fra.private("shop", fra.shop)
        apis = [Api() for _ in range(3)]
        for round_ in range(5):
            tag = apis[0].get("networks/shop/")["ETag"]
            names = [f"r{round_}w{number}" for number in range(3)]
            writers = zip(apis, names, strict=True)
            answers = together(
                *[
                    partial(api.patch, "networks/shop/", {"name": name}, If_Match=tag)
                    for api, name in writers
                ]
            )
            assert sorted(answer.status_code for answer in answers) == [200, 412, 412]
            winner = next(answer for answer in answers if answer.status_code == 200)
            assert Network.objects.get(pk="shop").name == winner.json()["name"]

    def test_edits_of_different_fields_at_once_are_both_kept(self, fra: World) -> None:
        fra.private("shop", fra.shop)
        one, two = Api(), Api()
        for round_ in range(5):
            changes = {"name": f"n{round_}"}, {"description": f"d{round_}"}
            together(
                *[
                    partial(api.patch, "networks/shop/", change)
                    for api, change in zip((one, two), changes, strict=True)
                ]
            )
            row = Network.objects.get(pk="shop")
            assert (row.name, row.description) == (f"n{round_}", f"d{round_}")

    def test_a_crash_before_the_answer_leaves_neither_work_nor_key(
        self, fra: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        api, save = Api(), IdempotentAnswer.save

        def die(self: IdempotentAnswer, **kwargs: object) -> None:
            if self._state.adding:
                save(self, **kwargs)  # type: ignore[arg-type]
            else:  # the work is done, the answer is not yet kept
                assert Network.objects.filter(pk="shop").exists()
                connection.cursor().execute("SELECT pg_terminate_backend(pg_backend_pid())")

        with monkeypatch.context() as patched, pytest.raises(DatabaseError):
            patched.setattr(IdempotentAnswer, "save", die)
            api.post("networks/", BODY, **KEY)
        connection.close()
        assert (
            not IdempotentAnswer.objects.exists()
            and not Network.objects.filter(kind="private").exists()
        )
        assert api.post("networks/", BODY, **KEY).json()["id"] == "shop"

    def test_deleting_and_allocating_at_once_ends_in_one_of_them(self, fra: World) -> None:
        one, two = Api(), Api()
        for round_ in range(5):
            fra.private(f"net{round_}", fra.shop)
            body = {"network": f"net{round_}", "project": "shop"}
            deleted, made = together(
                partial(one.delete, f"networks/net{round_}/"),
                partial(two.post, "ip-addresses/", body),
            )
            assert (deleted.status_code, made.status_code) in {(204, 400), (409, 201)}, (
                deleted.content,
                made.content,
            )
            assert Address.objects.filter(prefix__network=f"net{round_}").count() == int(
                made.status_code == 201
            )
