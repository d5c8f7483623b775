"""An organization whose timezone is an offset, no region: pages and answers work as elsewhere."""

from datetime import UTC, date, datetime

import pytest
from django.urls import NoReverseMatch, reverse

from billing.models import Bill, LineItem
from billing.usage import store
from billing.usage.store import days as by_day
from organizations.kernel.periods import parse_timezone
from organizations.models import OrganizationConfig
from tests.billing.usage.stored import accept, gigabytes, item
from tests.clients import ApiClient
from tests.console.inhabited import inhabit
from tests.console.test_every_page import CUSTOM, PAGES
from tests.contract.routes import routes

pytestmark = pytest.mark.django_db
ODD = "UTC+5:45"


@pytest.fixture
def rows(founded):
    """One row a page, in an organization and on bills with an offset for a timezone."""
    made = inhabit(founded)
    OrganizationConfig.objects.filter(organization=founded.organization).update(timezone=ODD)
    Bill.objects.filter(organization=founded.organization).update(timezone=ODD)
    return made


def test_every_page_opens(console, rows):
    wrong = []
    for model in PAGES:
        for verb in ("changelist", "change", "add", "history"):
            row = rows[model] if verb in {"change", "history"} else None
            status = console.get(model, verb, row).status_code
            if status not in {200, 302, 403}:
                wrong.append(f"{model.__name__} {verb}: {status}")

    assert wrong == []


def test_every_other_address_opens(console, rows):
    line = LineItem.objects.get(bill=rows[Bill])
    wrong = []
    for name, (verb, _action, _resource, model) in CUSTOM.items():
        args = [] if model is None else [rows[model].pk]
        args += [line.pk] if name == "bill_line_explanation" else []
        try:
            path = reverse(f"admin:{name}", args=args)
        except NoReverseMatch:
            path = reverse(name, args=args)
        status = console.client.generic(verb, path).status_code
        if status >= 500:
            wrong.append(f"{name}: {status}")

    assert console.client.get(reverse("admin:index")).status_code == 200
    assert wrong == []


def test_every_address_of_the_api_answers(founded, rows):
    api = ApiClient(founded)
    wrong = []
    for route in routes():
        if "get" in route.actions and not route.id_parameters:
            answer = api.get(route.at())
            if answer.status >= 500:
                wrong.append((route.path, answer))

    assert wrong == []
    answer = api.get("accountplans", date="2026-05-01", account=rows[Bill].account_id)
    assert answer.status == 200, answer


def test_the_settings_page_keeps_the_offset(console, rows):
    page = console.text(console.get(OrganizationConfig, "change", rows[OrganizationConfig]))

    assert f'<option value="{ODD}" selected>' in page


def test_days_begin_at_the_midnight_of_the_offset(founded):
    gigabytes(founded.organization)
    for ts in ("2026-06-14T18:14:00Z", "2026-06-14T18:15:00Z"):  # 23:59 and 00:00 there
        accept(founded.organization, item(ts=ts), at=datetime(2026, 6, 20, tzinfo=UTC))
    between = datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 6, 20, tzinfo=UTC)

    days = store.counts_by_day(
        founded.organization.pk, start_at=between[0], end_at=between[1], zone=parse_timezone(ODD)
    )

    assert days == [store.Day(date(2026, 6, 14), 1), store.Day(date(2026, 6, 15), 1)]


def test_west_of_greenwich_is_west_in_sql_too(founded):
    gigabytes(founded.organization)
    at = datetime(2026, 6, 15, 2, 59, tzinfo=UTC)  # 23:59 of the 14th in UTC-3
    accept(founded.organization, item(ts=at.isoformat()), at=datetime(2026, 6, 20, tzinfo=UTC))

    counts = by_day.daily_counts(
        founded.organization.pk,
        start_at=datetime(2026, 6, 1, tzinfo=UTC),
        end_at=datetime(2026, 6, 20, tzinfo=UTC),
        zone=parse_timezone("UTC-3:00"),
    )

    assert [(day, count) for day, _meter, count in counts] == [(date(2026, 6, 14), 1)]
