"""What somebody may mean who typed this: words, a number, an id or its beginning, addresses."""

import itertools
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import reduce
from ipaddress import ip_network
from operator import and_, or_
from uuid import UUID

from django.db.models import Q

from networks.common.addressing import Cidr

# As people write a VRF or an AS; 10 digits are the longest AS number.
_NUMBER = re.compile(r"(?:vrf|vni|asn?)?\s*([0-9]{1,10})", re.IGNORECASE)
_HEX = re.compile(r"[0-9a-f]{4,32}")
_IPV4_PART = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,3}){0,2})\.?")
_IPV6_PART = re.compile(r"([0-9a-f]{1,4}(?::[0-9a-f]{1,4}){0,6}):?")
_DASHES = (8, 12, 16, 20)  # where a UUID has them, counted in its digits
_DIGITS = 32


def words(text: str, own: Sequence[str], around: Sequence[str] = ()) -> Q:
    """Each word, in any order, in one of these fields, and at least one in a field of its own.

    `around`: fields that say to what it belongs.
    """
    typed = text.split()
    each = (_in_any(word, (*own, *around)) for word in typed)
    if not around:
        return reduce(and_, each)
    return reduce(and_, each) & reduce(or_, (_in_any(word, own) for word in typed))


def _in_any(word: str, fields: Iterable[str]) -> Q:
    return reduce(or_, (Q(**{f"{field}__icontains": word}) for field in fields))


def number(text: str) -> int | None:
    """The number of a VRF or an AS: `3982`, `vrf3982`, `AS 65001`."""
    found = _NUMBER.fullmatch(text.strip())
    return int(found[1]) if found else None


def ids(text: str) -> tuple[UUID, UUID] | None:
    """The first and the last UUID that begin like this, with four digits or more."""
    typed = text.strip().lower()
    digits = typed.replace("-", "")
    if not _HEX.fullmatch(digits) or typed.rstrip("-") not in (digits, _dashed(digits)):
        return None
    return UUID(digits.ljust(_DIGITS, "0")), UUID(digits.ljust(_DIGITS, "f"))


def _dashed(digits: str) -> str:
    ends = (0, *_DASHES, _DIGITS)
    groups = (digits[start:end] for start, end in itertools.pairwise(ends))
    return "-".join(group for group in groups if group)


def block(text: str) -> Cidr | None:
    """The addresses that are meant: one, a prefix, or all that begin like this.

    `10.23`, `10.23.112.` and `fd00:10:` are beginnings; `10.22.232.0/20` is read as the prefix
    around it. A number alone is none.
    """
    typed = text.strip().lower()
    if typed.isdecimal() or "%" in typed:
        return None
    with suppress(ValueError):
        return _known(ip_network(typed, strict=False))
    if (found := _IPV4_PART.fullmatch(typed)) and "." in typed:
        return _beginning(found[1].split("."), ".", 4, 8)
    if (found := _IPV6_PART.fullmatch(typed)) and ":" in typed:
        return _beginning(found[1].split(":"), ":", 8, 16)
    return None


def _beginning(parts: list[str], dot: str, count: int, bits: int) -> Cidr | None:
    filled = dot.join([*parts, *["0"] * (count - len(parts))])
    with suppress(ValueError):
        return _known(ip_network(f"{filled}/{len(parts) * bits}"))
    return None


def _known(block: Cidr) -> Cidr | None:
    """None where it ends in the clothes of the other family, which no column takes."""
    ends = (block[0], block[-1])
    return None if any(getattr(end, "ipv4_mapped", None) for end in ends) else block
