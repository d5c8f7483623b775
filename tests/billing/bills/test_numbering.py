"""Invoice numbers: order, restart, bills from before there was a prefix."""

import pytest

from billing.bills import lifecycle, numbering
from billing.models import Bill
from organizations.kernel import changes, principals
from organizations.kernel.errors import FieldRefused
from organizations.models import OrganizationConfig
from tests.billing.bills import making, runners

pytestmark = pytest.mark.django_db


def references() -> list[str | None]:
    bills = Bill.objects.order_by("created_at", "id")
    return list(bills.values_list("invoice_reference", flat=True))


def configure(shop: making.Shop, prefix: str | None, start: int | None) -> None:
    OrganizationConfig.objects.filter(organization=shop.organization).update(
        bill_prefix=prefix, sequence_start_number=start
    )


def test_the_first_bill_has_the_start_number_plus_one_and_keeps_it():
    shop = making.Shop(config={"bill_prefix": "INVOICE-", "sequence_start_number": 100})
    shop.account()
    runners.run(shop.organization, "2024-06-15")

    runners.run(shop.organization, "2024-07-15")
    runners.run(shop.organization, "2024-06-15")

    assert references() == ["INVOICE-101", "INVOICE-102"]


def test_without_a_prefix_bills_have_no_number_and_get_none_later():
    shop = making.Shop()
    shop.account()
    runners.run(shop.organization, "2024-06-15")
    configure(shop, "R", 0)

    runners.run(shop.organization, "2024-06-15")
    runners.run(shop.organization, "2024-07-15")

    assert references() == [None, "R1"]


def test_another_prefix_or_start_begins_the_series_again_without_a_double():
    shop = making.Shop(config={"bill_prefix": "A", "sequence_start_number": 10})
    shop.account()
    runners.run(shop.organization, "2024-01-15")

    for month, prefix, start in ((2, "B", 10), (3, "B", 500), (4, "A", 0), (5, "A", 0)):
        configure(shop, prefix, start)
        runners.run(shop.organization, f"2024-0{month}-15")

    # A begins at 1 again, but A11 is given already, so it goes on behind it.
    assert references() == ["A11", "B11", "B501", "A12", "A13"]


@pytest.fixture
def used():
    """A shop whose bill has the number A11."""
    shop = making.Shop(config={"bill_prefix": "A", "sequence_start_number": 10})
    shop.account()
    runners.run(shop.organization, "2024-01-15")
    assert references() == ["A11"]
    return shop


def set_series(shop: making.Shop, prefix: str | None, start: int | None, **more: int) -> None:
    """Save prefix and start as API and console do."""
    config = OrganizationConfig.objects.get(organization=shop.organization)
    with changes.editing(config, by=principals.system(shop.organization.pk)) as row:
        row.bill_prefix, row.sequence_start_number = prefix, start
        row.days_before_bill_due = more.get("days", row.days_before_bill_due)


@pytest.mark.parametrize(
    ("prefix", "start", "highest"), [("A", 0, 11), ("A", None, 11), ("A", 9, 11), ("A1", 0, 1)]
)
def test_a_series_that_would_give_a_number_twice_is_refused_when_it_is_set(
    used, prefix, start, highest
):
    set_series(used, "B", 0)

    with pytest.raises(FieldRefused) as refusal:
        set_series(used, prefix, start)

    assert refusal.value.message == (
        f"sequenceStartNumber: numbers up to {prefix}{highest} are given already: "
        f"start with {highest} or more"
    )
    config = OrganizationConfig.objects.get(organization=used.organization)
    assert (config.bill_prefix, config.sequence_start_number) == ("B", 0)


@pytest.mark.parametrize(
    ("prefix", "start"), [("A", 10), ("A", 11), ("A", 500), ("B", 0), ("A1", 1), (None, None)]
)
def test_a_series_that_gives_new_numbers_or_stays_is_kept(used, prefix, start):
    set_series(used, prefix, start, days=7)

    config = OrganizationConfig.objects.get(organization=used.organization)
    assert (config.bill_prefix, config.sequence_start_number, config.days_before_bill_due) == (
        prefix, start, 7,
    )  # fmt: skip


def test_the_number_of_a_deleted_bill_is_not_given_again():
    shop = making.Shop(config={"bill_prefix": "A", "sequence_start_number": 0})
    shop.account()
    runners.run(shop.organization, "2024-01-15")

    lifecycle.delete(Bill.objects.get(), by=principals.system(shop.organization.pk))
    runners.run(shop.organization, "2024-01-15")

    assert references() == ["A2"]


def test_two_organizations_number_their_bills_apart():
    shops = [making.Shop(config={"bill_prefix": "A", "sequence_start_number": 0}) for _ in range(2)]
    for shop in shops:
        shop.account()
        runners.run(shop.organization, "2024-01-15")

    assert references() == ["A1", "A1"]


def test_a_prefix_taken_away_before_the_numbers_are_given_leaves_bills_without():
    shop = making.Shop(config={"bill_prefix": "A", "sequence_start_number": 0})
    shop.account()
    runners.run(shop.organization, "2024-01-15")
    Bill.objects.update(is_awaiting_number=True, invoice_number=None, invoice_reference=None)
    configure(shop, None, None)

    assert numbering.number(shop.organization.pk) == 0

    assert references() == [None]
    assert not Bill.objects.get().is_awaiting_number
