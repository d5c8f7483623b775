"""The first page: how to begin, what waits, how things go."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.cache import cache
from django.urls import reverse

from billing.models import Account, IngestFailure
from billing.usage import store
from catalog.models import Meter
from organizations.kernel import changes, ids, principals
from organizations.models import Membership, PermissionPolicy
from tests import factories
from tests.console.clients import Console, make_person
from tests.console.inhabited import make_bill

NOW = datetime.now(UTC)


def dashboard(console):
    """Open the dashboard."""
    return console.client.get(reverse("admin:index"))


@pytest.fixture
def used(founded):
    """An account that used 5 and 7 tokens today and 1 token three days ago."""
    meter = factories.make_meter(founded.organization, name="Requests")
    account = factories.make_account(founded.organization)
    today = NOW.replace(hour=0, minute=0, second=0, microsecond=0)
    store.append(
        founded.organization.pk,
        [
            measurement(account, meter, today, 5),
            measurement(account, meter, today, 7),
            measurement(account, meter, today - timedelta(days=3), 1),
        ],
        at=NOW,
    )
    return account


def measurement(account, meter, ts, tokens):
    """Return a measurement to be stored."""
    return store.Measurement(
        account_id=account.pk, meter_id=meter.pk, ts=ts, ets=None,
        uid=str(ids.new_id()), fields={"tokens": tokens},
    )  # fmt: skip


def test_an_empty_organization_is_told_how_to_begin(console):
    steps = dashboard(console).context["steps"]

    assert [step.title for step in steps] == [
        "Product", "Meter", "Aggregation", "Plan", "Price", "Account", "Attach plan", "Run bill",
    ]  # fmt: skip
    assert not any(step.is_done for step in steps)
    assert all(console.client.get(step.url).status_code == 200 for step in steps)


def test_each_step_is_marked_when_it_is_done_here_and_not_elsewhere(console, founded):
    factories.make_product(founded.organization)
    factories.make_meter(factories.make_organization())

    done = [step.title for step in dashboard(console).context["steps"] if step.is_done]

    assert done == ["Product"]


def test_the_steps_go_when_the_first_bill_is_there(console, founded):
    product = factories.make_product(founded.organization)
    aggregation = factories.make_aggregation(
        factories.make_meter(founded.organization, product=product)
    )
    plan = factories.make_plan(factories.make_plan_template(product))
    factories.make_pricing(plan, aggregation)
    account = factories.make_account(founded.organization)
    factories.make_account_plan(account, plan)
    before = "Getting started" in console.text(dashboard(console))
    make_bill(account)

    assert before
    assert "Getting started" not in console.text(dashboard(console))


def test_what_waits_for_somebody_is_counted(console, founded):
    account = factories.make_account(founded.organization)
    make_bill(account)
    make_bill(factories.make_account(founded.organization), status="APPROVED")
    IngestFailure.objects.create(
        organization=founded.organization, event_id=ids.new_id(), type="MissingField", message="m"
    )
    make_bill(factories.make_account(factories.make_organization()))

    figures = dashboard(console).context["figures"]

    assert [(figure["words"], figure["count"]) for figure in figures] == [
        ("bills to approve", "1"),
        ("approved, not locked", "1"),
        ("failed usage, 7 days", "1"),
    ]


def test_each_number_is_that_of_the_list_it_leads_to(console, founded):
    organization = founded.organization
    for days, status in ((0, "PENDING"), (-40, "PENDING"), (20, "PENDING"), (-40, "APPROVED")):
        make_bill(
            factories.make_account(organization),
            status=status, bill_date=NOW.date() + timedelta(days=days),
        )  # fmt: skip
    for days in (0, 6, 8, 40):
        failure = IngestFailure.objects.create(
            organization=organization, event_id=ids.new_id(), type="MissingField", message="m"
        )
        IngestFailure.objects.filter(pk=failure.pk).update(created_at=NOW - timedelta(days=days))

    figures = dashboard(console).context["figures"]
    listed = [console.client.get(figure["url"]).context["cl"] for figure in figures]

    assert [figure["count"] for figure in figures] == ["2", "1", "2"]
    assert [str(each.result_count) for each in listed] == ["2", "1", "2"]


def test_billed_amounts_are_summed_by_month_and_currency(console, founded):
    first_of_month = NOW.date().replace(day=1)
    for total, currency in (
        (Decimal("20.50"), "USD"),
        (Decimal("1.25"), "USD"),
        (Decimal(9), "EUR"),
    ):
        make_bill(
            factories.make_account(founded.organization),
            total=total, currency=currency, bill_date=first_of_month,
        )  # fmt: skip

    billed = dashboard(console).context["billed"]

    charts = {chart["currency"]: chart["data"] for chart in billed}
    assert [len(chart["labels"]) for chart in charts.values()] == [12, 12]
    assert charts["EUR"]["labels"][-2] == f"{first_of_month:%b %Y}"
    assert charts["EUR"]["running"] == 10
    series = {code: chart["datasets"][0]["data"][-2:] for code, chart in charts.items()}
    assert series == {"EUR": ["9", "0"], "USD": ["21.75", "0"]}


def recent(console):
    """Return the codes of the recent accounts."""
    return [row["url"].split("/")[-3] for row in dashboard(console).context["recent_accounts"]]


def test_recent_accounts_are_those_the_person_looked_at_latest_first(console, founded):
    accounts = [factories.make_account(founded.organization) for _ in range(10)]
    elsewhere = factories.make_account(factories.make_organization())
    nothing_yet = recent(console)

    for account in [*accounts, accounts[3], elsewhere]:
        console.get(Account, "change", account)

    newest = [accounts[3], *(accounts[n] for n in (9, 8, 7, 6, 5, 4, 2))]
    assert nothing_yet == []
    assert recent(console) == [str(account.pk) for account in newest]
    assert recent(Console(make_person(founded, "Administrator"))) == []


def test_recent_accounts_that_are_gone_or_kept_from_the_person_are_not_shown(founded):
    accounts = [factories.make_account(founded.organization) for _ in range(3)]
    console = Console(make_person(founded, "Administrator"))
    for account in accounts:
        console.get(Account, "change", account)
    by = principals.system(founded.organization.pk)

    changes.delete(accounts[0], by=by)
    member = Membership.objects.get(user=console.user)
    deny = {
        "effect": "deny", "action": ["config:retrieve"],
        "resource": [f"config:account/item/{accounts[1].pk}"],
    }  # fmt: skip
    with changes.editing(member, by=by) as changed:
        changed.statements = [deny]

    assert recent(console) == [str(accounts[2].pk)]


def test_usage_is_counted_by_day_and_meter(console, used):
    cache.clear()

    chart = console.client.get(reverse("usage_chart")).context["chart"]

    assert [row["label"] for row in chart["datasets"]] == ["Requests"]
    counts = chart["datasets"][0]["data"]
    assert (len(counts), counts[-1], counts[-4], sum(counts)) == (30, 2, 1, 3)


def test_numbers_are_made_of_rows_the_person_may_see(founded, used):
    organization = founded.organization
    hidden = make_bill(used, total=Decimal(5))
    shown = make_bill(factories.make_account(organization), total=Decimal(7))
    meter = Meter.objects.get(organization=organization)
    deny = [f"billing:bill/item/{hidden.pk}", f"config:meter/item/{meter.pk}"]
    policy = PermissionPolicy(
        organization=organization, name="Nearly all",
        statements=[
            {"effect": "allow", "action": ["all"], "resource": ["*"]},
            {"effect": "deny", "action": ["config:retrieve"], "resource": deny},
        ],
    )  # fmt: skip
    changes.create(policy, by=principals.system(organization.pk))
    console = Console(make_person(founded, "Nearly all"))
    cache.clear()

    page = dashboard(console).context
    chart = console.client.get(reverse("usage_chart")).context["chart"]

    assert page["figures"][0]["count"] == "1"
    [billed] = page["billed"]
    assert sum(Decimal(n) for n in billed["data"]["datasets"][0]["data"]) == shown.total
    assert chart["datasets"] == []
    assert cache.get(f"usage-chart:{organization.pk}") is None


def test_usage_of_others_is_not_counted(console, used):
    cache.clear()
    stranger = Console(factories.make_founded(admin_password="a-long-secret").admin)

    assert stranger.client.get(reverse("usage_chart")).context["chart"]["datasets"] == []


def test_an_account_shows_its_usage_day_by_day(console, used):
    overview = console.get(Account, "change", used).context["overview"]

    (chart,) = overview["charts"]
    assert chart["title"] == "Requests: Tokens (tokens)"
    values = chart["data"]["datasets"][0]["data"]
    assert (len(values), values[-1], values[-4], values[0]) == (30, "12", "1", "0")


def test_an_account_without_usage_and_plan_says_so(console, founded):
    page = console.text(
        console.get(Account, "change", factories.make_account(founded.organization))
    )

    assert "No usage in the latest 30 days." in page
    assert "usage is stored but not billed" in page
