"""Tasks that the broker holds are counted in the queues that are used."""

import pytest
import redis
from django.conf import settings

from config import operating

pytestmark = pytest.mark.django_db


def test_tasks_of_both_queues_are_counted():
    with redis.Redis.from_url(settings.BROKER_URL) as client:
        before = operating.look().queued
        for name in ("billwright", "deliveries", "celery"):
            client.rpush(name, "a message")
        try:
            assert before is not None
            assert operating.look().queued == before + 2
        finally:
            for name in ("billwright", "deliveries", "celery"):
                client.lrem(name, 1, "a message")
