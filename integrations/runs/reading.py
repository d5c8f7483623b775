"""Read what a sender is given: a bill as an invoice, any other entity as it looks outside."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from billing import representations
from billing.models import Account, Bill, LineItem
from integrations.models import ExternalMapping, IntegrationConfiguration
from integrations.systems import known
from integrations.systems.base import Mapped, NoMapping, Refused
from integrations.systems.invoices import Invoice, Item, Party
from organizations.kernel import registry
from organizations.kernel.representing import text


def account_of(entity_type: str, entity_id: str, organization_id: UUID) -> UUID | None:
    """Return the account an entity belongs to; None for none, or when it is gone."""
    resource = registry.of_type(entity_type.lower())
    if resource is None:
        return None
    rows = resource.model._default_manager.filter(organization_id=organization_id, pk=entity_id)
    row = rows.first()
    if row is None:
        return None
    return row.pk if isinstance(row, Account) else getattr(row, "account_id", None)


def invoice(organization_id: UUID, bill_id: str) -> Invoice | None:
    """Return a bill with its items; None when it is gone."""
    rows = Bill.objects.for_organization(organization_id).select_related("account")
    bill = rows.filter(pk=bill_id).first()
    if bill is None:
        return None
    items = LineItem.objects.filter(bill=bill, organization_id=organization_id)
    return Invoice(
        bill_id=str(bill.pk),
        version=bill.version,
        account=Party(
            identity=str(bill.account_id),
            code=bill.account_code,
            name=bill.account_name,
            email=bill.account_email,
            address=bill.account_address,
            custom_fields=bill.account.custom_fields,
        ),
        currency=bill.currency,
        total=bill.total,
        items=tuple(_item(row) for row in items.order_by("sequence_number", "pk")),
        bill_date=bill.bill_date,
        start_date=bill.start_date,
        end_date=bill.end_date,
        due_date=bill.due_date,
        external_date=bill.external_invoice_date,
        external_reference=bill.external_invoice_reference,
        purchase_order=bill.purchase_order_number,
        number=bill.invoice_reference,
        is_approved=bill.approved_at is not None,
        created_at=bill.created_at,
        record=representations.bill(bill),
    )


def record(organization_id: UUID, entity_type: str, entity_id: str) -> dict[str, Any] | None:
    """Return how an entity looks outside; None when it is gone or nobody knows its kind."""
    resource = registry.of_type(entity_type.lower())
    if resource is None:
        return None
    rows = resource.model._default_manager.filter(organization_id=organization_id, pk=entity_id)
    row = rows.first()
    return None if row is None else resource.represent(row)


def sources(
    organization_id: UUID, entity_type: str, entity: Mapping[str, Any]
) -> dict[str, Mapping[str, Any]]:
    """Return what expressions may speak of: the entity, and its account and contract."""
    found: dict[str, Mapping[str, Any]] = {entity_type.lower(): entity}
    for name in ("account", "contract"):
        identity = entity.get(f"{name}Id")
        if name not in found and identity:
            found[name] = record(organization_id, name, str(identity)) or {}
    return found


def _item(row: LineItem) -> Item:
    has_own = row.accounting_product_id is not None
    return Item(
        key=row.line_key,
        kind=row.line_item_type,
        description=row.description,
        amount=row.converted_subtotal,
        quantity=row.quantity,
        product_id=text(row.accounting_product_id if has_own else row.product_id),
        product_code=row.accounting_product_code if has_own else row.product_code,
        product_name=row.accounting_product_name if has_own else row.product_name,
        starts_at=row.service_period_start,
        ends_at=row.service_period_end,
        aggregation_id=text(row.aggregation_id or row.compound_aggregation_id),
        segment=tuple(sorted((str(k), str(v)) for k, v in (row.segment or {}).items())),
        unit=row.unit,
        record=representations.bill_line_item(row),
    )


class StoredMappings:
    """See ``base.Mappings``: all that a system calls things of one bill, read at once."""

    def __init__(self, configuration: IntegrationConfiguration, identities: set[str]) -> None:
        rows = ExternalMapping.objects.for_organization(configuration.organization_id).filter(
            system_key__in=known.spellings(configuration.destination),
            entity_identity__in=identities,
        )
        self._own: dict[tuple[str, str, str], list[str]] = {}
        self._shared: dict[tuple[str, str, str], list[str]] = {}
        for row in rows.order_by("created_at", "pk"):
            if row.configuration_id not in (None, configuration.pk):
                continue
            kept = self._shared if row.configuration_id is None else self._own
            where = (row.entity_key, row.entity_identity, row.external_table)
            kept.setdefault(where, []).append(row.external_id)

    def find(self, entity: str, identity: str, table: str) -> str | None:
        """Return the one external id, those for the configuration alone first."""
        where = (entity.lower(), identity, table)
        found = self._own.get(where) or self._shared.get(where) or []
        if len(found) > 1:
            raise Refused(
                f"{entity} {identity} is mapped to several of {table}: {', '.join(found)}."
            )
        return found[0] if found else None

    def one(self, entity: str, identity: str, table: str) -> str:
        """Return the one external id."""
        found = self.find(entity, identity, table)
        if found is None:
            raise NoMapping(entity, identity, table)
        return found


def identities(
    invoice: Invoice | None, entity_id: str, entity: Mapping[str, Any] | None = None
) -> set[str]:
    """Return which of our ids a sender may look up."""
    found = {entity_id, str((entity or {}).get("accountId") or "")}
    if invoice is not None:
        found.add(invoice.account.identity)
        for item in invoice.items:
            names = ("productId", "accountingProductId", "aggregationId", "compoundAggregationId",
                     "planId", "pricingId", "counterId", "chargeId")  # fmt: skip
            found |= {str(item.record[name]) for name in names if item.record.get(name)}
            found.add(str(item.record.get("accountPlanId") or ""))
    return found - {""}


def keep(configuration: IntegrationConfiguration, made: tuple[Mapped, ...], by: Any) -> None:
    """Store what our entities are called from now on, where it is not known yet."""
    from organizations.kernel import changes

    for one in made:
        rows = ExternalMapping.objects.for_organization(configuration.organization_id).filter(
            entity_key=one.entity.lower(),
            entity_identity=one.identity,
            system_key__in=known.spellings(configuration.destination),
            external_table=one.table,
        )
        mine = rows.filter(configuration=configuration)
        if mine.filter(external_id=one.external_id).exists():
            continue
        for row in mine:
            changes.delete(row, by=by)
        changes.create(
            ExternalMapping(
                organization_id=configuration.organization_id,
                entity=one.entity,
                entity_identity=one.identity,
                external_system=configuration.destination,
                external_table=one.table,
                external_id=one.external_id,
                configuration=configuration,
            ),
            by=by,
        )


def secrets_of(configuration: IntegrationConfiguration) -> Mapping[str, str]:
    """Return the secrets of a configuration's credential; raises ``sealing.Unreadable``."""
    credential = configuration.credential
    return {} if credential is None else credential.secrets
