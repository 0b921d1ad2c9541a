"""A firewall that answers as one of the lab did, until somebody puts a fault into its answers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

RECORDED = Path(__file__).with_name("recorded")
FILES = {
    f"/{path.relative_to(RECORDED / 'files')}": path.read_text()
    for path in sorted((RECORDED / "files").rglob("*"))
    if path.is_file()
}
SETTINGS = FILES["/etc/sysctl.d/90-shared-networks.conf"]
# By what `ip` and FRR's shell are asked.
OF_IP = {"address": "address.json", "route": "routes.json", "neigh": "neighbours.json"}
OF_FRR = {
    "show daemons": "daemons.txt",
    "show running-config no-header": "running.txt",
    "show evpn vni detail json": "vnis.json",
    "show ip route vrf all json": "ip-routes.json",
    "show ipv6 route vrf all json": "ipv6-routes.json",
}
RULES = "rules.txt"
Edit = Callable[[Any], Any]


class Answers:
    """What the firewall says, by file; a folder on a box's disk, or only here."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self.texts = {path.name: path.read_text() for path in (RECORDED / "answers").iterdir()}
        for name in self.texts:
            self._write(name)

    def _write(self, name: str) -> None:
        if self.folder:
            self.folder.mkdir(exist_ok=True)
            (self.folder / name).write_text(self.texts[name])

    def edit(self, name: str, edit: Edit) -> None:
        """Change what a file says: text is given to `edit` as it is, JSON as a value.

        FRR tells the routes of each VRF by themselves, so of those it is a list.
        """
        text = self.texts[name]
        if name.endswith(".txt"):
            self.texts[name] = edit(text)
        elif name.endswith("-routes.json"):
            self.texts[name] = "\n".join(json.dumps(one) for one in edit(_documents(text)))
        else:
            self.texts[name] = json.dumps(edit(json.loads(text)))
        self._write(name)

    def to(self, words: list[str]) -> str:
        """The answer to a command."""
        if words[0] == "vtysh":
            return "".join(self.texts[OF_FRR[word]] for word in words if word in OF_FRR)
        if words[0] == "nft":
            return self.texts[RULES]
        return next(self.texts[name] for word, name in OF_IP.items() if word in words)


def _documents(text: str) -> list[Any]:
    found, rest, decoder = [], text.strip(), json.JSONDecoder()
    while rest:
        document, end = decoder.raw_decode(rest)
        found.append(document)
        rest = rest[end:].strip()
    return found


def link(name: str, change: Callable[[dict[str, Any]], object]) -> Edit:
    """Change one device."""

    def edit(links: list[dict[str, Any]]) -> list[dict[str, Any]]:
        change(next(one for one in links if one.get("ifname") == name))
        return links

    return edit


def without(name: str) -> Edit:
    """Take away one device."""
    return lambda links: [one for one in links if one.get("ifname") != name]


def replaced(old: str, new: str) -> Edit:
    """Change a text, which has this."""

    def edit(text: str) -> str:
        assert old in text, old
        return text.replace(old, new)

    return edit


def in_kernel(root: Path) -> None:
    """Give a box the settings that its file wants."""
    for line in SETTINGS.splitlines():
        key, equals, value = line.partition(" = ")
        if equals:
            path = root / "proc/sys" / key.replace(".", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{value}\n")
