"""Questions about usage over the API (usage.md 13.1, 17.9)."""

from decimal import Decimal
from typing import Any

import pytest

from organizations import tokens
from organizations.kernel import exact_json
from organizations.models import OrganizationConfig, PermissionPolicy, ServiceUser
from tests.billing.usage.stored import accept, item
from tests.clients import ApiClient
from tests.factories import make_account, make_attachment, make_founded, make_meter

pytestmark = pytest.mark.django_db

FIELDS = [
    {"category": "MEASURE", "code": "gb", "name": "Stored", "unit": "GiBy"},
    {"category": "WHERE", "code": "region", "name": "Region", "unit": None},
    {"category": "METADATA", "code": "ref", "name": "Reference", "unit": None},
]
JUNE = {"startDate": "2024-06-01T00:00:00.000Z", "endDate": "2024-07-01T00:00:00.000Z"}
A = [("06-03", 10, "eu", "u1"), ("06-10", 4, "us", "u2"), ("06-20", 7, "eu", "u1"),
     ("07-01", 99, "eu", "U1")]  # fmt: skip
B = [("06-10", 5, "us", "U1")]


@pytest.fixture
def place(founded):
    """The data of 17.2 for account a, and one measurement of account b."""
    organization = founded.organization
    meter = make_meter(organization, code="storage", data_fields=FIELDS)
    accounts = [make_account(organization, code=code) for code in ("a", "b")]
    for account, sent in zip(accounts, (A, B), strict=True):
        for day, gb, region, ref in sent:
            accept(
                organization,
                item(
                    uid=f"{account.code}-{day}",
                    account=account.code,
                    ts=f"2024-{day}T00:00:00.000Z",
                    measure={"gb": gb},
                    where={"region": region},
                    metadata={"ref": ref},
                ),
            )
    return meter, *accounts


def asked(meter: Any, function: str = "SUM", field: str = "gb") -> dict[str, Any]:
    """Return one aggregation as the wire says it."""
    kind = "MEASURE" if field == "gb" else "DIMENSION"
    return {"meterId": str(meter.pk), "fieldCode": field, "fieldType": kind, "function": function}


def query(api: Any, **body: Any) -> Any:
    answer = api.post("usage/query", {**JUNE, **body})
    assert answer.status == 200, answer
    return answer.json


def refused(api: Any, *fields: str, **body: Any) -> None:
    answer = api.post("usage/query", {**JUNE, **body})
    assert answer.status == 400, answer
    assert [error["field"] for error in answer.json["errors"]] == list(fields), answer


ACCOUNT = {"groupType": "ACCOUNT"}


def by_time(frequency: str) -> dict[str, str]:
    return {"groupType": "TIME", "frequency": frequency}


def by_field(meter: Any, field: str = "region") -> dict[str, str]:
    return {"groupType": "DIMENSION", "meterId": str(meter.pk), "fieldCode": field}


def test_a_sum_by_account(api, place):
    meter, a, b = place

    found = query(api, aggregations=[asked(meter)], groups=[ACCOUNT])

    rows = sorted(found["data"], key=lambda row: row["accountCode"])
    assert rows == [
        {"accountId": str(a.pk), "accountCode": "a", "gb_SUM": 21},
        {"accountId": str(b.pk), "accountCode": "b", "gb_SUM": 5},
    ]
    assert found["hasMoreData"] is False


def test_raw_measurements_come_newest_first(api, place):
    meter, a, _b = place

    found = query(api, limit=2)

    assert [row["timestamp"] for row in found["data"]] == [
        "2024-06-20T00:00:00.000Z", "2024-06-10T00:00:00.000Z",
    ]  # fmt: skip
    assert found["hasMoreData"] is True
    newest = found["data"][0]
    assert {key: newest[key] for key in newest if key != "receivedAt"} == {
        "meterId": str(meter.pk), "meterCode": "storage", "accountId": str(a.pk),
        "accountCode": "a", "uid": "a-06-20", "timestamp": "2024-06-20T00:00:00.000Z",
        "endTimestamp": None, "gb": 7, "region": "eu", "ref": "u1",
    }  # fmt: skip


