"""What becomes of a batch that was received: stored once, or failed with a reason."""

from datetime import timedelta
from decimal import Decimal

import pytest

from billing.models import Account, IngestFailure
from organizations.kernel import changes, principals
from organizations.models import AuditEntry, Event
from tests.billing.usage.stored import NOON, accept, failures, gigabytes, item, stored, total
from tests.factories import make_account, make_meter, make_organization

pytestmark = pytest.mark.django_db


def edit(row, **fields):
    with changes.editing(row, by=principals.system(row.organization_id)) as locked:
        for name, value in fields.items():
            setattr(locked, name, value)


def test_a_measurement_is_stored_and_in_the_sum_at_once(organization):
    meter = gigabytes(organization)
    account = make_account(organization, code="acme")

    accept(organization, item(uid="m-1", measure={"gb": Decimal("2.5")}))

    assert stored(organization, "account_id, meter_id, uid") == [(account.pk, meter.pk, "m-1")]
    assert total(account.pk, meter) == Decimal("2.5")
    assert failures(organization) == []


def test_an_unknown_meter_is_a_failure_with_its_event(organization):  # E20
    accept(organization, item(uid="m-1", meter="nothing"))

    failure = IngestFailure.objects.get(organization=organization)
    event = Event.objects.get(organization=organization, name="ingest.validation.failure")
    told = event.payload["eventData"]["newDto"]
    assert stored(organization) == []
    assert failure.type == "UndefinedMeter"
    assert failure.event_id == event.pk
    assert {key: told[key] for key in ("errorType", "meterCode", "accountCode", "uids")} == {
        "errorType": "UndefinedMeter",
        "meterCode": "nothing",
        "accountCode": "acme",
        "uids": ["m-1"],
    }
    assert told["receivedAt"] == "2026-06-15T12:00:00.000Z"
    assert told["getDownloadUrl"].endswith(
        f"/organizations/{organization.pk}/measurements/failedIngest/getDownloadUrl"
        f"?file={failure.pk}.json"
    )


def requests_by_region(organization):
    return make_meter(
        organization,
        code="requests",
        data_fields=[
            {"category": "MEASURE", "code": "requests", "name": "Requests", "unit": "1"},
            {"category": "WHERE", "code": "region", "name": "Region"},
        ],
    )


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ({"measure": {"requests": 1}}, "MissingField"),
        ({"measure": {"requests": 1}, "where": {"region": None}}, "MissingField"),
        ({"measure": {"requests": 1}, "what": {"region": "eu"}}, "MissingField"),
        ({"cost": {"requests": 1}, "where": {"region": "eu"}}, "MissingField"),
        (
            {"measure": {"requests": 1}, "where": {"region": "eu"}, "what": {"region": "eu"}},
            "DuplicateField",
        ),
        # Both at once: DuplicateField comes first (5.4).
        ({"where": {"region": "eu"}, "what": {"region": "eu"}}, "DuplicateField"),
    ],
)
def test_fields_that_do_not_fit_the_meter_fail(organization, sent, reason):  # E21
    requests_by_region(organization)

    accept(organization, item(uid="m-1", meter="requests", **{"measure": None, **sent}))

    assert stored(organization) == []
    assert failures(organization) == [(reason, ["m-1"])]
    assert not Account.objects.for_organization(organization).exists()


@pytest.mark.parametrize(
    "extra",
    [
        {"what": {"unheard": "of"}},
        {"what": {"region": None}},
        {"income": {"unheard": 5}, "other": {"more": "x"}},
    ],
)
def test_codes_the_meter_does_not_have_are_ignored(organization, extra):
    requests_by_region(organization)

    accept(
        organization,
        item(meter="requests", measure={"requests": 3}, where={"region": ""}, **extra),
    )

    assert stored(organization, "fields::text") == ['{"region": "", "requests": 3}']


def test_what_is_sent_for_a_derived_field_is_ignored(organization):
    gigabytes(
        organization,
        derived_fields=[{"category": "MEASURE", "code": "tb", "calculation": "gb / 1000"}],
    )

    accept(organization, item(measure={"gb": 5, "tb": 77}))

    assert stored(organization, "fields::text") == ['{"gb": 5, "tb": 0.005}']


def test_a_bad_item_stops_no_other(organization):
    gigabytes(organization)

    accept(organization, item(uid="a"), item(uid="b", meter="nothing"), item(uid="c"))

    assert stored(organization) == ["a", "c"]
    assert failures(organization) == [("UndefinedMeter", ["b"])]


