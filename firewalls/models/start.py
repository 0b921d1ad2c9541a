"""When a push starts, as far as a person chooses that."""

from django.db import models


class Start(models.TextChoices):
    USUAL = "", "as usual"
    NOW = "now", "now, also outside of a maintenance window"
    WINDOW = "window", "in a maintenance window"
