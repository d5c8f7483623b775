"""Statements over the API: definitions, jobs, files, stale marks, and who may read them."""

import csv
import io
import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.test import Client

from billing.models import Account, Bill, StatementJob
from billing.statements import jobs
from billing.usage import store
from catalog.models import Meter
from organizations.kernel import clock, files, ids, principals
from organizations.models import Alert, Event, StoredFile
from tests.catalog import bodies
from tests.catalog.bodies import made
from tests.catalog.test_catalogue_api import refused
from tests.factories import number

pytestmark = pytest.mark.django_db

REGIONS = [("2024-06-05T10:00:00", 100, "eu"), ("2024-06-05T12:00:00", 40, "us"),
           ("2024-06-20T23:59:59", 7, "eu")]  # fmt: skip


class Sold:
    """One account that pays 0.50 a token, with three measurements in June 2024."""

    def __init__(self, api, method="SUM", target="tokens"):
        self.api = api
        self.plan = bodies.made_plan(api, standingCharge=0)
        self.meter = api.post("meters", {
            "name": "Requests", "code": f"requests {number()}", "derivedFields": [],
            "dataFields": [
                {"category": "MEASURE", "code": "tokens", "name": "Tokens", "unit": "tokens"},
                {"category": "WHERE", "code": "region", "name": "Region"},
            ],
        }).json  # fmt: skip
        self.aggregation = made(api, "aggregations", {
            "name": "Tokens", "code": f"tokens_{number()}", "meterId": self.meter["id"],
            "targetField": target, "aggregation": method, "rounding": "NONE",
            "quantityPerUnit": 1, "unit": "tokens",
        })  # fmt: skip
        made(api, "pricings", {
            "planId": self.plan["id"], "aggregationId": self.aggregation["id"],
            "startDate": "2024-01-01T00:00:00Z", "type": "DEBIT",
            "pricingBands": [{"lowerLimit": 0, "fixedPrice": 0, "unitPrice": 0.5}],
        })  # fmt: skip
        self.account = bodies.made_account(api)
        made(api, "accountplans", {
            "accountId": self.account["id"], "planId": self.plan["id"], "startDate": "2024-06-01",
        })  # fmt: skip
        for at, tokens, region in REGIONS:
            self.use(at, tokens, region)

    def use(self, at, tokens, region):
        account = Account.objects.get(pk=self.account["id"])
        meter = Meter.objects.get(pk=self.meter["id"])
        store.append(account.organization_id, [store.Measurement(
            account.pk, meter.pk, datetime.fromisoformat(at).replace(tzinfo=UTC), None,
            str(ids.new_id()), {"tokens": Decimal(tokens), "region": region},
        )], at=clock.now())  # fmt: skip

    @property
    def bill(self):
        return Bill.objects.get(account_id=self.account["id"])

    def define(self, frequency="DAY", *, default=True, **more):
        definition = made(self.api, "statementdefinitions", {
            "name": "Ours", "aggregationFrequency": frequency, **more,
        })  # fmt: skip
        if default:
            config = self.api.get("organizationconfig").json
            answer = self.api.put("organizationconfig", {
                **config, "defaultStatementDefinitionId": definition["id"],
            })  # fmt: skip
            assert answer.status == 200, answer
        return definition


def content(url):
    answer = Client().get(url[url.index("/files/") :])
    assert answer.status_code == 200
    return b"".join(answer.streaming_content)


def statement(api, job):
    shown = api.get(f"statementjobs/{job['id']}").json
    assert shown["statementJobStatus"] == "COMPLETE", shown
    return json.loads(content(shown["presignedJsonStatementUrl"]), parse_float=Decimal)


def usage_of(document):
    (line,) = [one for one in document["lineItems"] if one["lineItemType"] == "USAGE"]
    return line, line["usage"]


def rows(usage, *names):
    return [
        (*(row["dimensions"].get(name) for name in names), row["startDate"][:10], row["quantity"])
        for row in usage
    ]


