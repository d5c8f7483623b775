"""Bills and bill jobs in the console: run, read, approve, lock, delete."""

import io
from datetime import UTC, date, datetime
from decimal import Decimal

import pypdf
import pytest
from django.urls import reverse

from billing.bills import documents
from billing.models import Account, Bill, BillJob, LineItem
from tests import factories
from tests.console.clients import Console, address, make_person
from tests.console.inhabited import make_bill


@pytest.fixture
def bill(founded):
    """A pending bill of 20.00."""
    return make_bill(factories.make_account(founded.organization, name="Aurora", code="aurora"))


@pytest.fixture
def run(console, eager_tasks, django_capture_on_commit_callbacks):
    """Post a form; jobs it starts are done when it returns."""

    def post(*call, **fields):
        with django_capture_on_commit_callbacks(execute=True):
            return console.post(*call, **fields)

    return post


@pytest.fixture
def customer(founded):
    """An account on a plan with a standing charge of 20 since 2024."""
    product = factories.make_product(founded.organization, name="Inference")
    template = factories.make_plan_template(product, standing_charge=Decimal(20))
    account = factories.make_account(founded.organization, name="Aurora", code="aurora")
    factories.make_account_plan(account, factories.make_plan(template, name="Pro"))
    return account


def run_billing(console, capture, **fields):
    """Send the form that runs billing."""
    with capture(execute=True):
        return console.client.post(
            reverse("admin:run_billing"),
            {"day": "2024-06-15", "frequency": "", "accounts": "", "confirmed": "yes", **fields},
        )


def test_running_billing_makes_the_bills_of_the_period(
    console, customer, eager_tasks, django_capture_on_commit_callbacks
):
    answer = run_billing(console, django_capture_on_commit_callbacks)

    job, bill = BillJob.objects.get(), Bill.objects.get()
    assert answer["Location"] == address(BillJob, "change", job)
    assert (job.status, job.billed) == ("COMPLETE", 1)
    assert (bill.account, bill.total, f"{bill.start_date}") == (customer, 20, "2024-06-01")
    page = console.text(console.client.get(answer["Location"]))
    assert "Complete: 1 of 1 account done (1 billed)" in page


def test_billing_may_be_run_for_chosen_accounts_by_code(
    console, founded, customer, eager_tasks, django_capture_on_commit_callbacks
):
    other = factories.make_account(founded.organization)
    factories.make_account_plan(other, customer.account_plans.get().plan)

    run_billing(console, django_capture_on_commit_callbacks, accounts="aurora, aurora")

    assert [bill.account for bill in Bill.objects.all()] == [customer]


def test_an_unknown_account_code_is_named_and_nothing_runs(console, customer):
    answer = console.client.post(
        reverse("admin:run_billing"), {"day": "2024-06-15", "accounts": "aurora, nobody"}
    )

    assert answer.context["form"].errors["accounts"] == ["No account has the code nobody."]
    assert not BillJob.objects.exists()


def test_an_account_of_another_organization_is_unknown(console, customer):
    factories.make_account(factories.make_organization(), code="theirs")

    answer = console.client.post(
        reverse("admin:run_billing"), {"day": "2024-06-15", "accounts": "theirs"}
    )

    assert answer.context["form"].errors["accounts"] == ["No account has the code theirs."]


def test_who_may_not_run_billing_is_refused(founded):
    reader = Console(make_person(founded, "ReadOnly"))

    assert reader.client.get(reverse("admin:run_billing")).status_code == 403


def test_a_parked_account_shows_its_reason_and_is_billed_after_a_retry(
    console, founded, customer, run, eager_tasks, django_capture_on_commit_callbacks
):
    template = customer.account_plans.get().plan.plan_template
    factories.make_currency(founded.organization, code="EUR")
    template.currency = "EUR"
    template.save()
    run_billing(console, django_capture_on_commit_callbacks)
    job = BillJob.objects.get()
    parked = console.text(console.get(BillJob, "change", job))

    template.currency = "USD"
    template.save()
    run(BillJob, "change", job, do="retry")

    job.refresh_from_db()
    assert "There is no conversion rate from EUR to USD" in parked
    assert (job.status, job.billed, job.parked) == ("COMPLETE", 1, 0)
    assert Bill.objects.get().total == 20


