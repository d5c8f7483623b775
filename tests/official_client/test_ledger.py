"""The ledger of a balance and its schedules over the official client."""

from typing import Any

import pytest

from tests.contract import bodies, bodies_agreements
from tests.factories import number
from tests.official_client.driving import as_arguments

pytestmark = pytest.mark.django_db


@pytest.fixture
def made(client) -> dict[str, Any]:
    """A balance, and a type of transaction."""
    rows: dict[str, Any] = {}
    kind = client.transaction_types.create(name="Top-up", code=f"topup_{number()}")
    rows["picklists/transactiontypes"] = kind.to_dict(mode="json")
    account = client.accounts.create(**as_arguments(bodies.parent(rows)))
    rows["accounts"] = account.to_dict(mode="json")
    rows["products"] = client.products.create(name="P", code=f"p-{number()}").to_dict(mode="json")
    body = {**bodies_agreements.balance({**rows, "contracts": {"id": None}})}
    body.pop("contractId")
    rows["balances"] = client.balances.create(**as_arguments(body)).to_dict(mode="json")
    return rows


def test_transactions_are_posted_listed_and_summed_up(client, made):
    balance = made["balances"]["id"]

    posted = client.balances.transactions.create(
        balance, **as_arguments(bodies_agreements.transaction(made))
    )
    client.balances.transactions.create(balance, amount=-30.25)

    assert posted.entity_type == "SERVICE_USER"
    assert [row.amount for row in client.balances.transactions.list(balance)] == [-30.25, 100.25]
    assert client.balances.retrieve(balance).amount == 70
    summary = client.balances.transactions.summary(balance)
    assert (summary.total_credit_amount, summary.total_debit_amount) == (100.25, 30.25)


@pytest.mark.parametrize(
    ("name", "build"),
    [
        ("transaction_schedules", bodies_agreements.transaction_schedule),
        ("charge_schedules", bodies_agreements.charge_schedule),
    ],
)
def test_a_schedule_is_previewed_made_and_deleted(client, made, name, build):
    balance, schedules = made["balances"]["id"], getattr(client.balances, name)
    body = as_arguments(build(made))

    preview = schedules.preview(balance, **body)
    schedule = schedules.create(balance, **body)

    assert preview.name == schedule.name and schedule.next_run == preview.next_run
    assert [row.id for row in schedules.list(balance)] == [schedule.id]
    assert schedules.delete(schedule.id, balance_id=balance).id == schedule.id
    assert list(schedules.list(balance)) == []
