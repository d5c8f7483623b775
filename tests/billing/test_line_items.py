"""What the database itself holds about line items, whoever writes them."""

import pytest
from django.db import IntegrityError, connection, transaction

from billing.models import Bill
from organizations.kernel import ids
from tests import factories
from tests.billing.bills.printed_bills import make_bill, unsaved_line

pytestmark = pytest.mark.django_db


def refused_by_the_database(write):
    """Whether the write fails on the constraint that ties a line to its bill."""
    try:
        with transaction.atomic():
            write()
            connection.check_constraints()
    except IntegrityError as error:
        return "billing_lineitem_bill_id_organization" in str(error)
    return False


def test_a_line_is_of_the_organization_of_its_bill():
    bill = make_bill(factories.make_organization())
    other = factories.make_organization()

    assert not refused_by_the_database(unsaved_line(bill, 1).save)
    assert refused_by_the_database(unsaved_line(bill, 2, organization_id=other.pk).save)


def test_a_line_is_of_a_bill_that_exists():
    bill = make_bill(factories.make_organization())

    assert refused_by_the_database(unsaved_line(bill, 1, bill_id=ids.new_id()).save)


def test_no_bill_goes_away_from_under_its_lines():
    bill = make_bill(factories.make_organization())
    unsaved_line(bill, 1).save()

    assert refused_by_the_database(lambda: Bill.objects.filter(pk=bill.pk)._raw_delete("default"))
