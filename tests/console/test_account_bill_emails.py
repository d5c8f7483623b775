"""Whether and where bills of an account are sent, on the account's page."""

from billing.models import Account
from tests import factories
from tests.console.clients import errors_of


def change(console, account, **typed):
    fields = {"name": account.name, "code": account.code, "email_address": account.email_address}
    return console.post(Account, "change", account, **{**fields, **typed})


def test_addresses_are_typed_with_commas_and_checked(console, founded):
    account = factories.make_account(founded.organization)

    answer = change(
        console, account, bills_by_email="ON", bill_email_addresses="a@acme.example,b@acme.example"
    )

    assert answer.status_code == 302, errors_of(answer)
    account.refresh_from_db()
    assert account.bills_by_email == "ON"
    assert account.bill_email_addresses == ["a@acme.example", "b@acme.example"]

    refused = change(console, account, bill_email_addresses="nobody")

    assert "bill_email_addresses" in errors_of(refused)
    account.refresh_from_db()
    assert len(account.bill_email_addresses) == 2
