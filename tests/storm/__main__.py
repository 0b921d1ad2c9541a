"""`python -m tests.storm [SECONDS] [CLIENTS]`: storms against everything as `make run` starts it.

One of programs over REST, then one of people at pages and at the admin, and one of both, so many
seconds each. Exits with 1 where anybody was answered 5xx, a deadlock is in the server's log, or a
rule is broken.
"""

import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests.stack import PASSWORD, Stack, running
from tests.storm.doors import Door, OverHttp
from tests.storm.people import PERSON
from tests.storm.writers import PROGRAM, Action, Writer, build

SECONDS, CLIENTS = 60.0, 12
# Who does what, in turns over the clients.
STORMS: dict[str, Sequence[Sequence[Action]]] = {
    "over REST": [PROGRAM],
    "at pages and at the admin": [PERSON],
    "at all doors": [PROGRAM, PROGRAM, PERSON],
}


def main(arguments: Sequence[str]) -> int:
    seconds = float(arguments[0]) if arguments else SECONDS
    clients = int(arguments[1]) if len(arguments) > 1 else CLIENTS
    with stack() as started:
        token = started.manage("create_token", "storm", "--role", "admin")
        doors = [OverHttp(started.port, token, "admin", PASSWORD) for _ in range(clients)]
        build(doors[0])
        failures = [one for name in STORMS for one in _storm(name, doors, seconds)]
        rules = started.manage("check_rules")
        log = (started.var / "postgres" / "log").read_text(errors="replace")
    output = "\n".join(started.output)
    deadlocks = log.count("deadlock detected") + output.count("deadlock detected")
    if failures:
        print(output)
    print(f"\n5xx: {len(failures)}", *failures[:10], sep="\n")
    print(f"deadlocks in the logs: {deadlocks}\n{rules}")
    return int(bool(failures or deadlocks or "Every rule holds" not in rules))


@contextmanager
def stack() -> Iterator[Stack]:
    folder = Path(tempfile.mkdtemp(prefix="sn-storm-"))
    try:
        with running(folder, DEMO="none") as started:
            yield started
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _storm(name: str, doors: Sequence[Door], seconds: float) -> list[str]:
    """Every client does one thing after the other for so long. Returns what was answered 5xx."""
    writers = [
        Writer(door, random.Random(f"{name} {number}"), f"w{number}")
        for number, door in enumerate(doors)
    ]
    roles = STORMS[name]
    with ThreadPoolExecutor(len(doors)) as pool:
        futures = [
            pool.submit(writer.run, seconds, roles[number % len(roles)])
            for number, writer in enumerate(writers)
        ]
        for future in futures:
            future.result()
    print(f"\n{name}: ", end="")
    _print_answers(writers)
    return [failure for writer in writers for failure in writer.failures]


def _print_answers(writers: Sequence[Writer]) -> None:
    answers: Counter[tuple[str, int]] = Counter()
    for writer in writers:
        answers += writer.answers
    print(f"{answers.total()} requests")
    for what in sorted({what for what, _ in answers}):
        statuses = {status: times for (name, status), times in answers.items() if name == what}
        print(f"  {what:<44}", *[f"{status}: {statuses[status]}" for status in sorted(statuses)])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