def test_exactly_as_many_rows_as_the_limit_are_all(api, place):
    found = query(api, limit=4)

    assert (len(found["data"]), found["hasMoreData"]) == (4, False)


def test_groups_without_aggregations_make_no_sense(api, place):
    refused(api, "groups", groups=[ACCOUNT])


def test_the_end_is_excluded(api, place):
    meter, _a, _b = place

    found = query(
        api, startDate="2024-06-10T00:00:00.000Z", endDate="2024-06-20T00:00:00.000Z",
        aggregations=[asked(meter)],
    )  # fmt: skip

    assert found["data"] == [{"gb_SUM": 9}]


@pytest.mark.parametrize(
    ("function", "field", "value"),
    [("SUM", "gb", 21), ("MIN", "gb", 4), ("MAX", "gb", 10), ("COUNT", "gb", 3), ("MEAN", "gb", 7),
     ("LATEST", "gb", 7), ("COUNT", "region", 3), ("UNIQUE", "region", 2), ("UNIQUE", "ref", 2)],
)  # fmt: skip
@pytest.mark.parametrize("is_grouped", [False, True])
def test_every_function(api, place, function, field, value, is_grouped):
    meter, a, _b = place

    found = query(
        api,
        accountIds=[str(a.pk)],
        aggregations=[asked(meter, function, field)],
        groups=[ACCOUNT] if is_grouped else [],
    )

    assert [row[f"{field}_{function}"] for row in found["data"]] == [value]


@pytest.mark.parametrize("is_grouped", [False, True])
def test_all_functions_together_stand_in_one_row(api, place, is_grouped):
    meter, a, _b = place
    functions = ["SUM", "MIN", "MAX", "COUNT", "LATEST", "MEAN"]

    found = query(
        api,
        accountIds=[str(a.pk)],
        aggregations=[*(asked(meter, one) for one in functions), asked(meter, "UNIQUE", "ref"),
                      asked(meter, "UNIQUE", "region")],
        groups=[by_time("QUARTER")] if is_grouped else [],
    )  # fmt: skip

    (row,) = found["data"]
    assert {key: row[key] for key in row if key != "timestamp"} == {
        "gb_SUM": 21, "gb_MIN": 4, "gb_MAX": 10, "gb_COUNT": 3, "gb_LATEST": 7, "gb_MEAN": 7,
        "ref_UNIQUE": 2, "region_UNIQUE": 2,
    }  # fmt: skip


def test_numbers_are_exact(api, place):
    meter, _a, _b = place
    for number in ("0.1", "0.2", "12345678901234567890.000000000000000001"):
        accept(
            meter.organization,
            item(account="c", ts="2024-06-05T00:00:00.000Z", measure={"gb": Decimal(number)},
                 where={"region": "eu"}, metadata={"ref": "u"}),
        )  # fmt: skip

    raw = api.post("usage/query", {
        **JUNE, "aggregations": [asked(meter)], "groups": [by_field(meter)],
        "dimensionFilters": [
            {"meterId": str(meter.pk), "fieldCode": "ref", "values": ["u"]}]})  # fmt: skip

    assert raw.status == 400  # metadata is no filter
    found = query(api, aggregations=[asked(meter)], groups=[ACCOUNT])
    totals = {row["accountCode"]: row["gb_SUM"] for row in found["data"]}
    assert totals["c"] == Decimal("12345678901234567890.300000000000000001")


def test_a_dimension_filter_leaves_its_values(api, place):
    meter, _a, _b = place
    filters = [{"meterId": str(meter.pk), "fieldCode": "region", "values": ["us", "nowhere"]}]

    summed = query(api, dimensionFilters=filters, aggregations=[asked(meter)])
    raw = query(api, dimensionFilters=filters)

    assert summed["data"] == [{"gb_SUM": 9}]
    assert {row["uid"] for row in raw["data"]} == {"a-06-10", "b-06-10"}


