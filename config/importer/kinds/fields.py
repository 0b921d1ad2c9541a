"""How a field's node becomes a value: types for the shapes, each refusing in a sentence."""

import re
from collections.abc import Callable
from ipaddress import ip_address
from typing import Annotated, Never, TypeVar

from pydantic import BeforeValidator, PlainValidator
from pydantic_core import PydanticCustomError
from yaml import MappingNode, Node, ScalarNode, SequenceNode

from config.importer.nodes import fields_of, is_null, is_plain
from networks.common.addressing import IP, Cidr, parse_cidr

_NUMBER = re.compile(r"-?[0-9]{1,20}\Z")
_FLAGS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}

MISSING = "This field is missing."
# What stands for a field that is missing where its contents are judged all the same.
NO_ITEMS = SequenceNode("", [])
NO_FIELDS = MappingNode("", [])

T = TypeVar("T")


def refuse(sentence: str) -> Never:
    """The value is not as it must be. Raises what pydantic turns into an error of the field."""
    raise PydanticCustomError("refused", sentence)


def text(node: Node) -> str:
    """A number or a date counts as it is spelled."""
    if not isinstance(node, ScalarNode):
        refuse("This must be a text.")
    return node.value


def filled_text(node: Node) -> str:
    value = text(node)
    if not value.strip():
        refuse("This field must not be empty.")
    return value


def item_text(node: Node) -> str:
    """One of a list: there, null is no text."""
    if is_null(node):
        refuse("This must be a text.")
    return text(node)


def label_text(node: Node) -> str:
    """The value of a label: null is a label without one."""
    return "" if is_null(node) else text(node)


def flag(node: Node) -> bool:
    if not is_plain(node) or node.value not in _FLAGS:
        refuse("This must be true or false.")
    return _FLAGS[node.value]


def number(node: Node) -> int:
    if not is_plain(node) or not _NUMBER.match(node.value):
        refuse("This must be a whole number.")
    return int(node.value)


def address(node: Node) -> IP:
    if not isinstance(node, ScalarNode):
        refuse("This must be an address.")
    return _parsed_address(node.value)


def item_address(node: Node) -> IP:
    return _parsed_address(item_text(node))


def _parsed_address(spelled: str) -> IP:
    try:
        ip = ip_address(spelled.strip())
    except ValueError:
        ip = None
    if ip is None or getattr(ip, "scope_id", None):  # a zone is of one host
        refuse(f"{spelled[:60]!r} is not an address such as 10.128.0.7 or 2001:db8::7.")
    return ip


def item_prefix(node: Node) -> Cidr:
    spelled = item_text(node)
    try:
        return parse_cidr(spelled)
    except ValueError as error:
        refuse(str(error))


def items(node: Node) -> list[Node]:
    if not isinstance(node, SequenceNode):
        refuse("This must be a list.")
    return node.value


def object_fields(node: Node) -> dict[str, Node]:
    if not isinstance(node, MappingNode):
        refuse("This must be an object with fields.")
    return fields_of(node)


def at_least_one(sentence: str) -> Callable[[list[T]], list[T]]:
    """Refuse an empty list with this sentence."""

    def judged(values: list[T]) -> list[T]:
        if not values:
            refuse(sentence)
        return values

    return judged


Items = BeforeValidator(items)
Text = Annotated[str, PlainValidator(text)]
FilledText = Annotated[str, PlainValidator(filled_text)]
Texts = Annotated[list[Annotated[str, PlainValidator(item_text)]], Items]
Labels = Annotated[
    dict[str, Annotated[str, PlainValidator(label_text)]], BeforeValidator(object_fields)
]
Flag = Annotated[bool, PlainValidator(flag)]
Number = Annotated[int, PlainValidator(number)]
Address = Annotated[IP, PlainValidator(address)]
Addresses = Annotated[list[Annotated[IP, PlainValidator(item_address)]], Items]
Prefixes = Annotated[list[Annotated[Cidr, PlainValidator(item_prefix)]], Items]
