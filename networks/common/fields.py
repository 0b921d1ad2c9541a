"""PostgreSQL's network types as Python values: past these fields there are no address strings.

Why not django-netfields (1.5.0, tried): it works with psycopg 3 and Django 5.2, gives ipaddress
values, also in arrays, and has these lookups. But it takes more than an operator means: an address
loses its mask or zone in silence (`10.0.0.1/24` is saved as `10.0.0.1`), a prefix with a zone goes
on to PostgreSQL and ends in a server error, a number or a bare address is a prefix. Its refusals
have no code, and host bits are refused without the prefix that is meant; both are part of our REST
contract. Migrations lose `store_prefix_length`, and nothing of it is typed. Each of these would be
overridden here, which is most of what this file says about addresses.
"""

import re
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from networks.common import waves
from networks.common.addressing import IP, Cidr, known_address, known_network, parse_cidr
from networks.common.limits import CODE as TOO_MANY
from networks.common.limits import LONGEST_LABEL, LONGEST_LABEL_NAME, MOST_LABELS

IDENTIFIER = re.compile(r"\A[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?\Z")
# Also in capitals, as people write names; a number is how some programs spell an IPv4 address.
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
HOSTNAME = re.compile(r"\A[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z")


class CidrField(models.Field):  # type: ignore[type-arg]
    """An address prefix: `cidr` in PostgreSQL, `ip_network` in Python."""

    description = "IP prefix"

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "cidr"

    def get_placeholder(
        self, value: object, compiler: object, connection: BaseDatabaseWrapper
    ) -> str:
        return "%s::cidr"

    def from_db_value(self, value: str | None, *args: object) -> Cidr | None:
        return None if value is None else known_network(value)

    def to_python(self, value: object) -> Cidr | None:
        if value is None or value == "":
            return None
        try:
            return parse_cidr(value)
        except ValueError as error:
            raise ValidationError(str(error), code="invalid_prefix") from error

    def get_prep_value(self, value: object) -> str | None:
        cidr = self.to_python(value)
        return None if cidr is None else str(cidr)

    def value_to_string(self, obj: models.Model) -> str:
        return str(self.value_from_object(obj))

    def formfield(self, **kwargs: Any) -> Any:
        """A field that gives prefixes, in a list as well, where no column reads them."""
        return super().formfield(**{"form_class": PrefixText, **kwargs})


class PrefixText(forms.CharField):
    """A prefix as text, read as its column reads it."""

    def to_python(self, value: Any) -> Any:
        return CidrField().to_python(super().to_python(value))


class InetField(models.Field):  # type: ignore[type-arg]
    """One host address: `inet` in PostgreSQL, `ip_address` in Python."""

    description = "IP address"

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "inet"

    def get_placeholder(
        self, value: object, compiler: object, connection: BaseDatabaseWrapper
    ) -> str:
        return "%s::inet"

    def from_db_value(self, value: str | None, *args: object) -> IP | None:
        return None if value is None else known_address(value)

    def to_python(self, value: object) -> IP | None:
        if value is None or value == "":
            return None
        try:
            if "%" in str(value):  # a zone, which Python would accept and PostgreSQL does not
                raise ValueError
            address = ip_address(str(value).strip())
        except ValueError as error:
            raise ValidationError(
                f"{str(value)!r} is not an address such as 10.128.0.7 or 2001:db8::7.",
                code="invalid_address",
            ) from error
        if mapped := getattr(address, "ipv4_mapped", None):
            reason = f"{value} is an address of IPv4; write {mapped}."
            raise ValidationError(reason, code="invalid_address")
        return address

    def get_prep_value(self, value: object) -> str | None:
        address = self.to_python(value)
        return None if address is None else str(address)

    def value_to_string(self, obj: models.Model) -> str:
        return str(self.value_from_object(obj))


class Family(models.Transform):
    """`cidr__family=6`, `ip__family=4`: the address family."""

    lookup_name = "family"
    function = "family"
    output_field = models.IntegerField()


