"""How the rows of this app look outside: API answers, event payloads, audit entries."""

from typing import Any

from organizations.kernel.representing import audit, identity, text
from organizations.models import (
    BillGroupingKey,
    Currency,
    CustomFieldDefaults,
    Event,
    Membership,
    Organization,
    OrganizationConfig,
    PermissionPolicy,
    PolicyAttachment,
    ResourceGroup,
    ResourceGroupItem,
    ServiceUser,
    User,
)
from organizations.models.picklists import PickListEntry


def currency(row: Currency) -> dict[str, Any]:
    """A currency of the pick list."""
    return {
        **identity(row),
        "name": row.name,
        "code": row.code,
        "archived": row.is_archived,
        "maxDecimalPlaces": row.max_decimal_places,
        "roundingMode": row.rounding_mode,
        **audit(row),
    }


def pick_list_entry(row: PickListEntry) -> dict[str, Any]:
    """A credit reason, debit reason or transaction type."""
    return {
        **identity(row),
        "name": row.name,
        "code": row.code,
        "archived": row.is_archived,
        **audit(row),
    }


def bill_grouping_key(row: BillGroupingKey) -> dict[str, Any]:
    """A bill grouping key."""
    return {**pick_list_entry(row), "exclusive": row.is_exclusive}


def custom_field_defaults(row: CustomFieldDefaults) -> dict[str, Any]:
    """The organization's custom fields, by kind of entity."""
    return {
        **identity(row),
        "organization": row.for_organization,
        "account": row.for_account,
        "accountPlan": row.for_account_plan,
        "meter": row.for_meter,
        "product": row.for_product,
        "planTemplate": row.for_plan_template,
        "plan": row.for_plan,
        "aggregation": row.for_aggregation,
        "compoundAggregation": row.for_compound_aggregation,
        "contract": row.for_contract,
        **audit(row),
    }


def organization_config(row: OrganizationConfig) -> dict[str, Any]:
    """The organization's billing settings (A1.7)."""
    return {
        **identity(row),
        "timezone": row.timezone,
        "yearEpoch": row.year_epoch,
        "monthEpoch": row.month_epoch,
        "weekEpoch": row.week_epoch,
        "dayEpoch": row.day_epoch,
        "currency": row.currency,
        "currencyConversions": row.currency_conversions,
        "daysBeforeBillDue": row.days_before_bill_due,
        "scheduledBillInterval": row.scheduled_bill_interval,
        "scheduledBillOffset": row.scheduled_bill_offset,
        "standingChargeBillInAdvance": row.standing_charge_bill_in_advance,
        "commitmentFeeBillInAdvance": row.commitment_fee_bill_in_advance,
        "minimumSpendBillInAdvance": row.minimum_spend_bill_in_advance,
        "autoApproveBillsGracePeriod": row.auto_approve_bills_grace_period,
        "autoApproveBillsGracePeriodUnit": row.auto_approve_bills_grace_period_unit,
        "externalInvoiceDate": row.external_invoice_date,
        "suppressedEmptyBills": row.suppressed_empty_bills,
        "consolidateBills": row.consolidate_bills,
        "defaultStatementDefinitionId": text(row.default_statement_definition_id),
        "autoGenerateStatementMode": row.auto_generate_statement_mode,
        "creditApplicationOrder": row.credit_application_order,
        "allowNegativeBalances": row.allow_negative_balances,
        "allowOverlappingPlans": row.allow_overlapping_plans,
        "billPrefix": row.bill_prefix,
        "sequenceStartNumber": row.sequence_start_number,
        **audit(row),
    }


def organization(row: Organization) -> dict[str, Any]:
    """The organization's own facts, shown by ``users/me`` (A1.2)."""
    contacts = [*row.billing_contact_user_ids, None, None, None][:3]
    return {
        **identity(row),
        "orgId": str(row.pk),
        "customerId": None,
        "organizationName": row.name,
        "shortName": row.short_name or None,
        **{f"addressLine{n}": row.address.get(f"addressLine{n}") for n in range(1, 5)},
        **{key: row.address.get(key) for key in ("locality", "region", "postCode", "country")},
        "taxId": row.tax_id or None,
        "purchaseOrderNumber": row.purchase_order_number or None,
        "documentLanguage": row.document_language,
        "bankDetails": row.bank_details or None,
        "documentFooter": row.document_footer or None,
        "logoFileId": text(row.logo_file_id),
        "billsByEmail": row.bills_by_email,
        "billEmailSubject": row.bill_email_subject or None,
        "billEmailText": row.bill_email_text or None,
        "invoiceGeneralReference": row.invoice_general_reference or None,
        **{f"billingContactUserId{n}": text(c) for n, c in enumerate(contacts, 1)},
        "type": row.type,
        "status": row.status,
        **audit(row),
    }


def service_user(row: ServiceUser) -> dict[str, Any]:
    """A service user; keys and secrets never appear."""
    return {**identity(row), "name": row.name, **audit(row)}


def user(row: User) -> dict[str, Any]:
    """A person as ``users/me`` shows them (A2.1)."""
    return {
        **identity(row),
        "firstName": row.first_name or None,
        "lastName": row.last_name or None,
        "contactNumber": row.contact_number or None,
        "email": row.email,
        "organizations": [str(one) for one in row.current_organization_ids()],
        "supportUser": row.is_support,
        "firstAcceptedTermsAndConditions": row.first_accepted_terms_at,
        "lastAcceptedTermsAndConditions": row.latest_accepted_terms_at,
        **audit(row),
    }


def membership(row: Membership) -> dict[str, Any]:
    """A person's place in the organization, for audit entries."""
    return {
        **identity(row),
        "userId": str(row.user_id),
        "permissionPolicy": row.statements,
        "dtEndAccess": row.access_ends_at,
        **audit(row),
    }


def permission_policy(row: PermissionPolicy) -> dict[str, Any]:
    """A policy with its statements exactly as received (A5.9)."""
    return {
        **identity(row),
        "name": row.name,
        "permissionPolicy": row.statements,
        "managedPolicy": row.is_managed,
        **audit(row),
    }


def policy_attachment(row: PolicyAttachment) -> dict[str, Any]:
    """One policy on one principal (A5.3)."""
    return {
        **identity(row),
        "permissionPolicyId": str(row.policy_id),
        "principalId": str(row.principal_id),
        "principalType": row.principal_type,
        **audit(row),
    }


def resource_group(row: ResourceGroup) -> dict[str, Any]:
    """A group of rows of one type (A6.1)."""
    return {**identity(row), "name": row.name, **audit(row)}


def resource_group_item(row: ResourceGroupItem) -> dict[str, Any]:
    """One row or group in a group (A6.3)."""
    return {
        **identity(row),
        "targetId": str(row.target_id),
        "targetType": row.target_type,
        **audit(row),
    }


def event(row: Event, payload: Any) -> dict[str, Any]:
    """An event with what of its payload may be seen; all five keys are always there (A9.4)."""
    return {
        "id": str(row.pk),
        "eventName": row.name,
        "eventTime": row.created_at,
        "m3terEvent": payload,
        "dtActioned": row.actioned_at,
    }
