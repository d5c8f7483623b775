"""Seals over the audit trail: what was changed behind one shows (A9.7)."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from organizations import seals
from organizations.kernel import clock, isolation
from organizations.models import AuditEntry, AuditSeal

pytestmark = pytest.mark.django_db


def seal_all(monkeypatch):
    """Announce what is there and seal it, as if the time in between had passed."""
    monkeypatch.setattr(seals, "_is_settled", lambda seal: True)
    seals.advance()
    seals.advance()


def tamper(sql):
    """Do as the owner of the database what the application cannot."""
    with isolation.as_owner(), connection.cursor() as cursor:
        cursor.execute(sql)


def test_a_block_is_announced_first_and_sealed_when_it_is_settled(organization):
    seals.advance()
    announced = AuditSeal.objects.get()
    assert (announced.hash, announced.last_entry_id) == (None, AuditEntry.objects.latest("id").pk)

    seals.advance()
    assert AuditSeal.objects.get().hash is None

    AuditSeal.objects.update(announced_at=clock.now() - timedelta(minutes=1), next_transaction=1)
    seals.advance()
    sealed = AuditSeal.objects.get()
    assert len(bytes(sealed.hash)) == 32
    assert sealed.entry_count == AuditEntry.objects.count()


def test_a_transaction_that_is_still_open_keeps_the_block_open(organization):
    seals.advance()
    AuditSeal.objects.update(
        announced_at=clock.now() - timedelta(minutes=1), next_transaction=2**60
    )

    seals.advance()

    assert AuditSeal.objects.get().hash is None


def test_seals_follow_each_other_and_the_tail_is_counted(api, monkeypatch):
    before = AuditEntry.objects.count()
    seal_all(monkeypatch)
    api.post("products", {"name": "One", "code": "one"})
    seal_all(monkeypatch)
    api.post("products", {"name": "Two", "code": "two"})

    report = seals.verify()

    assert (report.seals, report.entries, report.unsealed) == (2, before + 1, 1)
    assert report.broken is None
    assert report.latest_hash == bytes(AuditSeal.objects.latest("id").hash).hex()


def test_with_nothing_new_nothing_is_announced(organization, monkeypatch):
    seal_all(monkeypatch)
    seals.advance()
    seals.advance()

    assert AuditSeal.objects.count() == 1


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE organizations_auditentry SET action = 'read' WHERE id = "
        "(SELECT min(id) FROM organizations_auditentry)",
        "UPDATE organizations_auditentry SET difference = '{}' WHERE id = "
        "(SELECT min(id) FROM organizations_auditentry)",
        "DELETE FROM organizations_auditentry WHERE id = "
        "(SELECT min(id) FROM organizations_auditentry)",
        "UPDATE organizations_auditseal SET entry_count = entry_count + 1",
    ],
)
def test_whatever_is_changed_behind_a_seal_shows(organization, monkeypatch, sql):
    seal_all(monkeypatch)
    assert seals.verify().broken is None

    tamper(sql)

    assert seals.verify().broken == AuditSeal.objects.get()
    with pytest.raises(CommandError, match="does not fit its entries"):
        call_command("verify_audit")


def test_the_command_says_what_is_sealed(organization, monkeypatch):
    seal_all(monkeypatch)
    count, out = AuditEntry.objects.count(), StringIO()

    call_command("verify_audit", stdout=out)

    assert out.getvalue().startswith(
        f"{count} entries in 1 seals are as they were written; 0 newer ones are not sealed yet."
    )
