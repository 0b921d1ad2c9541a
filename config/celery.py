"""The Celery application; its tasks are in the apps."""

import os
from typing import Any

from celery import Celery
from celery.signals import task_postrun, task_prerun

from networks.common import audit

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("shared_networks")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@task_prerun.connect
def begin(task_id: str, task: Any, **kwargs: Any) -> None:
    """Name the task in the audit trail as who changes what it changes."""
    audit.begin(audit.Actor(task.name.rpartition(".")[2], "task", task_id))


@task_postrun.connect
def end(**kwargs: Any) -> None:
    audit.end()
