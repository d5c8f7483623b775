"""Counter adjustments with the official client: their lists need a counter."""

from typing import Any

import pytest
from m3ter import BadRequestError

from tests.contract import bodies
from tests.contract import bodies_counters as counters
from tests.official_client.driving import as_arguments

pytestmark = pytest.mark.django_db


def test_adjustments_are_made_read_replaced_walked_by_day_and_deleted(client):
    made: dict[str, Any] = {}
    for address, resource, build in (
        ("products", client.products, bodies.product),
        ("accounts", client.accounts, bodies.parent),
        ("counters", client.counters, counters.counter),
    ):
        made[address] = resource.create(**as_arguments(build(made))).to_dict(mode="json")
    account, counter = made["accounts"]["id"], made["counters"]["id"]
    adjustments = client.counter_adjustments
    first, second, third = (
        adjustments.create(account_id=account, counter_id=counter, date=day, value=value)
        for day, value in (("2024-01-01", 5), ("2024-02-01", 8), ("2024-03-01", 0))
    )

    updated = adjustments.update(
        second.id, account_id=account, counter_id=counter, date="2024-02-01", value=9, version=1
    )

    assert (updated.value, updated.version) == (9, 2)
    assert adjustments.retrieve(second.id).to_dict() == updated.to_dict()
    walked = adjustments.list(counter_id=counter, page_size=1, sort_order="ASC")
    assert [row.id for row in walked] == [first.id, second.id, third.id]
    of_days = adjustments.list(
        counter_id=counter, account_id=account, date_start="2024-02-01", date_end="2024-03-01"
    )
    assert [row.id for row in of_days] == [second.id]
    ended = adjustments.list(counter_id=counter, end_date_end="2024-03-01")
    assert [row.id for row in ended] == [first.id]
    with pytest.raises(BadRequestError):
        adjustments.list()
    assert adjustments.delete(second.id).to_dict() == updated.to_dict()
