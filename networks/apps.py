from django.apps import AppConfig


class NetworksConfig(AppConfig):
    name = "networks"
    verbose_name = "Networks"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from networks.common import audit  # noqa: F401, PLC0415 - it watches every connection from now on
