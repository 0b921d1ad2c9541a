"""The folders of the large demo's practice firewalls, each as the state of its firewall says."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings

from config.demo import mishaps
from config.demo.large.copying import slices
from config.demo.large.networks import MARK
from firewalls.device import practice
from firewalls.models import Firewall, Revision

AT_ONCE = 200  # firewalls whose files are in memory


def make_missing() -> int:
    """Make the folders that are missing, with what was applied to each firewall. Says how many."""
    missing = [firewall for firewall in _firewalls() if not _folder(firewall).exists()]
    for batch in slices(missing, AT_ONCE):
        files = _applied_files(batch)
        for firewall in batch:
            _make(firewall, files.get(firewall.observation.applied_id or 0, {}))
    return len(missing)


def _firewalls() -> list[Firewall]:
    rows = Firewall.objects.filter(practice=True, machine__partition__description=MARK)
    return list(rows.with_state().select_related("machine", "observation"))


def _folder(firewall: Firewall) -> Path:
    return settings.PRACTICE / firewall.name


def _applied_files(firewalls: Sequence[Firewall]) -> dict[int, dict[str, str]]:
    """The files of the revisions applied to the firewalls, by revision."""
    ids = [firewall.observation.applied_id or 0 for firewall in firewalls]
    return dict(Revision.objects.filter(pk__in=ids).values_list("pk", "files"))


def _make(firewall: Firewall, files: dict[str, str]) -> None:
    """Make the folder under another name first, so that an interruption leaves no half of one."""
    unfinished = f".half-{firewall.name}"
    shutil.rmtree(settings.PRACTICE / unfinished, ignore_errors=True)
    root = practice.ensure_root(settings.PRACTICE, unfinished)
    for path, text in files.items():
        file = root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        if path in firewall.observation.drift.split():
            mishaps.edit_by_hand(file)
    if firewall.state == Firewall.State.FAILED:
        mishaps.block_folder(root / "etc" / "frr")
    root.rename(_folder(firewall))