def test_time_and_dimension_are_groups_newest_first(api, place):
    meter, _a, _b = place

    found = query(
        api, aggregations=[asked(meter)], groups=[by_field(meter), by_time("MONTH")],
        endDate="2024-08-01T00:00:00.000Z",
    )  # fmt: skip

    assert found["data"] == [
        {"region": "eu", "timestamp": "2024-07-01T00:00:00.000Z", "gb_SUM": 99},
        {"region": "eu", "timestamp": "2024-06-01T00:00:00.000Z", "gb_SUM": 17},
        {"region": "us", "timestamp": "2024-06-01T00:00:00.000Z", "gb_SUM": 9},
    ]


@pytest.mark.parametrize(
    ("frequency", "starts"),
    [
        (
            "HOUR",
            ["2024-06-19T22:00:00.000Z", "2024-06-09T22:00:00.000Z", "2024-06-02T22:00:00.000Z"],
        ),
        (
            "DAY",
            ["2024-06-19T22:00:00.000Z", "2024-06-09T22:00:00.000Z", "2024-06-02T22:00:00.000Z"],
        ),
        (
            "WEEK",
            ["2024-06-16T22:00:00.000Z", "2024-06-09T22:00:00.000Z", "2024-06-02T22:00:00.000Z"],
        ),
        ("MONTH", ["2024-05-31T22:00:00.000Z"]),
        ("QUARTER", ["2024-03-31T22:00:00.000Z"]),
    ],
)
def test_times_are_those_of_the_organization_and_weeks_begin_on_monday(
    founded, api, frequency, starts
):
    organization = founded.organization
    OrganizationConfig.objects.for_organization(organization).update(timezone="Europe/Berlin")
    meter = make_meter(organization, code="storage", data_fields=FIELDS[:1])
    for ts in ("2024-06-02T22:30:00.000Z", "2024-06-09T22:00:00.000Z", "2024-06-19T22:59:00.000Z"):
        accept(organization, item(ts=ts))

    found = query(
        api, startDate="2024-06-01", endDate="2024-07-01", aggregations=[asked(meter)],
        groups=[by_time(frequency)],
    )  # fmt: skip

    assert [row["timestamp"] for row in found["data"]] == starts


def test_two_meters_stand_side_by_side(api, place):
    meter, _a, _b = place
    other = make_meter(meter.organization, code="traffic", data_fields=FIELDS[:1])
    accept(meter.organization, item(meter="traffic", account="a", ts="2024-06-10T05:00:00.000Z",
                                    measure={"gb": 1000}))  # fmt: skip

    found = query(api, aggregations=[asked(meter), asked(other)], groups=[by_time("DAY")], limit=2)

    assert found == {
        "data": [
            {"timestamp": "2024-06-20T00:00:00.000Z", "storage.gb_SUM": 7, "traffic.gb_SUM": None},
            {"timestamp": "2024-06-10T00:00:00.000Z", "storage.gb_SUM": 9, "traffic.gb_SUM": 1000},
        ],
        "hasMoreData": True,
    }


def test_nothing_in_the_window_is_no_row(api, place):
    meter, _a, _b = place
    years_ago = {"startDate": "2001-01-01T00:00:00.000Z", "endDate": "2001-02-01T00:00:00.000Z"}

    for function, field in (("SUM", "gb"), ("LATEST", "gb"), ("UNIQUE", "ref")):
        found = query(api, **years_ago, aggregations=[asked(meter, function, field)])
        assert found == {"data": [], "hasMoreData": False}
    everything = [asked(meter), asked(meter, "LATEST"), asked(meter, "UNIQUE", "ref")]
    assert query(api, **years_ago, aggregations=everything)["data"] == []


def test_texts_left_under_a_numeric_code_do_not_count(api, place):
    meter, _a, _b = place
    meter.data_fields = [{**FIELDS[1], "category": "MEASURE", "unit": "x"}, *FIELDS[:1]]
    meter.save()
    body = {**asked(meter), "fieldCode": "region"}

    found = query(api, aggregations=[asked(meter), body, {**body, "function": "LATEST"}])

    assert found["data"] == [{"gb_SUM": 26, "region_SUM": None, "region_LATEST": None}]


