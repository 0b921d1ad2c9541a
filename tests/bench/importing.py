"""What an import of many machines costs, the first time and again."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from config.importer.run import run
from tests.bench import serving
from tests.bench.reconciling import cost
from tests.config.generated import Dump

PARTITIONS = 2
NETWORKS = 125  # in each partition, with a firewall each
MACHINES = 8  # in each network


def import_dumps() -> Iterator[dict[str, float]]:
    """Yield a row for each time that the same dump is imported: `again` is 0, then 1."""
    dumps = [
        Dump(f"bench-{number}", number, NETWORKS, MACHINES, first=1 + number * NETWORKS * MACHINES)
        for number in range(PARTITIONS)
    ]
    objects = sum(len(list(dump)) for dump in dumps)
    with TemporaryDirectory() as folder, serving.database(), serving.connected():
        for dump in dumps:
            dump.write_yaml(Path(folder))
        for again in (0, 1):
            taken = cost(lambda: run([Path(folder)], strict=True))
            yield {"objects": objects, "again": again, **taken}
