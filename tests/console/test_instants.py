"""Times are typed and shown in the organization's timezone; instants are stored."""

from datetime import UTC, datetime

import pytest

from billing.models import AccountPlan
from catalog.models import Plan, Pricing
from organizations.models import OrganizationConfig
from tests import factories
from tests.console.clients import errors_of
from tests.console.test_saving import attach_fields


@pytest.fixture
def berlin(founded):
    """The organization reckons in Berlin."""
    OrganizationConfig.objects.filter(organization=founded.organization).update(
        timezone="Europe/Berlin"
    )


@pytest.fixture
def attached(founded, berlin):
    """An account, and a plan to attach to it."""
    account = factories.make_account(founded.organization)
    template = factories.make_plan_template(factories.make_product(founded.organization))
    return account, factories.make_plan(template)


def attach_at(console, attached, day, time):
    """Send the form that attaches the plan from a time on."""
    fields = attach_fields(*attached, start_date_0=day, start_date_1=time)
    return console.post(AccountPlan, "add", **fields)


@pytest.mark.parametrize(
    ("day", "time", "stored"),
    [
        ("2026-05-01", "00:00:00", datetime(2026, 4, 30, 22, tzinfo=UTC)),
        ("2026-01-01", "00:00", datetime(2025, 12, 31, 23, tzinfo=UTC)),
        # Clocks show it twice: the first time counts.
        ("2026-10-25", "02:30", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
    ],
)
def test_a_typed_time_is_one_of_the_organizations_timezone(console, attached, day, time, stored):
    attach_at(console, attached, day, time)

    row = AccountPlan.objects.get()
    page = console.text(console.get(AccountPlan, "change", row))
    assert row.start_date == stored
    assert f'value="{day}"' in page
    assert f'value="{time}' in page
    assert "Date and time in Europe/Berlin." in page
    assert day in console.text(console.get(AccountPlan))
    assert f'"start_date": "{day}"' not in page


@pytest.mark.parametrize(
    ("day", "time", "sentence"),
    [
        (
            "2026-03-29",
            "02:30",
            "There is no 02:30 on 2026-03-29 in Europe/Berlin: clocks go forward over it.",
        ),
        ("0001-01-01", "00:00", "This date is out of range."),
        ("2026-05-01", "", "This field is required."),
        ("2026-05-01", "25:00", "Enter a valid time."),
        ("2026-05-32", "00:00", "Enter a valid date."),
    ],
)
def test_a_time_that_is_none_is_refused_at_its_field(console, attached, day, time, sentence):
    answer = attach_at(console, attached, day, time)

    assert errors_of(answer)["start_date"] == [sentence]
    assert not AccountPlan.objects.exists()


@pytest.mark.parametrize(
    "stored",
    [
        # The second 02:30 of the night clocks go back, and a fraction a form does not show.
        datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
        datetime(2026, 5, 1, 12, 0, 0, 123456, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC),
    ],
)
def test_what_nobody_touches_stays_exact(console, attached, stored):
    account, plan = attached
    row = factories.make_account_plan(account, plan, start_date=stored)
    shown = console.get(AccountPlan, "change", row).context["adminform"].form["start_date"]
    day, time = shown.field.widget.decompress(shown.value())
    fields = attach_fields(account, plan, start_date_0=f"{day}", start_date_1=f"{time:%H:%M:%S}")

    console.post(AccountPlan, "change", row, **fields)
    row.refresh_from_db()
    untouched = row.version
    console.post(AccountPlan, "change", row, **{**fields, "code": "other"})

    row.refresh_from_db()
    assert untouched == 1
    assert (row.code, row.version, row.start_date) == ("other", 2, stored)


def test_prices_and_plans_show_days_of_the_timezone(console, attached):
    account, plan = attached
    midnight = datetime(2026, 4, 30, 22, tzinfo=UTC)  # of the first of May in Berlin
    factories.make_account_plan(account, plan, start_date=midnight)
    aggregation = factories.make_aggregation(factories.make_meter(account.organization))
    pricing = factories.make_pricing(plan, aggregation, start_date=midnight)

    pages = [
        console.get(Plan, "change", plan),
        console.get(Pricing),
        console.get(AccountPlan),
        console.get(type(account), "change", account),
        console.get(Pricing, "change", pricing),
    ]

    assert ["2026-05-01" in console.text(page) for page in pages] == [True] * 5
    export = b"".join(console.get(Pricing, export="csv").streaming_content).decode()
    assert "2026-05-01" in export


def test_a_new_price_begins_with_the_month_and_odd_addresses_open_the_form(console, attached):
    _account, plan = attached

    start = console.get(Pricing, "add", plan=plan.pk).context["adminform"].form["start_date"]
    odd = console.get(Pricing, "add", start_date="soon")

    day, time = start.field.widget.decompress(start.value())
    assert (day.day, f"{time}") == (1, "00:00:00")
    assert odd.status_code == 200