class NetContainsOrEquals(models.Lookup):
    """`cidr__net_contains_or_equals=10.0.0.7/32`: the prefix holds all of the other one."""

    lookup_name = "net_contains_or_equals"
    operator = ">>="

    def as_sql(
        self, compiler: Any, connection: BaseDatabaseWrapper
    ) -> tuple[str, tuple[str | int, ...]]:
        left, left_values = self.process_lhs(compiler, connection)
        right, right_values = self.process_rhs(compiler, connection)
        return f"{left} {self.operator} {right}", (*left_values, *right_values)


class NetOverlaps(NetContainsOrEquals):
    """`cidr__net_overlaps=10.0.0.0/8`: the prefixes have an address in common."""

    lookup_name = "net_overlaps"
    operator = "&&"


CidrField.register_lookup(Family)
CidrField.register_lookup(NetContainsOrEquals)
CidrField.register_lookup(NetOverlaps)
InetField.register_lookup(Family)


def one_line(value: str) -> None:
    """Refuse text that could not be written on one line of a configuration."""
    if any(not character.isprintable() for character in value):
        raise ValidationError(
            "Line breaks and control characters are not allowed here.", code="not_one_line"
        )


def sizes_of_waves(value: str) -> None:
    """Refuse what is no list of sizes, such as `1, 10%, rest`."""
    if problem := waves.problem(waves.read(value)):
        raise ValidationError(problem, code="invalid_waves")


def short_labels(value: object) -> None:
    """Labels are a flat object of texts, as metal-api has them, and not too many or long."""
    texts = [*value.keys(), *value.values()] if isinstance(value, dict) else [value]
    if not isinstance(value, dict) or not all(
        isinstance(text, str) and text.isprintable() for text in texts
    ):
        reason = 'Labels are an object of texts on one line each, such as {"tier": "storage"}.'
        raise ValidationError(reason, code="invalid_labels")
    if len(value) > MOST_LABELS:
        raise ValidationError(f"At most {MOST_LABELS} labels are kept.", code=TOO_MANY)
    if any(len(name) > LONGEST_LABEL_NAME for name in value):
        reason = f"The name of a label has at most {LONGEST_LABEL_NAME} characters."
        raise ValidationError(reason, code="too_long")
    if any(len(text) > LONGEST_LABEL for text in value.values()):
        reason = f"The text of a label has at most {LONGEST_LABEL:,} characters."
        raise ValidationError(reason, code="too_long")


class LabelsField(models.JSONField):
    """Labels: an object of texts, whatever is blank."""

    # Django does not look at what is blank: an empty list, or text, would be stored as it is.
    empty_values: ClassVar[list[Any]] = [None]  # type: ignore[misc]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("default", dict)
        kwargs.setdefault("blank", True)
        kwargs.setdefault("validators", [short_labels])
        super().__init__(*args, **kwargs)


def empty_if_none(value: Any) -> Any:
    """An object of JSON; where a text area was emptied, which gives None, an empty one is meant."""
    return {} if value is None else value


identifier = RegexValidator(
    IDENTIFIER,
    "An id has letters, digits, '-', '.' and '_', and starts and ends with a letter or digit.",
    code="invalid_id",
)
hostname = RegexValidator(
    HOSTNAME,
    "A name has at most 63 lower-case letters, digits and '-', "
    "and starts and ends with a letter or digit (RFC 1123).",
    code="invalid_name",
)


def host(value: str) -> None:
    """Accept an address, or a name of a host (RFC 1123); what ends in a number is no name."""
    labels = value.split(".")
    is_name = all(map(_LABEL.fullmatch, labels)) and not _NUMBER.fullmatch(labels[-1])
    if not is_name and (value != value.strip() or as_address(value) is None):
        raise ValidationError(
            f"{value!r} is neither a host name, such as 0.pool.ntp.org, "
            "nor an address, such as 192.0.2.123.",
            code="invalid_host",
        )


class IdentifierField(models.CharField):  # type: ignore[type-arg]
    """The id of a partition, project or network; part of URLs, file names and configurations."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 63)
        kwargs.setdefault("primary_key", True)
        kwargs.setdefault("validators", [identifier])
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        name, path, args, kwargs = super().deconstruct()
        kwargs.pop("validators", None)
        return name, path, args, kwargs


def as_address(text: str) -> IP | None:
    """The address that somebody typed; None if no column takes it, such as one with a zone."""
    try:
        return InetField().to_python(text)
    except ValidationError:
        return None
