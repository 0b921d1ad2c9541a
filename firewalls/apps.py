from django.apps import AppConfig


class FirewallsConfig(AppConfig):
    name = "firewalls"
    verbose_name = "Firewalls"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Connecting receivers needs the loaded models.
        from firewalls import receivers  # noqa: F401, PLC0415
