"""Write audit entries about what is no change of a row: calls that were denied, mails sent.

Changes of rows are audited by ``organizations.kernel.changes``, in their own transaction.
"""

import hashlib
from typing import Any
from uuid import UUID

from django.core.cache import cache

from organizations.kernel import clock, outages
from organizations.kernel.principals import Principal
from organizations.models import AuditEntry

# A program that repeats a denied call all day leaves an entry a minute, with the number of calls.
REPEATED_WITHIN_SECONDS = 60

# Without Redis nobody counts: rather an entry too many than none.
_breaker = outages.Breaker(__name__)


def record(
    by: Principal,
    action: str,
    resource: str,
    entity_id: UUID | None = None,
    *,
    difference: dict[str, Any] | None = None,
    is_allowed: bool = True,
) -> None:
    """Append one entry; ``resource`` is the name policies use (``config:orgUser``)."""
    AuditEntry.objects.create(
        organization_id=by.organization_id,
        at=clock.now(),
        principal_id=by.id,
        principal_kind=by.kind,
        access_key_id=by.access_key_id,
        source_address=by.source_address,
        request_id=by.request_id,
        action=action,
        resource=resource,
        entity_id=entity_id,
        difference=difference or {},
        is_allowed=is_allowed,
    )


def denied(
    by: Principal,
    action: str,
    resource: str,
    entity_id: UUID | None = None,
    *,
    request: str = "",
) -> None:
    """Append an entry about a refused call that may be repeated very often.

    The same refusal of the same principal is written once a minute; the next entry then tells
    how many there have been since the last one. ``request`` is what was asked for.
    """
    repeated = _breaker.call(lambda: _repetitions(by, action, resource, entity_id, request), int)
    if repeated is None:
        return
    difference = {"request": [None, request[:500].replace("\x00", "")]} if request else {}
    if repeated:
        difference["repeated"] = [None, repeated]
    record(by, action, resource, entity_id, difference=difference, is_allowed=False)


def _repetitions(by: Principal, *what: Any) -> int | None:
    """Return how often the same was refused since it was written; None: too soon to write."""
    words = "|".join(map(str, (by.organization_id, by.id, by.access_key_id, *what)))
    key = f"denied:{hashlib.sha256(words.encode()).hexdigest()}"
    count = f"{key}:count"
    if cache.add(key, 1, REPEATED_WITHIN_SECONDS):
        repeated = cache.get(count, 0)
        cache.delete(count)
        return int(repeated)
    cache.add(count, 0, 2 * REPEATED_WITHIN_SECONDS)
    try:
        cache.incr(count)
    except ValueError:  # it ended in between
        cache.set(count, 1, 2 * REPEATED_WITHIN_SECONDS)
    return None
