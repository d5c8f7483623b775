"""Wake the dispatcher after a commit, without making the request that committed wait.

A thread of this process asks a worker to dispatch; the request only sets a flag. When the broker
is down or slow, that thread is the one that finds out, and beat's sweep comes five seconds later.
"""

import logging
import threading

from celery import current_app

logger = logging.getLogger(__name__)

TASK = "integrations.dispatch_events"
# Many commits within this time are one message.
PAUSE_SECONDS = 0.25

_wanted = threading.Event()
_starting = threading.Lock()
_thread: threading.Thread | None = None


def wake() -> None:
    """Have new events and due deliveries looked at soon. Never raises and never waits."""
    global _thread
    if current_app.conf.task_always_eager:
        return  # there is no worker to wake
    _wanted.set()
    with _starting:
        # Not alive also in a process forked from one that had the thread.
        if _thread is None or not _thread.is_alive():
            _thread = threading.Thread(target=_run, name="wake dispatcher", daemon=True)
            _thread.start()


def _run() -> None:
    quiet = threading.Event()
    while True:
        _wanted.wait()
        _wanted.clear()
        _send()
        quiet.wait(PAUSE_SECONDS)


def _send() -> None:
    try:
        current_app.send_task(TASK, retry=False)
    except Exception as error:  # whatever a broker library raises: the sweep does it
        logger.warning("The dispatcher could not be woken: %s", type(error).__name__)