def test_progress_is_told_in_shares_and_words(console, founded):
    job = BillJob.objects.create(
        organization=founded.organization, status="RUNNING",
        total=8, pending=3, billed=2, skipped=1, parked=2, total_bills=11, pending_bills=4,
    )  # fmt: skip

    answer = console.client.get(reverse("admin:bill_job_progress", args=[job.pk])).json()

    assert answer == {
        "shares": {"billed": "25.00", "skipped": "12.50", "parked": "25.00"},
        "words": "Running: 5 of 8 accounts done (2 billed, 1 without a bill, 2 parked)",
        "isFinished": False,
    }


def test_a_running_job_can_be_cancelled_and_a_complete_one_not(console, founded):
    running = BillJob.objects.create(organization=founded.organization, status="RUNNING")
    complete = BillJob.objects.create(organization=founded.organization, status="COMPLETE")

    for job in (running, complete):
        console.post(BillJob, "change", job, do="cancel")
        job.refresh_from_db()

    assert (running.status, complete.status) == ("CANCELLED", "COMPLETE")


def test_a_bill_is_approved_then_locked_and_then_left_alone(console, founded, bill):
    for deed in ("approve", "lock", "put_back", "delete"):
        console.post(Bill, "change", bill, do=deed, typed="delete")

    bill.refresh_from_db()
    assert (bill.status, bill.is_locked) == ("APPROVED", True)
    assert (bill.approved_by, bill.locked_by) == (founded.admin.pk, founded.admin.pk)
    page = console.text(console.get(Bill, "change", bill))
    assert 'value="lock"' not in page
    assert founded.admin.email in page


def test_a_pending_bill_is_not_locked(console, bill):
    console.post(Bill, "change", bill, do="lock")

    page = console.text(console.get(Bill, "change", bill))
    assert "approve it before locking it" in page
    bill.refresh_from_db()
    assert (bill.status, bill.is_locked) == ("PENDING", False)


def test_a_period_ends_with_its_last_day_on_every_page(console, bill):
    pages = [
        console.get(Bill, "change", bill),
        console.get(Bill),
        console.get(Account, "change", bill.account),
        console.post(Bill, "change", bill, do="delete"),
    ]

    for page in map(console.text, pages):
        assert "2026-05-01 – 2026-05-31" in page
        assert "2026-05-01 – 2026-06-01" not in page
    assert all("First – last day" in console.text(page) for page in pages[:3])


def test_an_unknown_button_does_nothing(console, bill):
    assert console.post(Bill, "change", bill, do="has_view_permission").status_code == 403


def test_selected_bills_are_approved_and_locked_together(console, founded, bill):
    other = make_bill(factories.make_account(founded.organization))
    selected = {"_selected_action": [bill.pk, other.pk]}
    page = address(Bill, "changelist")

    console.client.post(page, {"action": "approve_selected", "confirmed": "yes", **selected})
    console.client.post(page, {"action": "lock_selected", "confirmed": "yes", **selected})

    assert set(Bill.objects.values_list("status", "is_locked")) == {("APPROVED", True)}


def test_locking_a_selection_locks_what_is_approved_and_names_the_rest(console, founded, bill):
    approved = make_bill(factories.make_account(founded.organization), status="APPROVED")

    answer = console.client.post(
        address(Bill, "changelist"),
        {"action": "lock_selected", "confirmed": "yes", "_selected_action": [bill.pk, approved.pk]},
        follow=True,
    )

    sentences = [str(message) for message in answer.context["messages"]]
    assert sentences == [
        "Aurora: The bill of account aurora dated 2026-06-01 is pending: approve it before locking "
        "it.",
        "1 locked.",
    ]
    approved.refresh_from_db()
    bill.refresh_from_db()
    assert (approved.is_locked, bill.is_locked) == (True, False)


def test_bills_are_deleted_only_after_the_word_was_typed(console, bill):
    selected = {"action": "delete_bills", "_selected_action": [bill.pk]}
    page = address(Bill, "changelist")

    asked = console.client.post(page, selected)
    console.client.post(page, {**selected, "typed": "yes"})
    there = Bill.objects.filter(pk=bill.pk).exists()
    console.client.post(page, {**selected, "typed": "delete"})

    assert "Delete 1 bill for good?" in console.text(asked)
    assert there
    assert not Bill.objects.filter(pk=bill.pk).exists()


def test_a_locked_bill_survives_the_word(console, bill):
    Bill.objects.filter(pk=bill.pk).update(status="APPROVED", is_locked=True)

    console.client.post(
        address(Bill, "changelist"),
        {"action": "delete_bills", "_selected_action": [bill.pk], "typed": "delete"},
    )

    assert Bill.objects.filter(pk=bill.pk).exists()


