"""The Celery application: workers run bill runs and deliveries, beat the scheduled ones."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("billwright")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
