"""What stays on a firewall beside ours: pure, from what was seen there and what is wanted."""

from collections.abc import Mapping
from pathlib import PurePosixPath

from firewalls.device.applier import box, overriding, rules, sysctls

RULES = f"/{box.RULES}"
SETTINGS = f"/{box.SYSCTL}"


def settings(files: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, str]:
    """Files with settings of the kernel, and which of them win over ours when the box starts.

    systemd-sysctl reads them by name.
    """
    ours = wanted.get(SETTINGS, "")
    stay = {}
    for path in sorted(path for path in files if "sysctl" in path and path not in wanted):
        theirs = sysctls.overridden(ours, files[path])
        others = ", ".join(f"{key} = {value}" for key, value in theirs.items())
        wins = others and overriding.comes_later(PurePosixPath(path).name)
        stay[path] = f"wins over ours at the next start: {others}" if wins else ""
    return stay


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
