"""What workers do for this app: mail secrets, seal the audit trail, delete what is old."""

from datetime import datetime
from uuid import UUID

from celery import shared_task

from organizations import alerts, invitations, people, seals
from organizations.kernel import clock, events, files, isolation
from organizations.kernel.api import idempotency
from organizations.kernel.tenancy import within_that_of
from organizations.models import Invitation, Membership
from organizations.signin import passwords, sessions

# A mail server that is away is asked again for about an hour.
PATIENT = {
    "autoretry_for": (OSError,),
    "retry_backoff": 30,
    "retry_backoff_max": 900,
    "max_retries": 8,
}


@shared_task(name="organizations.mail_temporary_password", **PATIENT)
def mail_temporary_password(*, membership_id: str, **_later: object) -> None:
    """Give a person who still has a temporary password a new one and mail it."""
    with within_that_of(Membership, membership_id):
        rows = Membership.objects.select_related("user")
        membership = rows.filter(pk=UUID(membership_id)).first()
        if membership is not None and membership.user.must_change_password:
            people.mail_temporary_password(membership)


@shared_task(name="organizations.mail_password_link", **PATIENT)
def mail_password_link(*, email: str, **_later: object) -> None:
    """Mail somebody who forgot the password a link; nothing to an address nobody has here."""
    with isolation.everywhere():
        passwords.mail_link(email)


@shared_task(name="organizations.mail_invitation", **PATIENT)
def mail_invitation(*, invitation_id: str, **_later: object) -> None:
    """Mail an invitation with a new link."""
    with within_that_of(Invitation, invitation_id):
        invitations.send_mail(invitation_id)


@shared_task(name="organizations.mail_digests")
def mail_digests(**_later: object) -> None:
    """Mail administrators the alerts that wait, once a day."""
    with isolation.everywhere():
        alerts.mail_digests(clock.now())


@shared_task(name="organizations.mail_alerts", **PATIENT)
def mail_alerts(*, organization_id: str, email: str, mailed_at: str, **_later: object) -> None:
    """Mail one administrator the alerts that were handed out together."""
    with isolation.within(organization_id):
        alerts.send_digest(UUID(organization_id), email, datetime.fromisoformat(mailed_at))


@shared_task(name="organizations.delete_kept_answers")
def delete_kept_answers(**_later: object) -> None:
    """Delete answers that are not given again any more."""
    with isolation.everywhere():
        idempotency.delete_old()


@shared_task(name="organizations.delete_old_events")
def delete_old_events(**_later: object) -> None:
    """Delete events that are older than 28 days."""
    with isolation.everywhere():
        events.delete_old(clock.now())


@shared_task(name="organizations.delete_old_files")
def delete_old_files(**_later: object) -> None:
    """Delete files that are kept no longer, and what was never uploaded whole."""
    with isolation.everywhere():
        files.delete_old(clock.now())


@shared_task(name="organizations.seal_audit")
def seal_audit(**_later: object) -> None:
    """Take the sealing of the audit trail one step further."""
    with isolation.everywhere():
        seals.advance()


@shared_task(name="organizations.forget_sessions")
def forget_sessions(**_later: object) -> None:
    """Delete what is left of sessions that are over."""
    with isolation.everywhere():
        sessions.forget_ended()
