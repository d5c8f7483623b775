"""Two changes at once of rows that know each other: one waits for the other, and then sees it.

The first change stands in an open transaction while the second one begins, in either order.
"""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection, transaction
from guardian.models import GroupObjectPermission

from billing.models import Account, AccountPlan
from catalog.models import Aggregation, Meter, PlanTemplate, Pricing
from organizations import access, attachments, resource_groups, service_users
from organizations.kernel import changes, isolation, principals
from organizations.kernel.errors import DomainError
from organizations.models import (
    Currency,
    OrganizationConfig,
    PermissionPolicy,
    PolicyAttachment,
    PrincipalType,
    ResourceGroup,
    ResourceGroupItem,
    ServiceUser,
    TargetType,
)
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)
EVERYTHING = [{"effect": "allow", "action": ["*"], "resource": ["*"]}]
Change = Callable[[], Any]


@pytest.fixture
def organization():
    """An organization whose rows two people change."""
    return factories.make_organization()


@pytest.fixture
def by(organization):
    """Whoever changes something."""
    return principals.system(organization.pk)


def meet(first: Change, second: Change) -> DomainError | None:
    """Begin the second change before the first is committed; return what refused the second."""
    refusals: list[DomainError] = []
    failures: list[BaseException] = []

    def run() -> None:
        try:
            with isolation.everywhere():
                second()
        except DomainError as refusal:
            refusals.append(refusal)
        except BaseException as failure:
            failures.append(failure)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    with transaction.atomic():
        first()
        thread.start()
        thread.join(0.5)
        waited = thread.is_alive()
    thread.join(30)
    assert failures == []
    assert waited, "The second change did not wait for the first."
    return refusals[0] if refusals else None


def edit(row: Any, by: Any, **fields: Any) -> Change:
    """Return the change of a row's fields."""

    def change() -> None:
        with changes.editing(row, by=by) as locked:
            for name, value in fields.items():
                setattr(locked, name, value)

    return change


@pytest.mark.parametrize("is_deleted_first", [True, False])
def test_a_policy_that_is_deleted_leaves_no_grant_to_whom_it_was_just_attached(
    organization, by, is_deleted_first
):
    policy = changes.create(
        PermissionPolicy(organization=organization, name="All", statements=EVERYTHING), by=by
    )
    robot = changes.create(ServiceUser(organization=organization, name="Robot"), by=by)
    pair = [
        lambda: attachments.delete_policy(policy, by=by),
        lambda: attachments.attach(policy, PrincipalType.SERVICEUSER, robot.pk, by=by),
    ]

    refusal = meet(*pair) if is_deleted_first else meet(*reversed(pair))

    assert (refusal is not None) == is_deleted_first
    robot_itself = principals.Principal(robot.pk, "SERVICE_USER", organization.pk)
    assert not access.allowed(robot_itself, "config:create", "config:product")
    assert not PolicyAttachment.objects.filter(principal_id=robot.pk).exists()
    assert not GroupObjectPermission.objects.filter(group__name__contains=str(robot.pk)).exists()


@pytest.mark.parametrize("is_deleted_first", [True, False])
def test_nothing_stays_attached_to_a_service_user_that_is_deleted(
    organization, by, is_deleted_first
):
    policy = PermissionPolicy.objects.get(organization=organization, name="ReadOnly")
    robot = changes.create(ServiceUser(organization=organization, name="Robot"), by=by)
    pair = [
        lambda: service_users.delete(robot, by=by),
        lambda: attachments.attach(policy, PrincipalType.SERVICEUSER, robot.pk, by=by),
    ]

    refusal = meet(*pair) if is_deleted_first else meet(*reversed(pair))

    assert (refusal is not None) == is_deleted_first
    assert not PolicyAttachment.objects.filter(principal_id=robot.pk).exists()


@pytest.mark.parametrize("is_deleted_first", [True, False])
def test_a_group_holds_no_row_that_was_deleted_meanwhile(organization, by, is_deleted_first):
    meter = factories.make_meter(organization)
    group = changes.create(
        ResourceGroup(organization=organization, name="Meters", type="meter"), by=by
    )
    pair = [
        lambda: changes.delete(meter, by=by),
        lambda: resource_groups.add(group, TargetType.ITEM, str(meter.pk), by=by),
    ]

    refusal = meet(*pair) if is_deleted_first else meet(*reversed(pair))

    assert (refusal is not None) == is_deleted_first
    assert not ResourceGroupItem.objects.filter(group=group).exists()


def choosing(organization: Any, by: Any, code: str) -> dict[str, Change]:
    """Return every way of choosing a currency."""
    config = OrganizationConfig.objects.get(organization=organization)
    product = factories.make_product(organization)
    return {
        "organization": edit(config, by, currency=code),
        "account": lambda: changes.create(
            Account(
                organization=organization, name="A", code="a", currency=code,
                email_address="a@example.com",
            ),
            by=by,
        ),
        "plan template": lambda: changes.create(
            PlanTemplate(
                organization=organization, product=product, name="T", code="t", currency=code,
                bill_frequency="MONTHLY", standing_charge=0,
            ),
            by=by,
        ),
    }  # fmt: skip


def ending(currency: Any, by: Any) -> dict[str, Change]:
    """Return every way in which a currency stops being one to choose."""
    return {
        "deleted": lambda: changes.delete(currency, by=by),
        "archived": edit(currency, by, is_archived=True),
        "renamed": edit(currency, by, code="XYZ"),
    }


