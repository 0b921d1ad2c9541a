"""nftables: the rules of the product's own tables, checked, loaded, saved and compared.

Tables of others are neither saved nor put back: their owners may have changed them meanwhile, and
iptables-nft makes rules that nft lists but does not read.
"""

from __future__ import annotations

from . import box, connections, files, tools
from .remarks import Failed, Skipped, remark

NOT_COMPARED = (
    "No network namespace can be made here, so the rules in the kernel were not compared."
)


def tables(text: str) -> list[str]:
    """The tables that a rule set speaks of: "FAMILY NAME" each."""
    names = set()
    for line in text.splitlines():
        words = line.replace("{", " ").replace(";", " ").split()
        if words[:1] in (["add"], ["delete"], ["destroy"], ["flush"]):
            words = words[1:]
        if words[:1] == ["table"]:
            names.add(" ".join(words[1:3]))
    return sorted(names)


def in_kernel(text: str) -> str:
    """The rules that the kernel has now in the tables that a rule set speaks of."""
    listed = [
        tools.run(["nft", "-s", "list", "table", *table.split()], quiet=True).text
        for table in tables(text)
    ]
    return "".join(listed)


def check(folder: str) -> None:
    """Whether nft takes the rule set that was sent."""
    if not tools.installed("nft"):
        raise tools.missing("nft is not installed here, so the rule set was not checked.")
    command = ["nft", "-c", "-f", f"{folder}/{box.RULES}"]
    if not box.PRACTICE:
        tools.must(command)
        return
    # In a network namespace of its own: the machine that plays the practice firewall is not
    # touched. Without privileges the kernel takes short rule sets only.
    for flags in ("-n", "-Urn"):
        inside = ["unshare", flags, "sh", "-c", 'echo inside && exec "$@"', "sh", *command]
        result = tools.run(inside)
        if result.ok:
            return
        began, _, output = result.text.partition("\n")
        if began == "inside":
            raise Failed(output)
    raise Skipped("No network namespace can be made here, so the rule set was not checked.")


def load() -> None:
    """Give the kernel the rules of the file in its place."""
    if box.PRACTICE:
        raise Skipped(box.NO_KERNEL)
    path = f"{box.ROOT}/{box.RULES}"
    before = in_kernel(files.text(path))
    tools.must(["nft", "-f", path])
    connections.forget_gone(before, files.text(path))


def verify() -> None:
    """The kernel lists the rules as it would those of the file, loaded into an empty namespace."""
    path = f"{box.ROOT}/{box.RULES}"
    if not tools.run(["unshare", "-n", "true"]).ok:
        remark(NOT_COMPARED)
        return
    script = 'nft -f "$1" && nft -s list ruleset'
    expected = tools.run(["unshare", "-n", "sh", "-c", script, "sh", path])
    if not expected.ok:
        raise Failed(expected.text)
    if in_kernel(expected.text) != expected.text:
        raise Failed("The rules in the kernel are not those that were sent.")


def undoing(names: list[str]) -> str:
    """What brings back what the kernel has now in these tables. Raises Failed if it cannot say."""
    lines = []
    there = tables(_listed("tables"))
    for table in names:
        lines += [f"add table {table}\n", f"delete table {table}\n"]
        if table in there:
            lines.append(_listed("table", *table.split()))
    return "".join(lines)


def refusal(path: str) -> str:
    """Why nft would not load a file again; nothing if it would."""
    result = tools.run(["nft", "-c", "-f", path])
    return "" if result.ok else result.text or "nft gives no reason"


def put_back(folder: str) -> None:
    """Load what was saved, or else the file that was in place: better than the new rules."""
    for path in (f"{folder}/rules", f"{folder}/{box.RULES}"):
        text = files.text(path)
        before = in_kernel(text)
        result = tools.run(["nft", "-f", path])
        if result.ok:
            connections.forget_gone(before, text)
            return
        remark(result.text)
    raise Failed("")


def _listed(*words: str) -> str:
    result = tools.run(["nft", "-s", "list", *words], quiet=True)
    if not result.ok:
        raise Failed("What runs could not be asked of nft and FRR, so it could not be saved.")
    return result.text