def test_a_statement_breaks_usage_down_by_day_and_dimension_and_adds_up(
    api,
    billed,
    committed,
):
    sold = Sold(api)
    sold.define(dimensions=[{"name": "region", "filter": ["*"]}], includePricePerUnit=True,
                measures=[{"name": "tokens", "aggregations": ["MAX", "COUNT"]}])  # fmt: skip
    billed()

    job = committed(lambda: api.post("statementjobs", {"billId": str(sold.bill.pk)})).json
    line, usage = usage_of(statement(api, job))

    assert (job["statementJobStatus"], job["presignedJsonStatementUrl"]) == ("PENDING", None)
    assert rows(usage, "region") == [
        ("eu", "2024-06-05", 100), ("us", "2024-06-05", 40), ("eu", "2024-06-20", 7),
    ]  # fmt: skip
    assert usage[0]["measures"] == {"tokens.MAX": 100, "tokens.COUNT": 1}
    assert (usage[0]["startDate"], usage[0]["endDate"]) == (
        "2024-06-05T00:00:00.000Z", "2024-06-06T00:00:00.000Z",
    )  # fmt: skip
    assert sum(row["quantity"] for row in usage) == line["quantity"] == 147
    assert line["pricePerUnit"] == Decimal("0.5")
    bill = api.get(f"bills/{sold.bill.pk}").json
    assert (bill["jsonStatementGenerated"], bill["csvStatementGenerated"]) == (True, False)
    assert bill["statementStale"] is False


@pytest.mark.parametrize(
    ("frequency", "expected"),
    [
        ("WEEK", [("2024-06-03", 140), ("2024-06-17", 7)]),
        ("MONTH", [("2024-06-01", 147)]),
        ("QUARTER", [("2024-06-01", 147)]),
        ("YEAR", [("2024-06-01", 147)]),
        ("WHOLE_PERIOD", [("2024-06-01", 147)]),
    ],
)
def test_slices_are_cut_to_the_period_of_the_line(
    api,
    billed,
    committed,
    frequency,
    expected,
):
    sold = Sold(api)
    sold.define(frequency)
    billed()

    job = committed(lambda: api.post("statementjobs", {"billId": str(sold.bill.pk)})).json

    assert rows(usage_of(statement(api, job))[1]) == expected


@pytest.mark.parametrize(
    ("method", "target", "quantity", "values"),
    [("MAX", "tokens", 100, [100, 7]), ("UNIQUE", "region", 2, [2, 1])],
)
def test_what_does_not_add_up_is_one_row_with_the_quantity(
    api,
    billed,
    committed,
    method,
    target,
    quantity,
    values,
):
    sold = Sold(api, method=method, target=target)
    sold.define()
    billed()

    job = committed(lambda: api.post("statementjobs", {"billId": str(sold.bill.pk)})).json
    line, usage = usage_of(statement(api, job))

    assert line["quantity"] == quantity
    assert [row["value"] for row in usage if row["quantity"] is None] == values
    assert [(row["kind"], row["quantity"]) for row in usage if row["quantity"] is not None] == [
        ("WHOLE_PERIOD", quantity)
    ]


def test_values_a_filter_does_not_name_are_one_group_without_a_text(
    api,
    billed,
    committed,
):
    sold = Sold(api)
    sold.define("WHOLE_PERIOD", dimensions=[{"name": "region", "filter": ["us"]}])
    billed()

    job = committed(lambda: api.post("statementjobs", {"billId": str(sold.bill.pk)})).json

    assert rows(usage_of(statement(api, job))[1], "region") == [
        ("us", "2024-06-01", 40), (None, "2024-06-01", 107),
    ]  # fmt: skip


def test_usage_that_comes_later_is_not_in_a_statement_of_the_bill_as_it_was(
    api,
    billed,
    committed,
):
    sold = Sold(api)
    sold.define("WHOLE_PERIOD")
    billed()
    sold.use("2024-06-07T00:00:00", 1000, "eu")

    job = committed(lambda: api.post("statementjobs", {"billId": str(sold.bill.pk)})).json

    assert rows(usage_of(statement(api, job))[1]) == [("2024-06-01", 147)]


def test_a_bill_calculated_again_makes_its_statement_stale_and_a_new_definition_invalid(
    api,
    billed,
    committed,
):
    sold = Sold(api)
    definition = sold.define()
    billed()
    job = committed(lambda: api.post("statementjobs", {
        "billId": str(sold.bill.pk), "includeCsvFormat": True,
    })).json  # fmt: skip
    shown = api.get(f"statementjobs/{job['id']}").json
    assert (shown["jsonStatementStatus"], shown["csvStatementStatus"]) == ("LATEST", "LATEST")

    billed()

    shown = api.get(f"statementjobs/{job['id']}").json
    assert (shown["jsonStatementStatus"], shown["csvStatementStatus"]) == ("STALE", "STALE")
    assert api.get(f"bills/{sold.bill.pk}").json["statementStale"] is True
    api.put(f"statementdefinitions/{definition['id']}", {**definition, "name": "Other"})
    assert api.get(f"statementjobs/{job['id']}").json["jsonStatementStatus"] == "INVALIDATED"


