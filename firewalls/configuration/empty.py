"""What a firewall gets that was freed and kept nothing of before: an empty configuration.

It announces and forwards nothing, has none of our addresses, and lets the management prefixes in.
"""

from collections.abc import Iterable

from firewalls.configuration.filters.access import by_family
from firewalls.configuration.plan import LONGEST_NAME, UNNAMED
from firewalls.configuration.render import ONCE, template
from firewalls.configuration.values import word
from networks.common.addressing import Cidr

SAME = ("/etc/shared-networks/closed.nft", "/etc/hostname")


def empty(name: str, management_prefixes: Iterable[Cidr]) -> dict[str, str]:
    """Its files, by path: closed where ours would open something (fail-closed), and no others."""
    hostname = word(name[:LONGEST_NAME]) or UNNAMED
    values = {
        "hostname": hostname,
        "management": by_family(tuple(management_prefixes)),
        "plan": {"hostname": hostname},
    }
    files = {path: template(ONCE[path]).render(values) for path in SAME}
    for path in ("/etc/frr/frr.conf", "/etc/nftables.conf"):
        files[path] = template(f"empty/{ONCE[path]}").render(values)
    return files
