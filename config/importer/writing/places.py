"""Partitions and projects."""

from config.importer.kinds import PartitionDoc, ProjectDoc
from config.importer.writing.context import Context
from config.importer.writing.rows import Saved, save_differing
from networks.models import Partition, Project


def write_partition(doc: PartitionDoc, context: Context) -> Saved:
    row = context.known.partitions.get(doc.id)
    if row is not None:
        return Saved(changes=save_differing(row, doc.values, context))
    context.before_writing()
    Partition(id=doc.id, **doc.values).save(force_insert=True)
    return Saved(created=True)


def write_project(doc: ProjectDoc, context: Context) -> Saved:
    row = context.known.projects.get(doc.own_id)
    if row is not None:
        return Saved(changes=save_differing(row, doc.values, context))
    context.before_writing()
    Project(id=doc.own_id, **doc.values).save(force_insert=True)
    return Saved(created=True)


def ensure_project(id: str, context: Context) -> bool:
    """Make a project that documents only refer to. Returns whether it had to be made."""
    if id in context.known.projects:
        return False
    context.before_writing()
    row = Project(id=id, name=id)
    row.save(force_insert=True)
    return True
