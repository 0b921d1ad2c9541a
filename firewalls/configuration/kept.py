"""Plans as JSON and back, so that what was wanted or applied once can be asked about for good.

What its values look like may differ in a later release. Whatever does not fit exactly is not known.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from ipaddress import ip_address, ip_network
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from firewalls.configuration.plan import Plan
from networks.common.addressing import IP, Cidr

_TEXTS: dict[Any, Callable[[Any], Any]] = {
    **dict.fromkeys(get_args(IP), ip_address),
    **dict.fromkeys(get_args(Cidr), ip_network),
}
_MISFITS = (TypeError, ValueError, KeyError, AttributeError)


def as_json(plan: Plan) -> dict[str, Any]:
    """A plan as an object of JSON."""
    written: dict[str, Any] = _written(plan)
    return written


def plan_of(data: object) -> Plan | None:
    """The plan that was written so; None where nothing was, or by a release that knew another."""
    try:
        return _read(Plan, data)
    except _MISFITS:
        return None


def _written(value: Any) -> Any:
    if is_dataclass(value):
        return {one.name: _written(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, tuple):
        return [_written(one) for one in value]
    return str(value) if type(value) in _TEXTS else value


def _read(kind: Any, data: Any) -> Any:
    """Raises one of the misfits where the data is nothing of the kind."""
    if is_dataclass(kind):
        return _row(kind, data)
    if get_origin(kind) is tuple:
        (of, *_) = get_args(kind)
        return tuple(_read(of, one) for one in _listed(data))
    if isinstance(kind, UnionType):
        return _one_of(get_args(kind), data)
    if kind in _TEXTS:
        return _exactly(kind, _TEXTS[kind](data))
    return _exactly(kind, data)


def _row(kind: Any, data: Mapping[str, Any]) -> Any:
    """Fields that it does not know are as much of a misfit as those that it lacks."""
    kinds = _kinds(kind)
    unknown = data.keys() - kinds.keys()
    if unknown:
        raise KeyError(*unknown)
    lacking = {one.name for one in fields(kind) if one.default is MISSING and one.name not in data}
    if lacking:
        raise KeyError(*lacking)
    return kind(**{name: _read(kinds[name], value) for name, value in data.items()})


@cache
def _kinds(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _one_of(kinds: tuple[Any, ...], data: Any) -> Any:
    """A value that may be absent, or an address of either family."""
    if data is None:
        return _exactly(NoneType if NoneType in kinds else str, None)
    (kind, *_) = (one for one in kinds if one is not NoneType)
    if kind not in _TEXTS:
        return _read(kind, data)
    value = _TEXTS[kind](data)
    return value if type(value) in kinds else _exactly(kind, value)


def _listed(data: Any) -> list[Any]:
    return list(_exactly(list, data))


def _exactly(kind: type, value: Any) -> Any:
    if type(value) is not kind:
        raise TypeError(f"{value!r} is no {kind}")
    return value