def test_a_bill_shows_its_lines_bands_and_steps(console, founded, bill):
    LineItem.objects.create(
        organization=founded.organization, bill=bill, line_key="usage",
        line_item_type="USAGE", sequence_number=2, description="Tokens", quantity=1_500_000,
        units=Decimal("1.5"), unit="million tokens", subtotal=Decimal("0.75"), currency="USD",
        converted_subtotal=Decimal("0.75"), product_name="Inference",
        service_period_start=bill.start_at, service_period_end=bill.end_at,
        band_usage=[{"lowerLimit": 0, "bandUnits": Decimal("1.5"), "unitPrice": Decimal("0.50"),
                     "fixedPrice": 0, "bandSubtotal": Decimal("0.75")}],
    )  # fmt: skip

    answer = console.get(Bill, "change", bill)

    assert [(group["name"], group["total"]) for group in answer.context["groups"]] == [
        ("Other", "20.00 USD"),
        ("Inference", "0.75 USD"),
    ]
    line = answer.context["groups"][1]["lines"][0]
    assert (line["units"], line["period"]) == ("1.5 million tokens", "2026-05-01 – 2026-05-31")
    assert line["bands"] == [{"above": "0", "reckoning": "1.5 × 0.5", "sum": "0.75"}]
    assert [(bar.label, amount) for bar, amount in answer.context["waterfall"]] == [
        ("Standing charge", "20.00"),
        ("Inference: usage", "0.75"),
        ("Total", "20.75"),
    ]


def test_page_and_document_show_the_same_fixed_price_the_one_that_was_charged(
    console, founded, bill
):
    # QTY-6: a correction of 10 units bears none of the band's fixed price of 7.00.
    band = {"lowerLimit": 0, "fixedPrice": 7, "unitPrice": Decimal("0.5"), "bandUnits": -10,
            "unitSubtotal": -5, "bandSubtotal": -5}  # fmt: skip
    LineItem.objects.create(
        organization=founded.organization, bill=bill, line_key="usage",
        line_item_type="USAGE", sequence_number=2, description="Tokens", quantity=-10,
        units=-10, unit="tokens", subtotal=-5, currency="USD", converted_subtotal=-5,
        product_name="Inference", service_period_start=bill.start_at,
        service_period_end=bill.end_at, band_usage=[band],
    )  # fmt: skip

    answer = console.get(Bill, "change", bill)
    printed = pypdf.PdfReader(io.BytesIO(documents.pdf(bill))).pages[0].extract_text()

    [shown] = answer.context["groups"][1]["lines"][0]["bands"]
    assert shown["reckoning"] == "-10 × 0.5"
    assert "fixed" not in printed
    assert "$0.50 −$5.00" in printed


def test_a_line_explains_itself_and_matches(
    console, customer, eager_tasks, django_capture_on_commit_callbacks
):
    run_billing(console, django_capture_on_commit_callbacks)
    line = LineItem.objects.get()

    answer = console.client.get(
        reverse("admin:bill_line_explanation", args=[line.bill_id, line.pk])
    )

    page = console.text(answer)
    assert "20" in page
    assert page.count("matches") == 2


def test_a_line_that_would_come_out_differently_today_says_so(
    console, customer, eager_tasks, django_capture_on_commit_callbacks
):
    run_billing(console, django_capture_on_commit_callbacks)
    line = LineItem.objects.get()
    template = customer.account_plans.get().plan.plan_template
    template.standing_charge = Decimal(30)
    template.save()

    page = console.text(
        console.client.get(reverse("admin:bill_line_explanation", args=[line.bill_id, line.pk]))
    )

    assert (page.count("matches"), page.count("differs")) == (1, 1)
    assert "Recalculate the bill to take this over." in page


def test_recalculating_starts_a_job_for_this_bill(console, bill, run):
    answer = run(Bill, "change", bill, do="recalculate")

    job = BillJob.objects.get()
    told = console.text(console.get(Bill, "change", bill))
    BillJob.objects.update(status="RUNNING")
    page = console.text(console.get(Bill, "change", bill))
    assert "Recalculation has started" in told and address(BillJob, "change", job) in told
    assert "This bill is being calculated again" not in told
    assert (job.type, job.bill_ids) == ("RECALCULATE", [str(bill.pk)])
    assert answer["Location"] == address(Bill, "change", bill)
    assert "This bill is being calculated again" in page and address(BillJob, "change", job) in page