def test_without_a_definition_the_job_fails_and_says_what_to_do(api, billed, committed):
    sold = Sold(api)
    billed()

    job = committed(lambda: api.post("statementjobs", {"billId": str(sold.bill.pk)})).json

    shown = api.get(f"statementjobs/{job['id']}").json
    assert (shown["statementJobStatus"], shown["presignedJsonStatementUrl"]) == ("FAILED", None)
    assert "statement definition" in StatementJob.objects.get().failure_reason
    assert "statement definition" in Alert.objects.get(type="STATEMENT_JOB_FAILED").description
    assert api.get(f"bills/{sold.bill.pk}/statement/json").status == 404


def test_a_bill_has_its_newest_statement_and_writes_a_csv_when_asked(
    api,
    billed,
    committed,
):
    sold = Sold(api)
    sold.define(dimensions=[{"name": "region", "filter": ["*"]}])
    api.put(f"accounts/{sold.account['id']}", {**sold.account, "name": "=SUM(1)"})
    billed()
    address = f"bills/{sold.bill.pk}/statement"
    assert api.get(f"{address}/csv").status == 404

    answer = committed(lambda: api.post(f"{address}/csv", {}))

    text = content(answer.json["downloadUrl"]).decode("utf-8-sig")
    assert content(api.get(f"{address}/csv").json["downloadUrl"]).decode("utf-8-sig") == text
    table = list(csv.DictReader(io.StringIO(text)))
    assert [(row["region"], row["quantity"]) for row in table] == [
        ("eu", "100"), ("us", "40"), ("eu", "7"),
    ]  # fmt: skip
    assert {row["accountName"] for row in table} == {"'=SUM(1)"}
    assert json.loads(content(api.get(f"{address}/json").json["downloadUrl"]))["billId"] == str(
        sold.bill.pk
    )


def test_lists_take_one_filter_and_cancelling_what_is_over_is_refused(
    api,
    billed,
    eager_tasks,
):
    sold = Sold(api)
    sold.define()
    billed()
    bill_id = str(sold.bill.pk)
    job = api.post("statementjobs", {"billId": bill_id}).json  # no worker has it yet

    refused(api.get("statementjobs", active="TRUE", status="PENDING"), "status")
    refused(api.get("statementjobs", status="PENDING", billId=bill_id), "billId")
    assert [one["id"] for one in api.get("statementjobs", active="TRUE").json["data"]] == [
        job["id"]
    ]
    cancelled = api.post(f"statementjobs/{job['id']}/cancel", {})
    assert cancelled.json["statementJobStatus"] == "CANCELLED"
    assert api.get("statementjobs", active="TRUE").json["data"] == []
    assert len(api.get("statementjobs", active="FALSE").json["data"]) == 1
    assert api.post(f"statementjobs/{job['id']}/cancel", {}).status == 400
    jobs.work_off(StatementJob.objects.get().pk)
    assert StatementJob.objects.get().status == "CANCELLED"
    assert not StoredFile.objects.filter(kind="statement_json").exists()


def test_a_batch_makes_a_job_a_bill_and_an_unknown_bill_refuses_it_whole(api, billed):
    sold = Sold(api)
    sold.define()
    billed()
    bill_id = str(sold.bill.pk)
    unknown = "00000000-0000-4000-8000-000000000000"

    refused(api.post("statementjobs/batch", {"billIds": [bill_id, unknown]}), "billIds")
    assert not StatementJob.objects.exists()
    refused(api.post("statementjobs/batch", {"billIds": [bill_id] * 11}), "billIds")
    made_jobs = api.post("statementjobs/batch", {"billIds": [bill_id, bill_id]}).json

    assert [one["billId"] for one in made_jobs] == [bill_id]
    assert Event.objects.filter(name="billing.statementjob.created").count() == 1


