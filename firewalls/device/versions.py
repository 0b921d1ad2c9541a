"""Which applier a firewall has, and whether this product still speaks with it, or already."""

from dataclasses import dataclass

from firewalls.device import applier_file
from firewalls.device.applier.speaking import PROTOCOL

STEP = "version"  # of a push: an applier takes orders for its own digest and for no other
BEFORE_NUMBERS = 1  # an applier that names no protocol
DIGEST, MOST_DIGITS = 64, 4  # characters
SPOKEN = (PROTOCOL - 1, PROTOCOL, PROTOCOL + 1)  # a later one promises to understand ours


@dataclass(frozen=True, slots=True)
class Version:
    """An applier: the SHA-256 of its file, and the protocol that it speaks."""

    digest: str
    protocol: int

    @property
    def is_ours(self) -> bool:
        return self.digest == applier_file.digest()

    @property
    def is_spoken(self) -> bool:
        """Whether product and applier understand each other."""
        return self.protocol in SPOKEN


def ours() -> Version:
    """The applier that comes with this product."""
    return Version(applier_file.digest(), PROTOCOL)


def version_of(words: list[str]) -> Version | None:
    """What an applier says of itself, `DIGEST` or `DIGEST PROTOCOL`; None for anything else."""
    digest, number, *_ = [*words, "", ""]
    if len(digest) != DIGEST or not set(digest) <= set("0123456789abcdef"):
        return None
    if not number:
        return Version(digest, BEFORE_NUMBERS)
    if not (number.isascii() and number.isdigit() and len(number) <= MOST_DIGITS):
        return None
    return Version(digest, int(number))


def version(answer: bytes) -> Version | None:
    """What the answer to `version` says."""
    lines = answer.decode(errors="replace").splitlines()
    return version_of(lines[-1].split("\t")) if lines else None
