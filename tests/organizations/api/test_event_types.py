"""Which types of events there are, and which fields their payloads have (B2, B3)."""

import pytest

from billing.usage import failures
from integrations import delivery, disabling
from organizations.kernel import event_types, registry
from organizations.models import Event
from tests import factories
from tests.billing.bills import making, runners
from tests.clients import ApiClient
from tests.organizations.test_grants import allow

pytestmark = pytest.mark.django_db


def test_the_types_are_those_that_happen_here_in_order_of_name(api):
    names = api.get("events/types").json["events"]

    assert names == sorted(set(names))
    assert {
        "billing.bill.updated",
        "configuration.account.created",
        "configuration.pricing.deleted",
        failures.EVENT,
        delivery.AUTHENTICATION_FAILED,
        delivery.DELIVERY_FAILED,
        disabling.EVENT,
    } <= set(names)
    entities = [one for one in registry.resources() if one.event]
    assert 3 * len(entities) < len(names) <= 106


def test_a_type_has_the_fields_of_its_entity_before_and_after(api):
    def fields_of(name):
        answer = api.get("events/fields", eventName=name)
        assert list(answer.json["events"]) == [name]
        return answer.json["events"][name]

    created = fields_of("configuration.plantemplate.created")
    updated = fields_of("configuration.plantemplate.updated")
    deleted = fields_of("configuration.plantemplate.deleted")

    assert created == {
        "new.id": "string",
        "new.productId": "string",
        "new.name": "string",
        "new.code": "string",
        "new.currency": "string",
        "new.billFrequency": "string",
        "new.billFrequencyInterval": "int",
        "new.standingCharge": "double",
        "new.standingChargeDescription": "string",
        "new.standingChargeInterval": "int",
        "new.standingChargeOffset": "int",
        "new.standingChargeBillInAdvance": "boolean",
        "new.minimumSpend": "double",
        "new.minimumSpendDescription": "string",
        "new.minimumSpendBillInAdvance": "boolean",
        "new.ordinal": "int",
        "new.customFields": "map",
    }
    assert set(deleted) == {name.replace("new.", "old.") for name in created}
    assert updated == {**created, **deleted}
    bill = fields_of("billing.bill.created")
    assert (bill["new.billTotal"], bill["new.locked"], bill["new.dueDate"]) == (
        "double", "boolean", "string",
    )  # fmt: skip
    # The entity has none yet; rules may speak of them all the same (B3).
    assert (bill["new.customFields"], bill["new.currencyConversions"]) == ("map", "array")
    assert fields_of(failures.EVENT)["new.uids"] == "array"
    assert fields_of(disabling.EVENT)["new.message"] == "string"


def test_every_payload_has_exactly_the_fields_of_its_type(api):
    """What really happened, against what is told: no list is kept by hand."""
    shop = making.Shop()
    account = shop.account()
    runners.use(account, shop.meter, "2024-06-10", 10)
    runners.run(shop.organization, "2024-06-15")
    product = api.post("products", {"name": "Storage", "code": "storage"}).json
    api.put(f"products/{product['id']}", {**product, "name": "Store"})
    api.delete(f"products/{product['id']}")
    api.post("accounts", {"name": "Acme", "code": "acme", "emailAddress": "a@example.com"})

    known = event_types.fields()
    happened = list(Event.objects.all())

    assert {"billing.bill.created", "configuration.product.updated"} <= {e.name for e in happened}
    for event in happened:
        told = {
            f"{which.removesuffix('Dto')}.{name}"
            for which, copy in event.payload["eventData"].items()
            for name in copy
            if name not in event_types.NOT_LISTED
        }
        listed = {name for name in known[event.name] if not name.endswith(".customFields")}
        assert {name for name in told if not name.endswith(".customFields")} == listed, event.name


def test_without_a_name_all_types_are_told_and_an_unknown_one_is_refused(api):
    every = api.get("events/fields").json["events"]
    empty = api.get("events/fields", eventName="").json["events"]
    unknown = api.get("events/fields", eventName="configuration.unicorn.created")

    assert list(every) == api.get("events/types").json["events"] == list(empty)
    assert all(every.values())
    assert unknown.status == 400
    assert [error["field"] for error in unknown.json["errors"]] == ["eventName"]


def test_types_and_fields_are_told_to_whoever_may_read_events_there(api, acting, founded):
    stranger = ApiClient(factories.make_founded())
    other = f"/organizations/{founded.organization.pk}/events"

    for tail in ("types", "fields"):
        assert acting(allow("config:event")).get(f"events/{tail}").status == 200
        assert acting(allow("config:product")).get(f"events/{tail}").status == 403
        assert (
            stranger.client.get(
                f"{other}/{tail}", headers={"Authorization": f"Bearer {stranger.token}"}
            ).status_code
            == 403
        )
