"""The Celery application; its tasks are in the apps."""

import os
import sys
from typing import Any

from celery import Celery
from celery.loaders.app import AppLoader
from celery.signals import task_postrun, task_prerun
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from networks.common import audit

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


class Loader(AppLoader):
    """Ends worker and beat with one sentence where the settings are wrong."""

    def config_from_object(self, obj: Any, silent: bool = False) -> Any:
        try:
            _ = settings.DATABASES
        except ImproperlyConfigured as error:
            sys.exit(str(error))
        return super().config_from_object(obj, silent)


app = Celery("shared_networks", loader="config.celery:Loader")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@task_prerun.connect
def begin(task_id: str, task: Any, **kwargs: Any) -> None:
    """Name the task in the audit trail as who changes what it changes."""
    audit.begin(audit.Actor(task.name.rpartition(".")[2], "task", task_id))


@task_postrun.connect
def end(**kwargs: Any) -> None:
    audit.end()
