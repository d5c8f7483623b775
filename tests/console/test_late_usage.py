"""Late usage in the console: listed with amounts, decided after asking."""

import pytest

from billing.late import law
from billing.models import Account, Bill, LateUsage
from organizations.models import PermissionPolicy
from tests.billing.bills.arriving import Late
from tests.console.clients import Console, make_person

pytestmark = pytest.mark.django_db
LIST = "/admin/billing/lateusage/"


@pytest.fixture
def late(founded):
    late = Late(organization=founded.organization)
    late.arrives(50)
    late.check()
    return late


def decide(console, deed, **more):
    row = LateUsage.objects.get()
    about = {"action": deed, "_selected_action": [row.pk], **more}
    return console.text(console.client.post(LIST, about, follow=True))


def test_the_list_shows_amounts_what_is_open_and_whether_usage_adds_up(console, late):
    law.compare(late.organization.pk)

    page = console.text(console.get(LateUsage))

    assert "5.00 USD" in page
    assert "Open: 5.00 USD." in page
    assert (
        "Stored usage is what was billed plus what is listed: 1 charge on locked bills compared."
        in page
    )


def test_accepting_asks_with_the_amounts_first(console, late):
    asked = decide(console, "accept")
    assert "The next bill of each account charges these amounts" in asked
    assert "5.00 USD" in asked
    assert LateUsage.objects.get().status == "OPEN"

    done = decide(console, "accept", confirmed="yes")

    assert "For the next bill: 1 row." in done
    assert LateUsage.objects.get().status == "ACCEPTED"
    assert late.bill("2024-05-31").total == 5


def test_ignoring_asks_first_as_well(console, late):
    assert "They stay listed as ignored" in decide(console, "ignore")

    assert "Ignored: 1 row." in decide(console, "ignore", confirmed="yes")

    assert LateUsage.objects.get().status == "IGNORED"


def test_account_and_locked_bill_say_what_arrived_since(console, late):
    words = "50 late units worth 5.00 USD arrived since"

    assert words in console.text(console.get(Account, "change", late.account))
    assert words in console.text(console.get(Bill, "change", late.april))
    assert words not in console.text(console.get(Bill, "change", late.bill("2024-05-31")))


def test_the_dashboard_counts_what_is_open(console, late):
    page = console.text(console.client.get("/admin/"))

    assert "late usage to decide" in page


def test_the_page_of_a_row_names_both_bills(console, late):
    decide(console, "accept", confirmed="yes")
    may = late.bill("2024-05-31")

    page = console.text(console.get(LateUsage, "change", LateUsage.objects.get()))

    assert str(late.april.pk) in page
    assert str(may.pk) in page


def test_a_denied_bill_tells_nothing_of_its_late_usage(console, founded, late):
    reading = {"effect": "allow", "action": ["config:retrieve"], "resource": ["*"]}
    denied = {**reading, "effect": "deny", "resource": [f"billing:bill/item/{late.april.pk}"]}
    policy = PermissionPolicy.objects.create(
        organization=founded.organization, name="Some", statements=[reading, denied]
    )
    person = Console(make_person(founded, policy.name))
    row = LateUsage.objects.get()

    assert "5.00 USD" not in person.text(person.get(LateUsage))
    assert person.get(LateUsage, "change", row).status_code in (302, 403, 404)
    assert "late units" not in person.text(person.get(Account, "change", late.account))
