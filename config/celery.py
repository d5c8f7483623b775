"""The Celery application: workers run bill runs and deliveries, beat the scheduled ones."""

import os
from typing import Any

from celery import Celery
from celery.signals import worker_init, worker_process_shutdown

from config import tracing

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("billwright")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_init.connect
def _trace(sender: Any = None, **_later: Any) -> None:
    is_sender = str(getattr(sender, "hostname", "")).startswith("sender-")
    tracing.start("sender" if is_sender else "worker")


@worker_process_shutdown.connect
def _send_last_traces(**_later: Any) -> None:
    tracing.flush()


@worker_init.connect
def _tell_that_the_worker_is_at_work(sender: Any = None, **_later: Any) -> None:
    if str(getattr(sender, "hostname", "")).startswith("sender-"):
        return  # it runs no bills, so it is not the worker that /health asks about
    # Imported only in a worker: it needs the settings, which this module must not load.
    from config.heartbeat import Heartbeat

    app.steps["worker"].add(Heartbeat)
