"""A plan as text. The templates are the configurations with holes; the same plan always gives the same bytes."""

import hashlib
from collections.abc import Mapping

from jinja2 import Environment, PackageLoader, StrictUndefined

from firewalls.plan import Plan

# autoescape off: this is no HTML. What goes into the holes are numbers, networks, and text that one_line() made safe.
_templates = Environment(
    loader=PackageLoader("firewalls", "jinja"), undefined=StrictUndefined, autoescape=False,
    trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
)  # fmt: skip
FILES = {"/etc/frr/frr.conf": "frr.conf.j2", "/etc/nftables.conf": "nftables.conf.j2"}


def render(plan: Plan) -> dict[str, str]:
    """The files of a firewall, by path."""
    return {path: _templates.get_template(source).render(plan=plan) for path, source in FILES.items()}


def digest(files: Mapping[str, str]) -> str:
    """What identifies a configuration: SHA-256 over its paths and texts."""
    total = hashlib.sha256()
    for path, text in sorted(files.items()):
        total.update(f"{path}\0{len(text.encode())}\0{text}".encode())
    return total.hexdigest()
