"""How programs get in: tokens. What they were answered: so that a repeated request is not done twice."""

import hashlib
import secrets
from datetime import datetime, timedelta
from functools import cache
from typing import Any, cast

from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.db import connection, models, transaction
from django.utils import timezone

from config.access.roles import GRANTED, ROLES
from networks.common.fields import identifier
from networks.common.statements import columns, row
from networks.common.triggers import Recorded

DAYS = 90  # how long a token lasts unless told otherwise
NOTED_EVERY = timedelta(minutes=1)  # the last use is not written down more often
ANSWERS_LAST = timedelta(hours=24)


def digest(text: str | bytes) -> str:
    """The SHA-256 of a text. A token is random enough to need neither salt nor stretching."""
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()


class TokenQuerySet(models.QuerySet["Token"]):
    def issue(
        self, name: str, role: str, days: int = DAYS, *, replace: bool = False
    ) -> "tuple[Token, str]":
        """A token and its text, which is shown once and not kept. Raises ValidationError if the name is taken."""
        text = f"sn_{secrets.token_urlsafe(32)}"
        with transaction.atomic():
            if replace:
                self.filter(name=name).delete()
            token = Token(
                name=name, digest=digest(text), expires_at=timezone.now() + timedelta(days=days)
            )
            token.full_clean(exclude=["user"])
            token.user = _account(name, role)
            token.save()
        return token, text

    def find(self, text: str) -> "Token | None":
        """The token with this text, if it is valid now, with its account and what that may do; its use is noted."""
        now = timezone.now()
        token = _found(text, now)
        if token is not None and (
            token.last_used_at is None or token.last_used_at < now - NOTED_EVERY
        ):
            # Many requests may come at once with one token; none of them waits for another to write this down.
            free = self.select_for_update(skip_locked=True).filter(pk=token.pk)
            with transaction.atomic():
                self.filter(pk__in=free.values("pk")).update(last_used_at=now)
        return token


def _found(text: str, now: datetime) -> "Token | None":
    """In one question, written once: every request of a program asks it."""
    with connection.cursor() as cursor:
        cursor.execute(_find(), [digest(text), now])
        found = cursor.fetchone()
    if found is None:
        return None
    width = len(Token._meta.concrete_fields)
    token, user = row(Token, found[:width]), cast("Any", row(User, found[width:-1]))
    token.user, user._perm_cache = (
        user,
        set(found[-1]),
    )  # where config.authentication.Backend keeps it
    return token


@cache
def _find() -> str:
    return f"""
        SELECT {columns(Token)}, {columns(User)}, ARRAY({GRANTED.format(user="auth_user.id")})
        FROM config_token JOIN auth_user ON auth_user.id = user_id WHERE digest = %s AND expires_at > %s AND is_active
    """


def _account(name: str, role: str) -> User:
    """The service account that acts under this name: nobody can log in with it, and it has this role alone."""
    if role not in ROLES:
        raise ValidationError(
            {
                "role": ValidationError(
                    f"{role!r} is no role; choose from {', '.join(ROLES)}.", code="invalid_role"
                )
            }
        )
    account, made = User.objects.get_or_create(username=name)
    personal = (
        account.is_staff
        or account.is_superuser
        or account.has_usable_password()
        or account.last_login
        or account.email
    )
    if not made and personal:
        raise ValidationError(
            {
                "name": ValidationError(
                    f"{name} is a person's account; choose another name.", code="taken"
                )
            }
        )
    account.set_unusable_password()
    account.is_active, account.is_staff, account.is_superuser = True, False, False
    account.save()
    account.groups.set([Group.objects.get(name=role)])
    return account


USER = "(SELECT username FROM auth_user WHERE id = {row}.user_id)"
GROUP = "(SELECT name FROM auth_group WHERE id = {row}.group_id)"


class Account(User):
    """A user, as far as the trail is concerned: passwords leave no trace there."""

    class Meta:
        proxy = True
        default_permissions = ()
        triggers = [
            Recorded(
                kind="user",
                label="this.username",
                hidden=["id", "password", "last_login", "date_joined"],
            )
        ]


class Membership(User.groups.through):  # type: ignore[name-defined,misc]
    """The role of a user, as far as the trail is concerned."""

    class Meta:
        proxy = True
        default_permissions = ()
        triggers = [
            Recorded(
                kind="role",
                hidden=["id"],
                about=["'user:' || this.user_id"],
                label=f"{USER} || ' as ' || {GROUP}".format(row="this"),
                shown_as={"user": USER, "group": GROUP},
            )
        ]


class Token(models.Model):
    """A key for a program. Only its digest is kept; what it may do is what its account's role may do."""

    name = models.CharField(
        max_length=63,
        unique=True,
        validators=[identifier],
        error_messages={"unique": "There is a token of this name already."},
        help_text="Its account goes by this name in the history.",
    )
    user = models.OneToOneField(User, models.CASCADE, related_name="token", editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = TokenQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        triggers = [
            Recorded(
                label="this.name",
                about=["'user:' || this.user_id"],
                hidden=["id", "digest", "last_used_at"],
                shown_as={"user": USER},
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def role(self) -> str:
        return ", ".join(group.name for group in self.user.groups.all())


class IdempotentAnswerQuerySet(models.QuerySet["IdempotentAnswer"]):
    def forget_old(self, user: User, key: str) -> None:
        """Drop this key's answer if its time is over, and some others' that nobody else drops at this moment."""
        old = self.filter(created_at__lt=timezone.now() - ANSWERS_LAST)
        old.filter(user=user, key=key).delete()
        self.filter(
            pk__in=[*old.select_for_update(skip_locked=True).values_list("pk", flat=True)[:100]]
        ).delete()


class IdempotentAnswer(models.Model):
    """What a write request with an Idempotency-Key was answered. The row and the work are one transaction."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64, help_text="Digest of method, path and body.")
    status = models.PositiveSmallIntegerField(null=True)
    headers = models.JSONField(default=dict)
    body = models.BinaryField(default=b"")
    created_at = models.DateTimeField(default=timezone.now)

    objects = IdempotentAnswerQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="key_is_used_once")]
        indexes = [models.Index(fields=["created_at"], name="answer_by_age")]

    def __str__(self) -> str:
        return self.key
