"""An organization with one row on every page of the console."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from django.db import models

from billing.models import Account, Bill, BillJob, IngestFailure, LineItem, MeasurementUpload
from billing.usage import uploads
from integrations.models import Delivery, WebhookDestination
from organizations.founding import Founded
from organizations.kernel import ids, principals
from organizations.models import (
    Alert,
    AuditEntry,
    BillGroupingKey,
    CreditReason,
    Currency,
    CustomFieldDefaults,
    DebitReason,
    Event,
    Invitation,
    Membership,
    Organization,
    OrganizationConfig,
    PermissionPolicy,
    ResourceGroup,
    ResourceGroupItem,
    ServiceUser,
    SignInSettings,
    SupportAccess,
    TransactionType,
)
from tests import factories
from tests.catalog import lookup_rows
from tests.catalog import rows as catalogue
from tests.console.inhabited_agreements import agreements
from tests.console.inhabited_bill_life import bill_life
from tests.console.inhabited_exports import exports
from tests.console.inhabited_notifications import notifications
from tests.console.inhabited_queries import saved_query

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
MARK = "Zanzibar"  # in every name, so that a page that shows it shows somebody else's row


def inhabit(founded: Founded) -> dict[type[models.Model], models.Model]:
    """Make the rows and return one of each page's model."""
    organization = founded.organization
    product = factories.make_product(organization, name=f"{MARK} product")
    meter = factories.make_meter(organization, name=f"{MARK} meter", product=product)
    aggregation = factories.make_aggregation(meter, name=f"{MARK} aggregation")
    template = factories.make_plan_template(product, name=f"{MARK} template")
    plan = factories.make_plan(template, name=f"{MARK} plan")
    pricing = factories.make_pricing(plan, aggregation)
    account = factories.make_account(organization, name=f"{MARK} account")
    bill = make_bill(account)
    rows: list[models.Model] = [
        product, meter, aggregation, template, plan, pricing, account, bill,
        factories.make_account_plan(account, plan),
        BillJob.objects.create(organization=organization),
        *catalogue.counters(MARK, plan, account),
        catalogue.make_compound(aggregation, name=f"{MARK} compound"),
        *catalogue.plan_groups(MARK, plan),
        *lookup_rows.lookups(MARK, organization),
        *agreements(MARK, account),
        *bill_life(MARK, bill),
        *records(founded, account),
        *webhooks(founded),
        *notifications(founded, MARK),
        *exports(founded, MARK),
        saved_query(organization, MARK),
        organization,
        OrganizationConfig.objects.get(organization=organization),
        SignInSettings.objects.get(organization=organization),
        Currency.objects.filter(organization=organization).first(),
        Membership.objects.filter(organization=organization).first(),
        ServiceUser.objects.filter(organization=organization).first(),
        PermissionPolicy.objects.filter(organization=organization).first(),
        AuditEntry.objects.filter(organization=organization).first(),
        *settings(founded),
        *access(founded, meter),
    ]  # fmt: skip
    return {type(row): row for row in rows}


def make_bill(account: Account, **overrides: Any) -> Bill:
    """Make a pending bill of May 2026 with one standing charge of 20.00."""
    fields = {
        "account_code": account.code,
        "account_name": account.name,
        "boundary_date": date(2026, 6, 1),
        "billing_frequency": "MONTHLY",
        "start_date": date(2026, 5, 1),
        "end_date": date(2026, 6, 1),
        "start_at": datetime(2026, 5, 1, tzinfo=UTC),
        "end_at": datetime(2026, 6, 1, tzinfo=UTC),
        "bill_date": date(2026, 6, 1),
        "currency": "USD",
        "total": Decimal(20),
        "latest_calculated_at": NOON,
    }
    bill = Bill.objects.create(
        organization_id=account.organization_id, account=account, **{**fields, **overrides}
    )
    LineItem.objects.create(
        organization_id=account.organization_id,
        bill=bill,
        line_key="standing",
        line_item_type="STANDING_CHARGE",
        sequence_number=1,
        description=f"{MARK} standing charge",
        quantity=1,
        units=1,
        subtotal=20,
        currency="USD",
        converted_subtotal=20,
        service_period_start=fields["start_at"],
        service_period_end=fields["end_at"],
    )
    return bill


def records(founded: Founded, account: Account) -> list[models.Model]:
    """Make an event, an alert and a failure."""
    organization = founded.organization
    event = Event.objects.create(organization=organization, name=f"{MARK}.event", payload={})
    alert = Alert.objects.create(
        organization=organization, severity="ERROR", type="BILL", description=f"{MARK} alert"
    )
    failure = IngestFailure.objects.create(
        organization=organization,
        event_id=event.pk,
        type="UndefinedMeter",
        message=f"{MARK} failure",
        account_code=account.code,
        measurements=[{"uid": "u-1"}],
    )
    return [event, alert, failure, upload(organization)]


def upload(organization: Organization) -> MeasurementUpload:
    """Make the job of a file that was not uploaded."""
    name = f"{MARK}.json"
    return uploads.expect(
        organization.pk,
        file_name=name,
        content_type="text/json",
        size=2,
        by=principals.system(organization.pk),
    )


def settings(founded: Founded) -> list[models.Model]:
    """Make a row of each pick list; the document of custom fields is there already."""
    organization = founded.organization
    return [
        CreditReason.objects.create(organization=organization, name=f"{MARK} credit", code="c"),
        DebitReason.objects.create(organization=organization, name=f"{MARK} debit", code="d"),
        TransactionType.objects.create(organization=organization, name=f"{MARK} type", code="t"),
        BillGroupingKey.objects.create(
            organization=organization, name=f"{MARK} key", code="k", is_exclusive=False
        ),
        CustomFieldDefaults.objects.get(organization=organization),
    ]


def access(founded: Founded, meter: models.Model) -> list[models.Model]:
    """Make a group with a meter in it, an invitation and a support window."""
    organization = founded.organization
    group = ResourceGroup.objects.create(
        organization=organization, type="meter", name=f"{MARK} group"
    )
    ResourceGroupItem.objects.create(
        organization=organization,
        group=group,
        target_type="ITEM",
        target_id=meter.pk,
        target_created_at=meter.created_at,
    )
    invitation = Invitation.objects.create(
        organization=organization, email="zanzibar@example.com", expires_at=NOON
    )
    window = SupportAccess.objects.create(
        pk=organization.pk, organization=organization, ends_at=NOON, statements=[]
    )
    return [group, invitation, window]


def webhooks(founded: Founded) -> list[models.Model]:
    """Make a destination and a delivery to it."""
    destination = WebhookDestination.objects.create(
        organization=founded.organization,
        name=f"{MARK} destination",
        description="receiver",
        url="https://receiver.example/",
        api_key="key",
        secret="whsec_c2VjcmV0LW9mLXRoZS1yZWNlaXZlcg==",
    )
    delivery = Delivery.objects.create(
        organization=founded.organization,
        destination=destination,
        event_id=ids.new_id(),
        event_name=f"{MARK}.event",
        body=b"{}",
        created_at=NOON,
        status="ERROR",
    )
    return [destination, delivery]