def test_a_uid_is_free_again_after_35_days(organization):  # E23
    gigabytes(organization)

    accept(organization, item(uid="k1"), at=NOON)
    accept(organization, item(uid="k1"), at=NOON + timedelta(days=34))
    assert len(stored(organization)) == 1
    assert failures(organization) == [("DuplicateUid", ["k1"])]

    accept(organization, item(uid="k1"), at=NOON + timedelta(days=36))
    assert len(stored(organization)) == 2
    # The window begins anew with what was stored last.
    accept(organization, item(uid="k1"), at=NOON + timedelta(days=70))
    assert len(stored(organization)) == 2


def test_a_uid_whose_measurement_failed_is_not_burnt(organization):  # E24
    gigabytes(organization)

    accept(organization, item(uid="k2", measure={}))
    accept(organization, item(uid="k2"))

    assert stored(organization) == ["k2"]
    assert failures(organization) == [("MissingField", ["k2"])]


def test_of_two_items_with_one_uid_the_first_is_stored(organization):
    meter = gigabytes(organization)
    account = make_account(organization, code="acme")

    accept(
        organization, item(uid="k", measure={"gb": 1}), item(uid="k", measure={"gb": 2}),
        item(uid="k", measure={"gb": 4}),
    )  # fmt: skip

    assert total(account.pk, meter) == 1
    assert failures(organization) == [("DuplicateUid", ["k", "k"])]


def test_duplicates_of_one_request_make_one_failure_that_keeps_them(organization):
    gigabytes(organization)
    batch = [item(uid=f"u{n}", measure={"gb": Decimal(f"{n}.10")}) for n in range(3)]

    accept(organization, *batch)
    accept(organization, *batch, item(uid="new"))

    failure = IngestFailure.objects.get(organization=organization)
    assert failure.type == "DuplicateUid"
    assert failure.uids == ["u0", "u1", "u2"]
    assert failure.measurements[2] == {**batch[2], "measure": {"gb": Decimal("2.10")}}
    assert stored(organization) == ["new", "u0", "u1", "u2"]


@pytest.mark.parametrize("uid", [None, ""])
def test_items_without_uid_are_all_stored_under_one_of_ours(organization, uid):
    gigabytes(organization)

    accept(organization, item(uid=uid), item(uid=uid))

    uids = stored(organization)
    assert len(set(uids)) == 2
    assert all(len(uid) == 36 for uid in uids)


# A few rows and many are written in different ways.
few_and_many = pytest.mark.parametrize("others", [0, 30])


@few_and_many
def test_uids_with_characters_that_mean_something_elsewhere_come_back_as_sent(organization, others):
    gigabytes(organization)
    uids = ['a"b', "c\\d", "\\N", "\\.", "{e}", "f,g", "h\ti\nj\rk", "ü\u2028", "NULL", "'", "\x85"]
    uids += [f"other {n}" for n in range(others)]

    accept(organization, *(item(uid=uid) for uid in uids))
    accept(organization, *(item(uid=uid) for uid in reversed(uids)))

    assert sorted(stored(organization)) == sorted(uids)
    assert failures(organization) == [("DuplicateUid", list(reversed(uids)))]


@few_and_many
def test_texts_with_any_character_come_back_as_sent(organization, others):
    requests_by_region(organization)
    text = 'tab\t line\n quote" back\\slash \\N é \U0001f600 \x7f'
    sent = {"meter": "requests", "measure": {"requests": 1}, "ets": "2026-06-01T00:00:00.5Z"}

    accept(organization, *(item(**sent, where={"region": text}) for _ in range(1 + others)))

    found = stored(organization, "fields ->> 'region', extract(epoch from ets - ts)")
    assert found == [(text, Decimal("0.5"))] * (1 + others)


@pytest.mark.parametrize(
    "number",
    [
        "0.1",
        "-12345678901234567890.123456789012345678",
        "99999999999999999999",
        "0.000000000000000000000000000001",
        "1E-30",
        "18446744073709551617",
    ],
)
def test_numbers_are_exact_from_the_wire_to_the_sum(organization, number):
    meter = gigabytes(organization)
    account = make_account(organization, code="acme")

    accept(organization, item(measure={"gb": Decimal(number)}))

    assert total(account.pk, meter) == Decimal(number)


