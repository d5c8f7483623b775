"""Ask the rules about new events, and record what fires: once for each rule and event (B7).

Called with a batch of the outbox, inside the transaction that marks it as done.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import connection

from notifications import rules
from notifications.models import EVERY_EVENT, NotificationConfiguration
from organizations.kernel import events as kernel_events
from organizations.kernel import ids
from organizations.models import Event

PREFIX = "notification."
# KEY SHARE: a rule that is being deleted is waited for and then not there.
_RULES = """
SELECT * FROM notifications_notificationconfiguration
WHERE is_active AND organization_id = ANY(%s) AND event_name = ANY(%s)
ORDER BY id FOR KEY SHARE
"""
_COUNT = """
INSERT INTO notifications_ruleactivity AS old
    (organization_id, rule_id, day, fired, not_fired, failed)
SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::date[], %s::bigint[], %s::bigint[], %s::bigint[])
ON CONFLICT (rule_id, day) DO UPDATE SET fired = old.fired + excluded.fired,
    not_fired = old.not_fired + excluded.not_fired, failed = old.failed + excluded.failed
"""


@dataclass(frozen=True, slots=True)
class Firing:
    """A rule that fired: the event it fired upon, and the notification that tells of it."""

    rule: NotificationConfiguration
    cause: Event
    notification: Event


class _Tally:
    """What the rules did in one batch."""

    def __init__(self) -> None:
        self.counts: dict[UUID, dict[str, int]] = {}
        self.owners: dict[UUID, UUID] = {}
        self.errors: dict[UUID, tuple[str, Event]] = {}

    def add(self, rule: NotificationConfiguration, event: Event, outcome: rules.Outcome) -> None:
        """Count one verdict."""
        counts = self.counts.get(rule.pk)
        if counts is None:
            counts = self.counts[rule.pk] = dict.fromkeys(rules.VERDICTS, 0)
            self.owners[rule.pk] = rule.organization_id
        counts[outcome.verdict] += 1
        if outcome.error:
            self.errors[rule.pk] = (outcome.error, event)


def fire(events: Sequence[Event], at: datetime) -> list[Firing]:
    """Record a notification for each rule that an event fires, and what each rule did."""
    by_name = _active_rules(events)
    if not by_name:
        return []
    tally = _Tally()
    fired = []
    for event in events:
        asking = rules.Asking(event.payload)
        for rule in _meant(by_name, event):
            outcome = asking.ask(rule.calculation, always=rule.always_fires)
            tally.add(rule, event, outcome)
            if outcome.verdict == rules.FIRED:
                fired.append(Firing(rule, event, _notification(rule, event, at)))
    # What fired before, in a batch that was dispatched twice, is there already.
    Event.objects.bulk_create(
        [one.notification for one in fired], ignore_conflicts=True, batch_size=1000
    )
    _keep(tally, at)
    return fired


def _active_rules(
    events: Sequence[Event],
) -> dict[tuple[UUID, str], list[NotificationConfiguration]]:
    names = sorted({event.name for event in events})
    rows = NotificationConfiguration.objects.raw(
        _RULES, [sorted({event.organization_id for event in events}), [*names, EVERY_EVENT]]
    )
    found: dict[tuple[UUID, str], list[NotificationConfiguration]] = defaultdict(list)
    for row in rows:
        found[row.organization_id, row.event_name].append(row)
    return found


def _meant(
    by_name: dict[tuple[UUID, str], list[NotificationConfiguration]], event: Event
) -> Iterable[NotificationConfiguration]:
    """Yield the rules about an event that were active when it happened."""
    if event.name.startswith(PREFIX):  # a rule about notifications could go round in circles
        return
    for name in (event.name, EVERY_EVENT):
        for rule in by_name.get((event.organization_id, name), ()):
            if rule.active_since <= event.created_at:
                yield rule


def _notification(rule: NotificationConfiguration, event: Event, at: datetime) -> Event:
    row = kernel_events.build(
        event.organization_id,
        f"{PREFIX}{rule.code}",
        kernel_events.data(event.organization_id, new=_content(rule, event)),
        resource_id=rule.pk,
        account_id=event.account_id,
        at=at,
    )
    row.id = ids.new_id()
    row.rule_id, row.cause_id = rule.pk, event.pk
    row.dispatched_at = at  # no rule and no destination waits for it
    return row


def _content(rule: NotificationConfiguration, event: Event) -> dict[str, Any]:
    return {
        "notificationId": str(rule.pk),
        "code": rule.code,
        "name": rule.name,
        "description": rule.description,
        "eventId": str(event.pk),
        "eventName": event.name,
        "resourceId": None if event.resource_id is None else str(event.resource_id),
        "accountId": None if event.account_id is None else str(event.account_id),
    }


def _keep(tally: _Tally, at: datetime) -> None:
    # In order of ids, so that two dispatchers wait for each other and never in a circle.
    rule_ids = sorted(tally.counts)
    if not rule_ids:
        return
    day: date = at.date()
    counts = [tally.counts[one] for one in rule_ids]
    with connection.cursor() as cursor:
        cursor.execute(
            _COUNT,
            [
                [tally.owners[one] for one in rule_ids],
                rule_ids,
                [day] * len(rule_ids),
                *([one[verdict] for one in counts] for verdict in rules.VERDICTS),
            ],
        )
    for rule_id in sorted(tally.errors):
        error, event = tally.errors[rule_id]
        NotificationConfiguration.objects.filter(pk=rule_id).update(
            last_error=error, last_error_at=at, last_error_event_id=event.pk
        )