def test_a_worker_that_is_killed_leaves_the_job_to_the_next(api, billed, monkeypatch):
    sold = Sold(api)
    sold.define()
    billed()
    (job,) = jobs.start([sold.bill], by=system(sold.bill))

    def killed(*args, **options):
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(files, "write", killed)
        with pytest.raises(SystemExit):
            jobs.work_off(job.pk)
    jobs.work_off(job.pk)
    assert StatementJob.objects.get().status == "RUNNING"  # the lease is not over
    StatementJob.objects.update(leased_until=clock.now() - jobs.LEASE)
    jobs.work_off(job.pk)
    jobs.work_off(job.pk)

    assert StatementJob.objects.get().status == "COMPLETE"
    assert StoredFile.objects.filter(kind="statement_json", state="STORED").count() == 1


def system(bill):
    return principals.system(bill.organization_id)


@pytest.mark.parametrize(
    ("mode", "has_json", "has_csv"),
    [("NONE", False, False), ("JSON", True, False), ("JSON_AND_CSV", True, True)],
)
def test_an_approved_bill_gets_its_statement_by_itself(
    api,
    billed,
    committed,
    mode,
    has_json,
    has_csv,
):
    sold = Sold(api)
    definition = sold.define(default=False)
    account = api.put(f"accounts/{sold.account['id']}", {
        **sold.account, "autoGenerateStatementMode": mode,
        "statementDefinitionId": definition["id"],
    }).json  # fmt: skip
    assert (account["statementDefinitionId"], account["autoGenerateStatementMode"]) == (
        definition["id"], mode,
    )  # fmt: skip
    billed()
    assert not StatementJob.objects.exists()
    address = f"bills/{sold.bill.pk}"

    committed(lambda: api.put(f"{address}/status", {"status": "APPROVED"}))

    bill = api.get(address).json
    assert (bill["jsonStatementGenerated"], bill["csvStatementGenerated"]) == (has_json, has_csv)
    committed(lambda: api.put(f"{address}/lock", {}))
    assert StatementJob.objects.count() == int(has_json)


def test_a_deleted_bill_takes_its_statements_with_it(
    api,
    billed,
    committed,
):
    sold = Sold(api)
    sold.define()
    billed()
    committed(lambda: api.post("statementjobs", {"billId": str(sold.bill.pk)}))

    answer = committed(lambda: api.delete(f"bills/{sold.bill.pk}"))

    assert answer.status == 200
    assert not StatementJob.objects.exists()
    assert not StoredFile.objects.filter(kind="statement_json", state="STORED").exists()
    assert Event.objects.filter(name="billing.statementjob.deleted").count() == 1


def test_a_definition_that_is_used_is_not_deleted(api):
    sold = Sold(api)
    definition = sold.define()

    answer = api.delete(f"statementdefinitions/{definition['id']}")

    assert answer.status in (400, 409)
    assert api.get(f"statementdefinitions/{definition['id']}").status == 200


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"aggregationFrequency": "HOUR"}, "aggregationFrequency"),
        ({"dimensions": [{"name": "region", "filter": []}]}, "dimensions[0].filter"),
        ({"measures": [{"name": "tokens", "aggregations": ["CUSTOM_SQL"]}]},
         "measures[0].aggregations"),
    ],
)  # fmt: skip
def test_a_wrong_definition_is_refused_at_its_field(api, change, field):
    body = {"name": "Ours", "aggregationFrequency": "DAY", **change}

    refused(api.post("statementdefinitions", body), field)

    assert api.get("statementdefinitions").json["data"] == []


def test_a_field_the_meter_does_not_have_is_refused(api):
    sold = Sold(api)
    dimension = {"meterId": sold.meter["id"], "name": "nowhere", "filter": ["*"]}

    refused(api.post("statementdefinitions", {
        "aggregationFrequency": "DAY", "dimensions": [dimension],
    }), "dimensions[0].name")  # fmt: skip


def test_the_usage_of_a_line_can_be_read_as_json(api, billed):
    sold = Sold(api)
    billed()
    (line,) = api.get(f"bills/{sold.bill.pk}").json["lineItems"]

    answer = api.get(f"bills/{sold.bill.pk}/lineitems/{line['id']}/usage/json")

    told = json.loads(content(answer.json["downloadUrl"]))
    assert rows(usage_of(told)[1]) == [("2024-06-05", 140), ("2024-06-20", 7)]
