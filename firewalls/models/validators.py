"""How ports, hosts, keys and comments of firewalls are spelled."""

import re
from ipaddress import IPv6Address

from asyncssh import KeyImportError, import_public_key
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator

from firewalls.configuration.values import COMMENT_BYTES, ENDS_A_QUOTE
from networks.common.fields import as_address, host
from networks.common.limits import CODE as TOO_MANY
from networks.common.limits import MOST_RULES

PORTS = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?\Z")
MAX_PORT = 65535

# As the kernel takes it (15 bytes), in what units, nftables and FRR take too. The other names are
# those of what the firewall makes itself, and of its group of neighbours in FRR.
interface_name = RegexValidator(
    r"\A(?!(?:lo|bridge|FABRIC|(?:vrf|vni|vlan|bridge)\d+)\Z)[A-Za-z][A-Za-z0-9._-]{0,14}\Z",
    "An interface name has at most 15 of A-Z, a-z, 0-9, '.', '_' and '-', begins with a letter,"
    " and is none that the firewall has anyway, such as lo or vrf3.",
    "invalid_interface",
)
_ZONE = re.compile(r"[A-Za-z0-9._-]{1,15}")
ssh_user = RegexValidator(
    r"\A[a-z_][a-z0-9_.-]*\Z", "A user name has a-z, 0-9, '.', '_' and '-'.", "invalid_user"
)
HOST_KEY = re.compile(
    r"(ssh-ed25519|ecdsa-sha2-nistp(256|384|521)|ssh-rsa) [A-Za-z0-9+/]+={0,2}", re.ASCII
)


def host_key(value: str) -> None:
    """Accept a public key, as a line that a push could compare with what a host shows."""
    try:
        if not HOST_KEY.fullmatch(value):
            raise KeyImportError
        import_public_key(value)
    except KeyImportError as error:
        raise ValidationError(
            "A host key is a whole line such as 'ssh-ed25519 AAAA…', as"
            " /etc/ssh/ssh_host_ed25519_key.pub has it, without the comment.",
            code="invalid_host_key",
        ) from error


def ssh_host(value: str) -> None:
    """Accept a name, an address, and a link-local one with the interface that it is behind."""
    address, has_zone, zone = value.partition("%")
    host(address)
    if has_zone and not _ZONE.fullmatch(zone):
        raise ValidationError(f"{zone!r} is no name of an interface.", code="invalid_host")
    parsed = as_address(address)
    needs_zone = isinstance(parsed, IPv6Address) and parsed.is_link_local
    if has_zone and not needs_zone:
        raise ValidationError(
            "Only a link-local IPv6 address has an interface behind it, as in fe80::1%eth0.",
            code="invalid_host",
        )
    if needs_zone and not has_zone:
        raise ValidationError(
            f"A link-local address needs the interface that it is behind: {address}%eth0.",
            code="invalid_host",
        )


def port_range(value: str) -> None:
    """Accept `443` and `8000-8100`."""
    match = PORTS.match(value)
    first = int(match[1]) if match else 0
    last = int(match[2] or match[1]) if match else 0
    if not 1 <= first <= last <= MAX_PORT:
        raise ValidationError(
            f"{value!r} is not a port such as 443 or a range such as 8000-8100.",
            code="invalid_port",
        )


def in_its_place(value: int) -> None:
    """Accept the place of a rule among those of its firewall and direction."""
    if value > MOST_RULES:
        raise ValidationError(
            f"A firewall has at most {MOST_RULES:,} rules of each direction.", code=TOO_MANY
        )


def nftables_comment(value: str) -> None:
    """Refuse a comment that nftables could not carry as it is."""
    if set(value) & ENDS_A_QUOTE or len(value.encode()) > COMMENT_BYTES:
        raise ValidationError(
            f'A comment is one line without " and \\, of at most {COMMENT_BYTES} bytes:'
            " so nftables can carry it.",
            code="not_spelled",
        )
