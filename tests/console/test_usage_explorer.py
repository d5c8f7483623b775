"""The usage explorer: a question by choosing, its answer, saving, sharing and downloads."""

import pytest

from billing.models import SavedQuery
from organizations.kernel import exact_json
from tests.billing.usage.stored import accept, item
from tests.console.clients import Console, make_person
from tests.console.inhabited_queries import saved_query
from tests.factories import make_account, make_meter

pytestmark = pytest.mark.django_db
PAGE = "/admin/billing/savedquery/explore/"
FIELDS = [
    {"category": "MEASURE", "code": "gb", "name": "Stored", "unit": "GiBy"},
    {"category": "WHERE", "code": "region", "name": "Region", "unit": None},
]


@pytest.fixture
def question(founded):
    """June by month, account and region."""
    meter = make_meter(founded.organization, code="storage", data_fields=FIELDS)
    make_account(founded.organization, code="acme")
    for region, gb in (("eu", 40), ("=us", 2)):
        accept(
            founded.organization,
            item(ts="2024-06-05T00:00:00Z", measure={"gb": gb}, where={"region": region}),
        )
    return {
        "start": "2024-06-01", "end": "2024-07-01", "values": f"{meter.pk}|gb|MEASURE|SUM",
        "time": "MONTH", "by_account": "on", "dimension": f"{meter.pk}|region", "accounts": "acme",
    }  # fmt: skip


@pytest.mark.parametrize("show", ["table", "pivot", "line", "bar", "stacked"])
def test_a_question_is_answered_in_every_picture(console, question, show):
    text = console.text(console.client.get(PAGE, {**question, "show": show}))

    assert "2 rows" in text
    assert "<td>40</td>" in text
    assert ("data-chart" in text) == (show in {"line", "bar", "stacked"})


def test_an_answer_is_downloaded_exactly_and_without_formulas(console, question):
    table = b"".join(console.client.get(PAGE, {**question, "format": "csv"})).decode()
    found = b"".join(console.client.get(PAGE, {**question, "format": "json"}))

    assert "timestamp,accountId,accountCode,region,gb_SUM" in table
    assert ",acme,'=us,2" in table
    assert {row["gb_SUM"] for row in exact_json.loads(found)["data"]} == {40, 2}


def test_a_question_is_saved_and_opened_by_its_address(console, question):
    query = "&".join(f"{name}={value}" for name, value in question.items())

    answer = console.client.post(f"{PAGE}?{query}", {"name": "June"}, follow=True)

    row = SavedQuery.objects.get()
    assert row.name == "June"
    assert answer.request["QUERY_STRING"] == f"saved={row.pk}"
    assert "<td>40</td>" in console.text(answer)


def test_what_is_missing_is_told_and_nothing_is_asked(console, question):
    text = console.text(
        console.client.get(PAGE, {**question, "values": [], "start": "", "accounts": "nobody"})
    )

    assert "Choose a period, or both dates." in text
    assert "There is no account nobody." in text
    assert "Choose a value" in text
    assert "<td>40</td>" not in text


def test_without_the_right_to_ask_there_is_no_explorer(founded, question):
    person = Console(make_person(founded, None))

    assert person.client.get(PAGE, question).status_code == 403


def test_the_list_leads_to_the_explorer_and_a_question_has_a_page(console, founded):
    row = saved_query(founded.organization, "Weekly")

    listed = console.text(console.client.get("/admin/billing/savedquery/"))
    page = console.client.get(f"/admin/billing/savedquery/{row.pk}/change/")

    assert PAGE in listed
    assert "Weekly question" in listed
    assert page.status_code == 200
    assert f"saved={row.pk}" in console.text(page)
    assert console.client.get(PAGE, {"saved": "x"}).status_code == 404
    assert (
        console.client.get(PAGE, {"values": "x", "start": "y", "format": "csv"}).status_code < 500
    )
