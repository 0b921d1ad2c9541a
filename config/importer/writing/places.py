"""Partitions and projects."""

from config.importer.kinds import PartitionDoc, ProjectDoc
from config.importer.writing.rows import Saved, write
from networks.models import Partition, Project


def write_partition(doc: PartitionDoc) -> Saved:
    return write(Partition, doc.id, doc.values)


def write_project(doc: ProjectDoc) -> Saved:
    return write(Project, doc.own_id, doc.values)


def ensure_project(id: str) -> bool:
    """Make a project that documents only refer to. Returns whether it had to be made."""
    if Project.objects.filter(pk=id).exists():
        return False
    Project(id=id, name=id).save(force_insert=True)
    return True