def test_the_document_is_a_pdf(console, bill):
    answer = console.client.get(reverse("admin:bill_pdf", args=[bill.pk]))

    assert answer["Content-Type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-")
    assert f"INV-{str(bill.pk)[-4:]}.pdf" in answer["Content-Disposition"]


def test_bills_are_found_by_date_and_state(console, founded, bill):
    make_bill(
        factories.make_account(founded.organization, name="Later"),
        bill_date=datetime(2026, 8, 1, tzinfo=UTC).date(),
        status="APPROVED",
    )

    def names(**query):
        return [row.account_name for row in console.get(Bill, **query).context["cl"].result_list]

    assert names() == ["Later", "Aurora"]
    assert names(status__exact="PENDING") == ["Aurora"]
    assert names(bill_date_from="2026-07-01", bill_date_to="2026-12-31") == ["Later"]


def test_an_action_that_cannot_be_undone_asks_first_and_names_the_bills(console, founded):
    approved = make_bill(factories.make_account(founded.organization), status="APPROVED")
    page = address(Bill, "changelist")
    wanted = {"action": "lock_selected", "_selected_action": [approved.pk]}

    asked = console.client.post(page, wanted)
    before = Bill.objects.get(pk=approved.pk).is_locked
    console.client.post(page, {**wanted, "confirmed": "yes"})
    again = console.client.post(page, {**wanted, "confirmed": "yes"}, follow=True)

    assert (asked.status_code, before) == (200, False)
    assert "can never be changed or deleted again" in asked.content.decode()
    assert approved.account_name in asked.content.decode()
    assert Bill.objects.get(pk=approved.pk).is_locked
    assert "0 locked, 1 locked already." in again.content.decode()


def test_running_billing_proposes_the_last_finished_month_and_says_what_will_happen(
    console, customer, eager_tasks, django_capture_on_commit_callbacks, time_machine
):
    time_machine.move_to("2024-12-01T00:01:40Z")
    console = Console(console.user)

    form = console.client.get(reverse("admin:run_billing"))
    assert form.context["form"].initial["day"] == date(2024, 11, 30)
    asked = run_billing(console, django_capture_on_commit_callbacks, confirmed="", day="2024-11-30")
    going_on = run_billing(
        console, django_capture_on_commit_callbacks, confirmed="", day="2024-12-01"
    )

    assert not BillJob.objects.exists()
    (told,) = asked.context["foreseen"]
    assert (told["period"], told["accounts"], told["existing"], told["is_over"]) == (
        "2024-11-01 – 2024-11-30", 1, "none yet", True,
    )  # fmt: skip
    assert not asked.context["goes_on"]
    assert going_on.context["goes_on"]
    assert "is not over" in going_on.content.decode()


def test_a_bill_of_a_running_period_is_marked_and_left_out_unless_it_is_ticked(
    console, customer, eager_tasks, django_capture_on_commit_callbacks, time_machine
):
    time_machine.move_to("2024-06-15T12:00:00Z")
    console = Console(console.user)
    run_billing(console, django_capture_on_commit_callbacks)
    bill = Bill.objects.get()
    assert "so far" in console.get(Bill).content.decode()
    page = console.client.get(address(Bill, "change", bill)).content.decode()
    assert 'id="so-far"' in page
    assert "2024-06-30" in page
    body = {"action": "approve_selected", "_selected_action": [str(bill.pk)]}
    asked = console.client.post(address(Bill, "changelist"), body)
    assert [(line[0], line[2], line[4]) for line in asked.context["summary"]] == [
        ("2024-06-01 – 2024-06-30", 1, "not over")
    ]

    console.client.post(address(Bill, "changelist"), {**body, "confirmed": "yes"})
    bill.refresh_from_db()
    assert bill.status == "PENDING"
    console.client.post(
        address(Bill, "changelist"), {**body, "confirmed": "yes", "unfinished": "yes"}
    )

    bill.refresh_from_db()
    assert bill.status == "APPROVED"


def test_the_page_of_a_bill_says_which_child_a_line_is_of(
    console, founded, customer, eager_tasks, django_capture_on_commit_callbacks
):
    plan = customer.account_plans.get().plan
    child = factories.make_account(founded.organization, code="borealis", parent_account=customer)
    factories.make_account_plan(child, plan)
    run_billing(console, django_capture_on_commit_callbacks)
    bill = Bill.objects.get()

    page = console.text(console.client.get(address(Bill, "change", bill)))

    assert bill.total == 40
    assert page.count("Standing charge, Pro") == 2
    assert page.count("Standing charge, Pro, account borealis") == 1
