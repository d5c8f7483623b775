"""Ties the apps together: settings, URLs, workers, embedded servers. Nobody imports it."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
