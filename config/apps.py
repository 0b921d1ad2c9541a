from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ConfigConfig(AppConfig):
    name = "config"
    verbose_name = "Access"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from config.access import roles  # noqa: PLC0415 - it needs the loaded models
        from networks.common.validation import check_references_at_once  # noqa: PLC0415 - likewise

        post_migrate.connect(check_references_at_once, sender=self)
        post_migrate.connect(roles.sync, sender=self)
