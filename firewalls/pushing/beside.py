"""What stays on a firewall beside ours: pure, from what was seen there and what is wanted."""

from collections.abc import Mapping
from pathlib import PurePosixPath

from firewalls.device.applier import rules

RULES = "/etc/nftables.conf"
SETTINGS = "/etc/sysctl.d/90-shared-networks.conf"


def settings(files: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, str]:
    """Files with settings of the kernel, and which of them win over ours when the box starts.

    systemd-sysctl reads them by name; /etc/sysctl.conf is linked to from 99-sysctl.conf.
    """
    ours = _settings(wanted.get(SETTINGS, ""))
    stay = {}
    for path in sorted(path for path in files if "sysctl" in path and path not in wanted):
        name = PurePosixPath(path).name
        theirs = _settings(files[path])
        others = [
            f"{key} = {value}" for key, value in theirs.items() if ours.get(key, value) != value
        ]
        wins = others and (name > PurePosixPath(SETTINGS).name or name == "sysctl.conf")
        stay[path] = f"wins over ours at the next start: {', '.join(others)}" if wins else ""
    return stay


def _settings(text: str) -> dict[str, str]:
    """Each key as it is written with dots, and its value."""
    found = {}
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        if equals and not key.strip().startswith(("#", ";")):
            found[key.strip().lstrip("-").replace("/", ".")] = value.strip()
    return found


def tables(ruleset: str, wanted: Mapping[str, str]) -> dict[str, str]:
    """Tables of others in the kernel, whose chains go on to drop what ours accept."""
    ours = rules.tables(wanted.get(RULES, ""))
    made = {
        line.removeprefix("table ").rstrip(" {")
        for line in ruleset.splitlines()
        if line.startswith("table ")
    }
    stays = (
        "stays in the kernel; at the next start only /etc/nftables.conf is loaded, which is ours"
    )
    return {f"table {table}": stays for table in sorted(made.difference(ours))}
