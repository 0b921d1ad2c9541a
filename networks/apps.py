from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.urls import register_converter

from networks.common.audit import watch
from networks.common.converters import IdConverter


class NetworksConfig(AppConfig):
    name = "networks"
    verbose_name = "Networks"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        connection_created.connect(watch)
        register_converter(IdConverter, "id")
