"""Recorded backups: what operators and Prometheus are told of them."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from config import backups
from config.models import Backup
from organizations.kernel import clock
from tests import factories
from tests.console.clients import Console

pytestmark = pytest.mark.django_db


def record(*words: str) -> None:
    call_command("record_backup", *words)


def scraped(client, settings) -> str:
    settings.METRICS_TOKEN = "a-token"
    return client.get("/metrics", headers={"authorization": "Bearer a-token"}).content.decode()


def page() -> str:
    founded = factories.make_founded(admin_password="a-long-secret")
    founded.admin.is_superuser = True
    founded.admin.save()
    operator = Console(founded.admin)
    return operator.text(operator.client.get(reverse("operation")))


def test_without_a_backup_the_page_and_the_metrics_say_so(client, settings):
    text = scraped(client, settings)

    assert "none is recorded" in page()
    assert "billwright_backup_failed 1.0" in text
    assert "billwright_last_backup_timestamp_seconds" not in text


def test_the_last_good_backup_is_told_with_size_and_place(client, settings):
    ended = (clock.now() - timedelta(hours=2)).replace(microsecond=0)
    record("--at", ended.isoformat(), "--bytes", "2048", "--where", "s3://backups/monday")

    text, shown = scraped(client, settings), page()

    (told,) = [one for one in text.splitlines() if one.startswith("billwright_last_backup_time")]
    assert float(told.split()[1]) == ended.timestamp()
    assert "billwright_last_backup_bytes 2048.0" in text
    assert "billwright_backup_failed 0.0" in text
    assert "s3://backups/monday" in shown and "2.0" in shown


def test_a_backup_that_failed_later_is_told_beside_the_last_good_one(client, settings):
    record("--at", (clock.now() - timedelta(hours=5)).isoformat())
    record("--at", (clock.now() - timedelta(hours=1)).isoformat(), "--failed", "The disk is full.")

    text, shown = scraped(client, settings), page()

    assert "billwright_backup_failed 1.0" in text
    assert "A later backup failed" in shown and "The disk is full." in shown


def test_a_failure_before_the_last_good_one_is_forgiven():
    record("--at", (clock.now() - timedelta(hours=5)).isoformat(), "--failed", "No route.")
    record("--at", (clock.now() - timedelta(hours=1)).isoformat())

    assert backups.last().failed is None
    assert not backups.last().is_overdue


@pytest.mark.parametrize(("hours", "is_overdue"), [(25, False), (27, True)])
def test_a_backup_that_is_too_old_is_overdue(hours, is_overdue):
    record("--at", (clock.now() - timedelta(hours=hours)).isoformat())

    assert backups.last().is_overdue is is_overdue


def test_the_same_backup_recorded_twice_is_one():
    for _ in range(2):
        record("--at", "2026-01-02T03:04:05", "--where", "/backups/one")

    (row,) = Backup.objects.all()
    assert (row.ended_at, row.place) == (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "/backups/one")


def test_who_logs_in_where_it_is_kept_is_not_written_down():
    record("--where", "sftp://backup:hunter2@vault.example/day")

    assert Backup.objects.get().place == "sftp://vault.example/day"


def test_records_of_more_than_400_days_ago_are_forgotten():
    for days in (500, 399, 0):
        record("--at", (clock.now() - timedelta(days=days)).isoformat())

    assert Backup.objects.count() == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--at", "2999-01-01"], "at: must not lie in the future"),
        (["--at", "yesterday"], "no ISO 8601 date-time"),
        (["--bytes=-1"], "bytes: must be a number of bytes"),
        (["--bytes", str(2**63)], "bytes: must be a number of bytes"),
        (["--where", "x" * 501], "where: must have at most 500"),
        (["--failed", "a\0b"], "failed: must have at most 1000 characters and no NUL"),
        (["--failed", " "], "failed: must say what went wrong"),
        (["--at", "2999-01-01", "--bytes=-1"], "future; bytes: must be"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_recorded(words, said):
    with pytest.raises(CommandError, match=said):
        record(*words)

    assert not Backup.objects.exists()
