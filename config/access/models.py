"""Tokens of programs, and what they were answered, so that no repeated write is done twice."""

import hashlib
import re
import secrets
from datetime import datetime, timedelta
from functools import cache

from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.db import connection, models, transaction
from django.utils import timezone

from config.access.permissions import PERMISSIONS, note_permissions
from config.access.roles import ROLES
from networks.common.fields import identifier
from networks.common.statements import columns, row
from networks.common.triggers import Recorded

DAYS = 90  # how long a token is valid by default
USE_NOTED_EVERY = timedelta(minutes=1)
ANSWERS_LAST = timedelta(hours=24)
SHAPE = re.compile(r"sn_[A-Za-z0-9_-]{43}")  # of every token that was ever made


def digest(text: str | bytes) -> str:
    """The SHA-256 of a text. A token is random enough to need neither salt nor stretching."""
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()


class TokenQuerySet(models.QuerySet["Token"]):
    def issue(
        self, name: str, role: str, days: int = DAYS, *, replace: bool = False
    ) -> "tuple[Token, str]":
        """A token and its text, which is kept nowhere. Raises ValidationError of a name in use."""
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
        """The token with this text, if it is valid now, with its account and what that may do.

        It is looked for by its digest, whose time tells nothing of the token: whoever guesses
        cannot choose how a digest begins.
        """
        if not SHAPE.fullmatch(text):
            return None
        now = timezone.now()
        token = _valid_token(text, now)
        if token is not None and token.is_use_to_be_noted(now):
            # Of many requests at once with one token, none waits for another to note this.
            unlocked = self.select_for_update(skip_locked=True).filter(pk=token.pk)
            with transaction.atomic():
                self.filter(pk__in=unlocked.values("pk")).update(last_used_at=now)
        return token


def _valid_token(text: str, now: datetime) -> "Token | None":
    """In one query, which is written once, for every request of a program begins with it.

    The ORM composes it anew each time, and permissions are a query more: 1.2 to 1.6 ms of the web
    server's processor time, and this 0.2 to 0.4.
    """
    with connection.cursor() as cursor:
        cursor.execute(_token_query(), [digest(text), now])
        values = cursor.fetchone()
    if values is None:
        return None
    width = len(Token._meta.concrete_fields)
    token = row(Token, values[:width])
    token.user = row(User, values[width:-1])
    note_permissions(token.user, set(values[-1]))
    return token


@cache
def _token_query() -> str:
    return f"""
        SELECT {columns(Token)}, {columns(User)}, ARRAY({PERMISSIONS.format(user="auth_user.id")})
        FROM config_token JOIN auth_user ON auth_user.id = user_id
        WHERE digest = %s AND expires_at > %s AND is_active
    """


def _account(name: str, role: str) -> User:
    """The service account of this name: nobody can log in with it, and it has this role alone."""
    if role not in ROLES:
        reason = f"{role!r} is no role; choose from {', '.join(ROLES)}."
        raise ValidationError({"role": ValidationError(reason, code="invalid_role")})
    account, is_new = User.objects.get_or_create(username=name)
    if not is_new and _is_personal(account):
        reason = f"{name} is a person's account; choose another name."
        raise ValidationError({"name": ValidationError(reason, code="taken")})
    account.set_unusable_password()
    account.is_active = True
    account.is_staff = False
    account.is_superuser = False
    account.save()
    account.groups.set([Group.objects.get(name=role)])
    return account


def _is_personal(account: User) -> bool:
    """Whether anything about it says that a person uses it."""
    may_administer = account.is_staff or account.is_superuser
    may_log_in = account.has_usable_password() or account.last_login is not None
    return may_administer or may_log_in or bool(account.email)


USER = "(SELECT username FROM auth_user WHERE id = {row}.user_id)"
GROUP = "(SELECT name FROM auth_group WHERE id = {row}.group_id)"


class Account(User):
    """A user as the audit trail has it: without passwords."""

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
    """The role of a user, as the audit trail has it."""

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
    """A key for a program, which may do what the role of its account may. Only a digest is kept."""

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

    def is_use_to_be_noted(self, now: datetime) -> bool:
        return self.last_used_at is None or self.last_used_at < now - USE_NOTED_EVERY

    @property
    def role(self) -> str:
        return ", ".join(group.name for group in self.user.groups.all())


class IdempotentAnswerQuerySet(models.QuerySet["IdempotentAnswer"]):
    def forget_old(self, user: User, key: str) -> None:
        """Drop this key's answer if it is old, and other old ones that nobody else drops now."""
        old = self.filter(created_at__lt=timezone.now() - ANSWERS_LAST)
        old.filter(user=user, key=key).delete()
        unlocked = old.select_for_update(skip_locked=True).values_list("pk", flat=True)
        self.filter(pk__in=list(unlocked[:100])).delete()


class IdempotentAnswer(models.Model):
    """The answer to a write with an Idempotency-Key, made in the transaction that did the work."""

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
