"""What goes wrong on some of the demo's practice firewalls, done to the files in their folders."""

from pathlib import Path

_BY_HAND = (
    "\n# 03:12, by hand, until the incident is over\n"
    "insert rule inet metal forward counter accept\n"
)
_LEFT_BEHIND = "left behind by an upgrade that broke off\n"


def edit_by_hand(file: Path) -> None:
    """Add to a configuration file what no push wrote, so that the firewall drifts."""
    with file.open("a") as configuration:
        configuration.write(_BY_HAND)


def block_folder(folder: Path) -> None:
    """Put a file in the place of an empty folder, so that nothing can be written into it."""
    folder.rmdir()
    folder.write_text(_LEFT_BEHIND)
