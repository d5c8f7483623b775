"""The lock date over the API."""

import pytest

from tests.billing.test_bills_api import customer
from tests.catalog.test_catalogue_api import refused

pytestmark = pytest.mark.django_db


def test_the_lock_date_is_read_set_with_its_version_and_taken_away(api, billed):
    before = api.get("billconfig").json
    assert (before["version"], before["billLockDate"]) == (1, None)
    customer(api)
    billed()
    (bill,) = api.get("bills").json["data"]
    body = {"version": 1, "billLockDate": "2024-06-30"}

    answer = api.put("billconfig", body)
    refused(answer, "billLockDate")
    assert api.get("billconfig").json == before
    api.put(f"bills/{bill['id']}/status", {"status": "APPROVED"})
    closed = api.put("billconfig", body)

    assert (closed.status, closed.json["version"], closed.json["billLockDate"]) == (
        200, 2, "2024-06-30",
    )  # fmt: skip
    assert api.put("billconfig", body).status == 409
    assert api.get(f"bills/{bill['id']}").json["locked"] is True
    assert len(api.get("bills", locked="true").json["data"]) == 1
    assert api.put(f"bills/{bill['id']}/status", {"status": "PENDING"}).status == 400
    assert api.delete(f"bills/{bill['id']}").status == 400
    opened = api.put("billconfig", {"version": 2})
    assert opened.json["billLockDate"] is None
    assert api.get(f"bills/{bill['id']}").json["locked"] is False