def test_every_fault_is_named_at_once(api, place):
    meter, a, _b = place
    stranger = "01a22fa5-bd4e-710a-a88e-5abd15324b0e"

    refused(api, "endDate", endDate=JUNE["startDate"])
    refused(api, "startDate", "endDate", startDate=None, endDate=None)
    refused(api, "aggregations[0].function", "groups[0].frequency", "groups[1].meterId",
            aggregations=[asked(meter, "SUM", "region")],
            groups=[{"groupType": "TIME"}, {"groupType": "DIMENSION"}])  # fmt: skip
    refused(
        api, "meterIds[0]", "aggregations[0].meterId", "accountIds[1]",
        meterIds=[stranger], aggregations=[{**asked(meter), "meterId": stranger}],
        accountIds=[str(a.pk), stranger],
    )  # fmt: skip
    refused(
        api, "dimensionFilters[0].fieldCode", "dimensionFilters[1].fieldCode",
        "aggregations[0].fieldCode", "aggregations[1].fieldType", "groups[0].fieldCode",
        dimensionFilters=[{"meterId": str(meter.pk), "fieldCode": code, "values": ["x"]}
                          for code in ("gb", "ref")],
        aggregations=[{**asked(meter), "fieldCode": "tb"},
                      {**asked(meter), "fieldCode": "region"}],
        groups=[by_field(meter, "gb")],
    )  # fmt: skip
    refused(api, "groups[1]", "aggregations[1]", aggregations=[asked(meter)] * 2,
            groups=[ACCOUNT] * 2)  # fmt: skip
    refused(api, "limit", limit=20_001)
    refused(api, "limit", limit=0)


def test_a_query_that_takes_too_long_is_stopped_and_says_so(api, place, monkeypatch):
    from billing.usage.store import usage_queries

    meter, _a, _b = place
    slow = usage_queries.RAW.replace("WHERE", "CROSS JOIN pg_sleep(5) WHERE")
    monkeypatch.setattr(usage_queries, "RAW", slow)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.conf.settings.USAGE_QUERY_SECONDS", 1)
        answer = api.post("usage/query", JUNE)

    assert (answer.status, answer.json["code"]) == (400, "QUERY_TOO_SLOW")
    assert query(api, aggregations=[asked(meter)])["data"] == [{"gb_SUM": 26}]


def test_a_query_cannot_write(api, place, monkeypatch):
    from django.db import DatabaseError

    from billing.usage.store import usage_queries

    monkeypatch.setattr(usage_queries, "RAW", "DELETE FROM billing_uidclaim")

    with pytest.raises(DatabaseError, match="read-only"):
        api.post("usage/query", JUNE)


def test_a_key_against_repetition_does_no_harm(api, place):
    for _ in range(2):
        answer = api.client.post(
            f"/organizations/{api.organization.pk}/usage/query",
            exact_json.dumps(JUNE),
            content_type="application/json",
            headers={"Authorization": f"Bearer {api.token}", "Idempotency-Key": "once"},
        )
        assert answer.status_code == 200
        assert len(exact_json.loads(b"".join(answer))["data"]) == 4


# Who may ask -------------------------------------------------------------------------------------


def client(founded: Any, *statements: dict[str, Any]) -> ApiClient:
    policy = PermissionPolicy.objects.create(
        organization=founded.organization, name="Of somebody", statements=list(statements)
    )
    robot = ServiceUser.objects.create(organization=founded.organization, name="somebody")
    make_attachment(policy, "SERVICEUSER", robot.pk)
    key, _ = tokens.make_key(robot, created_by=robot.pk)
    return ApiClient(founded, tokens.token_for(key))


def allow(action: str, resource: str) -> dict[str, Any]:
    return {"effect": "allow", "action": [action], "resource": [resource]}


def deny(resource: str) -> dict[str, Any]:
    return {"effect": "deny", "action": ["config:retrieve"], "resource": [resource]}


JOB = [
    allow("config:create", "config:analyticsJob"),
    allow("config:retrieve", "config:analyticsJob"),
]


@pytest.mark.parametrize(
    ("statements", "status"),
    [
        ([*JOB, allow("analytics:query", "analytics:usage")], 200),
        ([*JOB, allow("config:retrieve", "analytics:usage")], 200),
        ([*JOB], 403),
        ([JOB[0], allow("analytics:query", "analytics:usage")], 403),
        ([JOB[1], allow("analytics:query", "analytics:usage")], 403),
        ([*JOB, allow("analytics:query", "analytics:bill")], 403),
    ],
)
def test_asking_needs_jobs_and_usage(founded, place, statements, status):
    assert client(founded, *statements).post("usage/query", JUNE).status == status


