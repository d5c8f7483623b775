"""What a person says about themselves: names and contact number."""

from django.db import transaction

from organizations.kernel import changes, clock
from organizations.models import User
from organizations.signin import trail


def change(user: User, *, first_name: str, last_name: str, contact_number: str) -> User:
    """Save what differs, and tell the audit trails of the person's organizations."""
    wanted = {
        "first_name": first_name, "last_name": last_name, "contact_number": contact_number,
    }  # fmt: skip
    with transaction.atomic():
        locked = User.objects.select_for_update().get(pk=user.pk)
        before = {name: getattr(locked, name) for name in wanted}
        if before == wanted:
            return locked
        for name, value in wanted.items():
            setattr(locked, name, value)
        locked.version += 1
        locked.modified_at, locked.modified_by = clock.now(), user.pk
        locked.save()
        trail.record(locked, "profile changed", difference=changes.difference(before, wanted))
    return locked