@pytest.mark.parametrize("end", ["deleted", "archived", "renamed"])
@pytest.mark.parametrize("who", ["organization", "account", "plan template"])
def test_a_currency_that_is_deleted_archived_or_renamed_is_not_chosen(organization, by, who, end):
    currency = factories.make_currency(organization, code="EUR")

    refusal = meet(ending(currency, by)[end], choosing(organization, by, "EUR")[who])

    assert refusal is not None


@pytest.mark.parametrize("end", ["deleted", "renamed"])
@pytest.mark.parametrize("who", ["organization", "account", "plan template"])
def test_a_currency_that_was_chosen_is_neither_deleted_nor_renamed(organization, by, who, end):
    currency = factories.make_currency(organization, code="EUR")

    refusal = meet(choosing(organization, by, "EUR")[who], ending(currency, by)[end])

    assert refusal is not None
    assert Currency.objects.filter(organization=organization, code="EUR").exists()


@pytest.mark.parametrize("is_taken_first", [True, False])
def test_a_field_that_is_taken_from_a_meter_is_not_aggregated(organization, by, is_taken_first):
    fields = [
        {"category": "MEASURE", "code": code, "name": code, "unit": "x"} for code in ("a", "b")
    ]
    meter = factories.make_meter(organization, data_fields=fields)
    aggregation = Aggregation(
        organization=organization, meter=meter, name="A", code="agg", aggregation="SUM",
        target_field="a", quantity_per_unit=1, unit="x",
    )  # fmt: skip
    pair = [
        edit(meter, by, data_fields=fields[1:]),
        lambda: changes.create(aggregation, by=by),
    ]

    refusal = meet(*pair) if is_taken_first else meet(*reversed(pair))

    assert refusal is not None
    known = {field["code"] for field in Meter.objects.get(pk=meter.pk).data_fields}
    used = set(Aggregation.objects.filter(meter=meter).values_list("target_field", flat=True))
    assert used <= known


def test_two_accounts_that_make_each_other_parents_at_once_end_in_one_refusal(organization):
    """The two lock the rows in opposite orders: PostgreSQL undoes one, which then is refused."""
    founded = factories.make_founded()
    from tests.clients import ApiClient

    api = ApiClient(founded)
    one, other = (factories.make_account(founded.organization) for _ in range(2))
    found: list[int] = []

    def adopt(child: Any, parent: Any, gate: threading.Barrier) -> None:
        row = api.get(f"accounts/{child.pk}").json
        gate.wait()
        body = {**row, "parentAccountId": str(parent.pk)}
        found.append(api.put(f"accounts/{child.pk}", body).status)
        connection.close()

    for _ in range(5):
        gate = threading.Barrier(2)
        threads = [
            threading.Thread(target=adopt, args=(*pair, gate))
            for pair in ((one, other), (other, one))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        Account.objects.filter(pk__in=[one.pk, other.pk]).update(parent_account=None)

    assert sorted(found) == [200] * 5 + [400] * 5


@pytest.mark.parametrize("is_priced_first", [True, False])
def test_a_segment_that_is_taken_from_an_aggregation_is_not_priced(
    organization, by, is_priced_first
):
    fields = [
        {"category": "MEASURE", "code": "q", "name": "q", "unit": "x"},
        {"category": "WHERE", "code": "region", "name": "Region"},
    ]
    meter = factories.make_meter(organization, data_fields=fields)
    aggregation = factories.make_aggregation(
        meter, target_field="q", segmented_fields=["region"],
        segments=[{"region": "eu"}, {"region": "us"}],
    )  # fmt: skip
    plan = factories.make_plan(factories.make_plan_template(factories.make_product(organization)))
    pricing = Pricing(
        organization=organization, plan=plan, aggregation=aggregation,
        start_date=datetime(2024, 1, 1, tzinfo=UTC), segment={"region": "us"},
        bands=factories.bands((0, 0, "1")),
    )  # fmt: skip
    pair = [
        lambda: changes.create(pricing, by=by),
        edit(aggregation, by, segments=[{"region": "eu"}]),
    ]

    refusal = meet(*pair) if is_priced_first else meet(*reversed(pair))

    assert refusal is not None
    segments = Aggregation.objects.get(pk=aggregation.pk).segments
    assert all(row.segment in segments for row in Pricing.objects.filter(aggregation=aggregation))


@pytest.mark.parametrize("is_attached_first", [True, False])
def test_a_plan_that_moves_to_another_product_is_attached_as_what_it_is(
    organization, by, is_attached_first
):
    product, other = (factories.make_product(organization) for _ in range(2))
    template = factories.make_plan_template(product)
    plan = factories.make_plan(template)
    account = factories.make_account(organization)
    attached = AccountPlan(
        organization=organization, account=account, plan=plan, product=product,
        start_date=datetime(2024, 1, 1, tzinfo=UTC),
    )  # fmt: skip
    pair = [
        lambda: changes.create(attached, by=by),
        edit(template, by, product_id=other.pk),
    ]

    refusal = meet(*pair) if is_attached_first else meet(*reversed(pair))

    assert (refusal is not None) == is_attached_first
    row = AccountPlan.objects.get(account=account)
    assert row.product_id == PlanTemplate.objects.get(pk=template.pk).product_id


def test_a_reference_to_what_was_deleted_at_this_moment_is_named(organization, by):
    product = factories.make_product(organization)
    meter = Meter(
        organization=organization, product=product, name="M", code="m",
        data_fields=[{"category": "MEASURE", "code": "q", "name": "q", "unit": "x"}],
    )  # fmt: skip

    refusal = meet(lambda: changes.delete(product, by=by), lambda: changes.create(meter, by=by))

    assert refusal.message == "productId: what it refers to was deleted at this moment."
    assert [error.field for error in refusal.errors] == ["productId"]
