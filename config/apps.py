from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in
from django.db.models.signals import post_migrate


class ConfigConfig(AppConfig):
    name = "config"
    verbose_name = "Access"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from config.access import drafts, logins, roles  # noqa: PLC0415 - they need the models
        from networks.common.validation import check_references_at_once  # noqa: PLC0415 - likewise

        post_migrate.connect(check_references_at_once, sender=self)
        post_migrate.connect(roles.sync, sender=self)
        user_logged_in.connect(logins.record)
        user_logged_in.connect(drafts.remember)