def test_a_thousand_tenths_are_a_hundred(organization):
    meter = gigabytes(organization)
    account = make_account(organization, code="acme")

    accept(organization, *(item(measure={"gb": Decimal("0.1")}) for _ in range(1000)))

    assert total(account.pk, meter) == 100
    assert total(account.pk, meter, "COUNT") == 1000


def test_an_unknown_account_becomes_one_skeleton(organization):
    meter = gigabytes(organization)

    accept(organization, item(account="new co"), item(account="new co"), item(account="other"))

    account = Account.objects.get(organization=organization, code="new co")
    assert account.name == "new co-autocreated"
    assert account.email_address.endswith("-autocreated@example.com")
    assert account.is_autocreated
    assert total(account.pk, meter) == 2
    assert Account.objects.for_organization(organization).count() == 2
    assert Event.objects.filter(
        name="configuration.account.created", resource_id=account.pk
    ).exists()
    assert AuditEntry.objects.filter(entity_id=account.pk, principal_kind="SYSTEM").exists()

    edit(account, name="New Company")
    accept(organization, item(account="new co"))
    assert total(account.pk, meter) == 3


def test_a_code_too_similar_to_an_account_makes_none(organization):
    gigabytes(organization)
    make_account(organization, code="Acme Corp")

    accept(organization, item(uid="a", account="acme  CORP"), item(uid="b", account="Acme Corp"))

    failure = IngestFailure.objects.get(organization=organization)
    assert failure.type == "InvalidAccountCode"
    assert failure.account_code == "acme  CORP"
    assert stored(organization) == ["b"]
    assert Account.objects.for_organization(organization).count() == 1

    # The uid is not burnt.
    accept(organization, item(uid="a", account="Acme Corp"))
    assert stored(organization) == ["a", "b"]


def test_of_two_similar_unknown_codes_the_first_becomes_an_account(organization):
    gigabytes(organization)

    accept(organization, item(uid="a", account="Zeta"), item(uid="b", account="zeta"))

    assert Account.objects.get(organization=organization).code == "Zeta"
    assert stored(organization) == ["a"]
    assert failures(organization) == [("InvalidAccountCode", ["b"])]

    accept(organization, item(uid="b", account="Zeta"))
    assert stored(organization) == ["a", "b"]


def test_a_duplicate_makes_no_account(organization):
    gigabytes(organization)
    account = make_account(organization, code="acme")
    accept(organization, item(uid="k"))

    edit(account, code="acme_corp")
    accept(organization, item(uid="k", account="acme"))

    assert [row.code for row in Account.objects.for_organization(organization)] == ["acme_corp"]


def test_a_renamed_account_keeps_its_usage_and_the_old_code_makes_another(organization):  # E27
    meter = gigabytes(organization)
    account = make_account(organization, code="acme")
    accept(organization, item(measure={"gb": 5}))

    edit(account, code="acme_corp")
    accept(organization, item(account="acme_corp", measure={"gb": 3}))
    accept(organization, item(account="acme", measure={"gb": 11}))

    skeleton = Account.objects.get(organization=organization, code="acme")
    assert total(account.pk, meter) == 8
    assert skeleton.name == "acme-autocreated"
    assert total(skeleton.pk, meter) == 11


def test_a_field_added_to_a_meter_is_needed_from_the_next_measurement_on(organization):
    meter = gigabytes(organization)
    accept(organization, item(uid="a"))

    edit(meter, data_fields=[
        *meter.data_fields, {"category": "WHO", "code": "user", "name": "User"},
    ])  # fmt: skip
    accept(organization, item(uid="b"), item(uid="c", who={"user": "ann"}))

    assert stored(organization) == ["a", "c"]
    assert failures(organization) == [("MissingField", ["b"])]


def test_codes_of_another_organization_mean_nothing(organization):
    other = make_organization()
    gigabytes(other)
    account = make_account(other, code="acme")

    accept(organization, item(uid="k"))
    accept(other, item(uid="k"))

    assert failures(organization) == [("UndefinedMeter", ["k"])]
    assert stored(organization) == []
    assert stored(other, "account_id") == [account.pk]
    assert failures(other) == []


def test_an_event_over_a_month_end_belongs_to_the_month_of_its_start(organization):  # E26
    meter = gigabytes(organization)
    account = make_account(organization, code="acme")

    accept(
        organization,
        item(ts="2026-06-30T23:30:00Z", ets="2026-07-01T00:30:00Z", measure={"gb": 60}),
        at=NOON + timedelta(days=30),
    )

    assert total(account.pk, meter, month=6) == 60
    assert total(account.pk, meter, month=7) is None
