"""The project: what joins the apps into one product, lets people in, and runs it."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
