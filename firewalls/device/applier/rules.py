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


def listed() -> dict[str, str]:
    """The rules that the kernel has now, everybody's, by table; nothing where it cannot say."""
    return _by_table(tools.run(["nft", "-s", "list", "ruleset"], quiet=True).text)


def must_be_listed() -> dict[str, str]:
    """The same. Raises Failed where it cannot say."""
    result = tools.run(["nft", "-s", "list", "ruleset"], quiet=True)
    if not result.ok:
        raise Failed("What runs could not be asked of nft and FRR, so it could not be saved.")
    return _by_table(result.text)


def _by_table(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    table = ""
    for line in text.splitlines():
        if line.startswith("table "):
            table = " ".join(line.split()[1:3])
            found[table] = ""
        if table:
            found[table] += f"{line}\n"
        if line == "}":
            table = ""
    return found


def of(every: dict[str, str], names: list[str]) -> str:
    """The rules in these tables, one after the other."""
    return "".join(every.get(name, "") for name in names)


def in_kernel(text: str) -> str:
    """The rules that the kernel has now in the tables of a rule set."""
    return of(listed(), tables(text))


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


def expected() -> str:
    """What the kernel would list of the file in its place; nothing where that cannot be tried.

    The file is loaded into an empty namespace. Raises Failed.
    """
    if not tools.run(["unshare", "-n", "true"]).ok:
        remark(NOT_COMPARED)
        return ""
    script = 'nft -f "$1" && nft -s list ruleset'
    path = f"{box.ROOT}/{box.RULES}"
    result = tools.run(["unshare", "-n", "sh", "-c", script, "sh", path])
    if not result.ok:
        raise Failed(result.text)
    return of(_by_table(result.text), tables(result.text))


def undoing(names: list[str], every: dict[str, str]) -> str:
    """What brings back these tables as they were, when the kernel had these rules."""
    lines = []
    for table in names:
        lines += [f"add table {table}\n", f"delete table {table}\n", every.get(table, "")]
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
