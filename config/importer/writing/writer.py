"""Writes objects one after the other, each in a savepoint of its own."""

from collections.abc import Sequence

from django.core.exceptions import ValidationError
from django.db import models, transaction

from config.importer.entries import Entry
from config.importer.kinds import (
    AddressDoc,
    Doc,
    MachineDoc,
    NetworkDoc,
    PartitionDoc,
    ProjectDoc,
    RulesDoc,
)
from config.importer.kinds.shape import Key
from config.importer.ordering import in_order
from config.importer.report import Report
from config.importer.writing.addresses import write_address
from config.importer.writing.firewalls import judge_rules
from config.importer.writing.machines import write_free, write_machine
from config.importer.writing.networks import write_network
from config.importer.writing.picking import GivenAddresses
from config.importer.writing.places import ensure_project, write_partition, write_project
from config.importer.writing.rows import Saved
from networks.common.addressing import IP
from networks.models import Address, Network, Partition, Project

_REFERRED_TO = {"partition": Partition, "project": Project, "network": Network}


class Writer:
    """What cannot be written gets a problem, and what depends on it is kept out with it."""

    def __init__(self, by: str) -> None:
        self.by = by
        self.report = Report()
        self.failed: set[Key] = set()  # whoever refers to these is not to blame
        self.described_projects: set[str] = set()
        self.new_addresses: set[IP] = set()
        self.given = GivenAddresses([])

    def write(self, entries: Sequence[Entry]) -> Report:
        """Write every object that could be read."""
        for entry in entries:
            self.report.note_reading(entry)
            if entry.doc is None:
                self._fail(entry)
            elif isinstance(entry.doc, ProjectDoc):
                self.described_projects.add(entry.doc.own_id)
        self.new_addresses = _new_addresses(entries)
        self.given = GivenAddresses(entry.doc for entry in entries)
        for entry in in_order([entry for entry in entries if entry.doc is not None]):
            self._write_one(entry)
        return self.report

    def _fail(self, entry: Entry) -> None:
        """Whoever refers to it is kept out with it, unless it is there since before."""
        for key in entry.keys_it_may_have:
            model = _REFERRED_TO.get(key[0])
            if model and not _exists(model, key[1]):
                self.failed.add(key)

    def _write_one(self, entry: Entry) -> None:
        doc = entry.doc
        assert doc is not None
        if missing := doc.needs() & self.failed:
            entry.depends_on = min(missing)
            self._fail(entry)
            return
        try:
            with transaction.atomic():
                owner_is_new = self._ensure_owner(doc.owner)
                saved = self._saved(doc)
        except ValidationError as error:
            entry.complain_of_row(error)
            self._fail(entry)
            return
        if owner_is_new:
            self.report.note_owner(doc.owner)
        self.report.note(entry, saved)

    def _ensure_owner(self, id: str) -> bool:
        """Make a project that is only referred to. Returns whether it had to be made."""
        return bool(id) and id not in self.described_projects and ensure_project(id)

    def _saved(self, doc: Doc) -> Saved:
        saved = Saved()
        match doc:
            case PartitionDoc():
                saved = write_partition(doc)
            case ProjectDoc():
                saved = write_project(doc)
            case NetworkDoc():
                saved = write_network(doc, self.by, self.given)
            case AddressDoc(ipaddress=ip):
                saved = write_address(doc, is_new=ip in self.new_addresses)
            case MachineDoc(allocation=None):
                saved = write_free(doc)
            case MachineDoc():
                saved = write_machine(doc, self.by, self.given)
            case RulesDoc():
                saved = judge_rules(doc)
        return saved


def _exists(model: type[models.Model], id: str) -> bool:
    return model._default_manager.filter(pk=id).exists()


def _new_addresses(entries: Sequence[Entry]) -> set[IP]:
    """Those that have a document and that nobody has yet."""
    docs = [entry.doc for entry in entries if isinstance(entry.doc, AddressDoc)]
    listed = {doc.ipaddress for doc in docs}
    taken = Address.objects.filter(address__in=listed).values_list("address", flat=True)
    return listed - set(taken)
