"""Writes objects stage by stage: together where that is plain, else one after the other."""

from collections.abc import Callable, Sequence

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
from config.importer.ordering import Stage, stages
from config.importer.report import Report
from config.importer.writing.addresses import write_address
from config.importer.writing.context import Context, Differs
from config.importer.writing.firewalls import judge_rules
from config.importer.writing.known import Known
from config.importer.writing.machines import write_free, write_machine
from config.importer.writing.many import saved_together
from config.importer.writing.networks import write_network
from config.importer.writing.picking import GivenAddresses
from config.importer.writing.places import ensure_project, write_partition, write_project
from config.importer.writing.rows import Saved
from firewalls.intent import changes
from networks.common.addressing import IP
from networks.models import Address, Network, Partition, Project

_REFERRED_TO = {"partition": Partition, "project": Project, "network": Network}
_UNRENDERED = "It was imported"  # why something else is wanted of a firewall


class Writer:
    """What cannot be written gets a problem, and what depends on it is kept out with it.

    `progress` is called with the number of objects that were written since the last time.
    """

    def __init__(self, by: str, progress: Callable[[int], object]) -> None:
        self.by = by
        self.progress = progress
        self.report = Report()
        self.failed: set[Key] = set()  # whoever refers to these is not to blame
        self.described_projects: set[str] = set()
        self.new_addresses: set[IP] = set()
        self.places_are_stale = True
        self.addresses_are_stale = True
        self.context = Context(by, Known(), GivenAddresses([]))

    def write(self, entries: Sequence[Entry]) -> Report:
        """Write every object that could be read."""
        for entry in entries:
            self.report.note_reading(entry)
            if entry.doc is None:
                self._fail(entry)
                self.progress(1)
            elif isinstance(entry.doc, ProjectDoc):
                self.described_projects.add(entry.doc.own_id)
        readable = [entry for entry in entries if entry.doc is not None]
        docs = [entry.doc for entry in readable if entry.doc is not None]
        self.new_addresses = _new_addresses(entries)
        self.context.given = GivenAddresses(docs)
        for stage, together in stages(readable):
            self._load(stage, docs)
            self._write_stage(together)
        changes.refresh(self.context.unrendered, _UNRENDERED, self.by)
        return self.report

    def _load(self, stage: Stage, docs: Sequence[Doc]) -> None:
        """Read anew what the stage needs to know, in a few queries."""
        known = self.context.known
        if self.places_are_stale:
            known.load_places()
        self.places_are_stale = stage < Stage.RESERVED_ADDRESSES
        if stage >= Stage.RESERVED_ADDRESSES and self.addresses_are_stale:
            known.load_addresses(self.context.given.all)
            self.addresses_are_stale = False
        if stage in (Stage.MACHINES, Stage.MACHINES_TO_PICK_FOR):
            known.load_machines(docs)

    def _write_stage(self, entries: Sequence[Entry]) -> None:
        free = [entry for entry in entries if not self._is_kept_out(entry)]
        by_doc = {id(entry.doc): entry for entry in free}
        docs = [entry.doc for entry in free if entry.doc is not None]
        written = {id(doc) for doc in saved_together(docs, self.context)}
        self.addresses_are_stale |= bool(written)
        for key in written:
            self.report.note(by_doc[key], Saved(created=True))
        self.progress(len(entries) - len(free) + len(written))
        for entry in free:
            if id(entry.doc) not in written:
                self._write_one(entry)
                self.progress(1)

    def _is_kept_out(self, entry: Entry) -> bool:
        """Whether it needs what is kept out, and so is kept out with that."""
        assert entry.doc is not None
        missing = entry.doc.needs() & self.failed
        if missing:
            entry.depends_on = min(missing)
            self._fail(entry)
        return bool(missing)

    def _fail(self, entry: Entry) -> None:
        """Whoever refers to it is kept out with it, unless it is there since before."""
        for key in entry.keys_it_may_have:
            model = _REFERRED_TO.get(key[0])
            if model and not _exists(model, key[1]):
                self.failed.add(key)

    def _write_one(self, entry: Entry) -> None:
        """A look is enough where nothing differs; only what is written needs a savepoint."""
        doc = entry.doc
        assert doc is not None
        try:
            try:
                with self.context.looking():
                    owner_is_new, saved = self._ensure_owner(doc.owner), self._saved(doc)
            except Differs:
                self.addresses_are_stale = True
                with transaction.atomic():
                    owner_is_new, saved = self._ensure_owner(doc.owner), self._saved(doc)
        except ValidationError as error:
            self.context.known.forget(entry.key)
            entry.complain_of_row(error)
            self._fail(entry)
            return
        if owner_is_new:
            self.report.note_owner(doc.owner)
        self.report.note(entry, saved)

    def _ensure_owner(self, id: str) -> bool:
        """Make a project that is only referred to. Returns whether it had to be made."""
        if not id or id in self.described_projects:
            return False
        return ensure_project(id, self.context)

    def _saved(self, doc: Doc) -> Saved:
        saved = Saved()
        match doc:
            case PartitionDoc():
                saved = write_partition(doc, self.context)
            case ProjectDoc():
                saved = write_project(doc, self.context)
            case NetworkDoc():
                saved = write_network(doc, self.context)
            case AddressDoc(ipaddress=ip):
                saved = write_address(doc, self.context, is_new=ip in self.new_addresses)
            case MachineDoc(allocation=None):
                saved = write_free(doc, self.context)
            case MachineDoc():
                saved = write_machine(doc, self.context)
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
