"""Invoice numbers: given in a short transaction of their own, in order of creation (NUM-1..3)."""

from uuid import UUID

from django.db import connection, transaction

from billing.models import Bill, InvoiceSeries
from organizations.kernel.errors import FieldRefused
from organizations.models import OrganizationConfig

_NUMBER_WAITING = """
UPDATE billing_bill b
   SET invoice_number = %(latest)s + n.position,
       invoice_reference = %(prefix)s || (%(latest)s + n.position),
       is_awaiting_number = false
  FROM (SELECT id, row_number() OVER (ORDER BY created_at, id) AS position
          FROM billing_bill
         WHERE organization_id = %(organization)s AND is_awaiting_number) n
 WHERE b.id = n.id
"""
_HIGHEST = """
SELECT coalesce(max(digits::bigint), 0)
  FROM (SELECT substr(invoice_reference, length(%(prefix)s::text) + 1) AS digits
          FROM billing_bill
         WHERE organization_id = %(organization)s
           AND starts_with(invoice_reference, %(prefix)s::text)) numbered
 WHERE digits ~ '^[1-9][0-9]{0,17}$'
"""


def number(organization_id: UUID) -> int:
    """Number every bill of the organization that waits for it; returns how many there were.

    Workers queue on the row of the series, so no number is given twice. The first bill has the
    start number + 1 (NUM-1); another prefix or start number begins the series again. That it
    meets no number given before is seen to when they are set (NUM-3) and, because bills may have
    been numbered since, here once more: the series goes on behind what was given.
    """
    waiting = Bill.objects.for_organization(organization_id).filter(is_awaiting_number=True)
    if not waiting.exists():
        return 0
    with transaction.atomic():
        InvoiceSeries.objects.get_or_create(organization_id=organization_id)
        series = InvoiceSeries.objects.select_for_update().get(organization_id=organization_id)
        config = OrganizationConfig.objects.get(organization_id=organization_id)
        if not config.bill_prefix:  # taken away since these bills were made (NUM-2)
            waiting.update(is_awaiting_number=False)
            return 0
        _restart_when_changed(series, config)
        with connection.cursor() as cursor:
            cursor.execute(
                _NUMBER_WAITING,
                {
                    "organization": organization_id,
                    "prefix": series.prefix,
                    "latest": series.latest_number,
                },
            )
            numbered = cursor.rowcount
        series.latest_number += numbered
        series.save()
    return numbered


def check_series(config: OrganizationConfig) -> None:
    """Refuse another prefix or start number that would give a number a second time (NUM-3)."""
    stored = OrganizationConfig.objects.filter(pk=config.pk).first()
    wanted = (config.bill_prefix or "", config.sequence_start_number or 0)
    if stored is None or not wanted[0]:
        return
    if wanted == (stored.bill_prefix or "", stored.sequence_start_number or 0):
        return
    prefix, start = wanted
    highest = _highest_given(config.organization_id, prefix)
    if start < highest:
        raise FieldRefused(
            "sequenceStartNumber",
            f"numbers up to {prefix}{highest} are given already: start with {highest} or more",
        )


def _restart_when_changed(series: InvoiceSeries, config: OrganizationConfig) -> None:
    prefix, start = config.bill_prefix or "", config.sequence_start_number or 0
    if (prefix, start) == (series.prefix, series.start_number) and series.latest_number:
        return
    series.prefix, series.start_number = prefix, start
    series.latest_number = max(start, _highest_given(series.organization_id, prefix))


def _highest_given(organization_id: UUID, prefix: str) -> int:
    """Return the highest number behind the prefix on any bill, 0 for none.

    A12 is number 12 of A and number 2 of A1.
    """
    with connection.cursor() as cursor:
        cursor.execute(_HIGHEST, {"organization": organization_id, "prefix": prefix})
        return int(cursor.fetchone()[0])