EVERYTHING = allow("*", "*")


def test_a_denied_account_is_in_no_answer(founded, place):
    meter, a, b = place
    caller = client(founded, EVERYTHING, deny(f"config:account/item/{a.pk}"))

    assert {row["accountCode"] for row in query(caller)["data"]} == {"b"}
    assert query(caller, aggregations=[asked(meter)])["data"] == [{"gb_SUM": 5}]
    refused(caller, "accountIds[0]", accountIds=[str(a.pk)])
    assert query(caller, accountIds=[str(b.pk)])["hasMoreData"] is False


def test_of_denied_accounts_nothing_is_left(founded, place):
    caller = client(founded, EVERYTHING, deny("config:account"))

    assert query(caller) == {"data": [], "hasMoreData": False}


def test_a_denied_meter_is_in_no_answer(founded, place):
    meter, _a, _b = place
    caller = client(founded, EVERYTHING, deny(f"config:meter/item/{meter.pk}"))

    assert query(caller)["data"] == []
    refused(caller, "meterIds[0]", meterIds=[str(meter.pk)])
    refused(caller, "aggregations[0].meterId", aggregations=[asked(meter)])


def test_another_organization_sees_and_names_nothing(place):
    meter, a, _b = place
    stranger = ApiClient(make_founded())

    assert query(stranger)["data"] == []
    refused(stranger, "aggregations[0].meterId", "accountIds[0]", aggregations=[asked(meter)],
            accountIds=[str(a.pk)])  # fmt: skip


# Saved ones --------------------------------------------------------------------------------------


def test_a_saved_query_comes_back_as_it_was_sent(api, place):
    meter, a, _b = place
    wire = {
        "timePeriod": "LAST_7_DAYS", "meterIds": [str(meter.pk)], "accountIds": [str(a.pk)],
        "aggregations": [asked(meter)], "groups": [by_time("DAY")], "limit": 5,
    }  # fmt: skip

    made = api.post("usage/savedqueries", {"name": "Week", "usageQuery": wire})

    assert made.status == 200, made
    assert (made.json["name"], made.json["usageQuery"], made.json["version"]) == ("Week", wire, 1)
    put = api.put(
        f"usage/savedqueries/{made.json['id']}",
        {"name": "June", "usageQuery": JUNE, "version": 1},
    )
    assert put.json["usageQuery"] == {
        "startDate": "2024-06-01T00:00:00.000Z", "endDate": "2024-07-01T00:00:00.000Z",
    }  # fmt: skip
    assert [row["name"] for row in api.get("usage/savedqueries").json["data"]] == ["June"]
    names = {event["eventName"] for event in api.get("events").json["data"]}
    assert not [name for name in names if "savedquery" in name]  # B2: the list is closed
    assert api.delete(f"usage/savedqueries/{made.json['id']}").json["name"] == "June"
    assert api.get("usage/savedqueries").json["data"] == []


def test_a_saved_query_that_could_not_be_asked_is_refused(api, place):
    meter, _a, _b = place

    for wire, field in (
        ({}, "usageQuery.timePeriod"),
        ({"startDate": JUNE["startDate"]}, "usageQuery.endDate"),
        ({"timePeriod": "TOMORROW"}, "usageQuery.timePeriod"),
        ({"timePeriod": "TODAY", "groups": [ACCOUNT]}, "usageQuery.groups"),
        ({"timePeriod": "TODAY", "aggregations": [{**asked(meter), "fieldCode": "tb"}]},
         "usageQuery.aggregations[0].fieldCode"),
    ):  # fmt: skip
        answer = api.post("usage/savedqueries", {"name": "Week", "usageQuery": wire})
        assert answer.status == 400, answer
        assert answer.json["errors"][0]["field"] == field
    assert api.post("usage/savedqueries", {"name": "", "usageQuery": JUNE}).status == 400
    assert api.get("usage/savedqueries").json["data"] == []
