"""Exports by hand: what is in their files, who may have what, trying again, the day they stay."""

import csv
import gzip
import io
import json
import zipfile
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine

from billing.usage.store import rows as measurements
from integrations.exports import jobs
from integrations.models import ExportJob
from organizations.kernel import clock, files, isolation
from organizations.models import Event, StoredFile
from tests import factories
from tests.test_leaving import EVERYTHING, deny, somebody

pytestmark = pytest.mark.django_db
ADHOC, JOBS = "dataexports/adhoc", "dataexports/jobs"
MAY = datetime(2026, 5, 10, 12, tzinfo=UTC)


def operational(*types, **more):
    return {"sourceType": "OPERATIONAL", "operationalDataTypes": list(types), **more}


def usage(**more):
    return {
        "sourceType": "USAGE",
        "startDate": "2026-05-01T00:00:00Z",
        "endDate": "2026-06-01T00:00:00Z",
        **more,
    }


def run(api, body):
    """Ask for an export, do it, and return its job."""
    answer = api.post(ADHOC, body)
    assert answer.status == 200, answer
    jobs.run(ExportJob.objects.get(pk=answer.json["jobId"]).pk)
    return ExportJob.objects.get(pk=answer.json["jobId"])


def raw(job):
    return b"".join(files.chunks(job.file))


def table(job):
    return list(csv.DictReader(io.StringIO(gzip.decompress(raw(job)).decode())))


def lines(job):
    text = gzip.decompress(raw(job)).decode().splitlines()
    return [json.loads(line, parse_float=Decimal) for line in text]


@pytest.fixture
def metered(organization):
    """Two accounts; three measurements of the first, one of the second."""
    product = factories.make_product(organization)
    meter = factories.make_meter(organization, product=product, code="calls", data_fields=[
        {"code": "region", "name": "Region", "category": "WHERE"},
        {"code": "gb", "name": "GB", "category": "MEASURE", "unit": "GB"},
    ])  # fmt: skip
    first = factories.make_account(organization, code="first")
    second = factories.make_account(organization, code="=second")
    made = [
        (first, MAY, "u1", {"region": "eu", "gb": Decimal("1.000000000000000001")}),
        (first, MAY + timedelta(days=1), "u2", {"region": "us", "gb": Decimal("2")}),
        (first, datetime(2026, 6, 1, tzinfo=UTC), "late", {"region": "us", "gb": Decimal("9")}),
        (second, MAY, "u3", {"region": "eu", "gb": Decimal("-4.5")}),
    ]
    with isolation.within(organization.pk):
        measurements.append(
            organization.pk,
            [
                measurements.Measurement(account.pk, meter.pk, ts, None, uid, fields)
                for account, ts, uid, fields in made
            ],
            at=MAY,
        )
    return meter, first, second


def test_an_operational_export_holds_every_entity_as_the_api_shows_it(api, organization):
    one = factories.make_account(organization, code="a1", name="=1+1")
    factories.make_account(organization, code="a2")

    job = run(api, operational("ACCOUNTS", exportFileFormat="JSONL"))
    in_table = run(api, operational("ACCOUNTS"))

    assert [row["code"] for row in lines(job)] == ["a1", "a2"]
    assert lines(job)[0] == json.loads(api.get(f"accounts/{one.pk}").raw)
    assert table(in_table)[0]["name"] == "'=1+1"
    assert (job.status, job.row_count) == ("SUCCEEDED", 2)


def test_several_types_come_as_one_zip_and_those_without_rows_have_their_columns(api, organization):
    factories.make_account(organization, code="a1")

    job = run(api, operational("ACCOUNTS", "CHARGES"))

    archive = zipfile.ZipFile(io.BytesIO(raw(job)))
    assert archive.namelist() == [f"{job.pk}_account.csv.gz", f"{job.pk}_charge.csv.gz"]
    charges = gzip.decompress(archive.read(f"{job.pk}_charge.csv.gz")).decode()
    assert charges.startswith("id,version,accountId,") and charges.count("\n") == 1
    kept = StoredFile.objects.filter(kind="data_export", expires_at__gt=clock.now())
    assert [file.pk for file in kept] == [job.file_id]


def test_every_type_of_the_contract_can_be_exported(api, organization):
    from integrations.exports.operational import KINDS

    job = run(api, operational(*KINDS))

    assert job.status == "SUCCEEDED", job.failure_reason
    assert len(zipfile.ZipFile(io.BytesIO(raw(job))).namelist()) == 20


def test_usage_is_exact_within_its_days_and_no_cell_is_a_formula(api, metered):
    job = run(api, usage())

    rows = {row["uid"]: row for row in table(job)}
    assert sorted(rows) == ["u1", "u2", "u3"]
    assert list(rows["u1"]) == [
        "uid", "meterCode", "accountId", "accountCode", "ts", "ets", "dtReceived", "gb", "region",
    ]  # fmt: skip
    assert rows["u1"]["gb"] == "1.000000000000000001"
    assert (rows["u3"]["gb"], rows["u3"]["accountCode"]) == ("-4.5", "'=second")
    assert rows["u1"]["ts"] == "2026-05-10T12:00:00.000Z"


def test_usage_is_aggregated_by_groups(api, metered):
    meter, first, _ = metered
    of_field = {"meterId": str(meter.pk), "fieldCode": "gb", "fieldType": "MEASURE"}
    functions = ("SUM", "MIN", "MAX", "COUNT", "LATEST", "MEAN")

    job = run(api, usage(
        exportFileFormat="JSONL",
        groups=[{"groupType": "ACCOUNT"}, {"groupType": "TIME", "frequency": "MONTH"}],
        aggregations=[
            *({**of_field, "function": one} for one in functions),
            {"meterId": str(meter.pk), "fieldCode": "region", "fieldType": "DIMENSION",
             "function": "UNIQUE"},
        ],
    ))  # fmt: skip

    by_account = {row["accountCode"]: row for row in lines(job)}
    assert by_account["first"] == {
        "accountId": str(first.pk), "accountCode": "first", "timestamp": "2026-05-01T00:00:00.000Z",
        "gb_SUM": Decimal("3.000000000000000001"), "gb_MIN": Decimal("1.000000000000000001"),
        "gb_MAX": 2, "gb_COUNT": 2, "gb_LATEST": 2, "gb_MEAN": Decimal("1.500000000000000001"),
        "region_UNIQUE": 2,
    }  # fmt: skip
    assert by_account["=second"]["gb_SUM"] == Decimal("-4.5")


def test_filters_accounts_and_meters_narrow_usage(api, metered):
    meter, first, _ = metered
    eu = [{"meterId": str(meter.pk), "fieldCode": "region", "values": ["eu"]}]

    in_europe = table(run(api, usage(dimensionFilters=eu)))
    of_first = table(run(api, usage(accountIds=[str(first.pk)])))

    assert sorted(row["uid"] for row in in_europe) == ["u1", "u3"]
    assert sorted(row["uid"] for row in of_first) == ["u1", "u2"]


def test_what_does_not_fit_is_refused_all_at_once_and_makes_no_job(api, metered):
    meter = str(metered[0].pk)
    of_gb = {"meterId": meter, "fieldCode": "gb", "fieldType": "DIMENSION", "function": "UNIQUE"}
    tomorrow = (clock.now() + timedelta(days=2)).isoformat()

    def fields(body):
        answer = api.post(ADHOC, body)
        assert answer.status == 400, answer
        return {error["field"] for error in answer.json["errors"]}

    assert fields({"sourceType": "USAGE"}) == {"startDate", "endDate"}
    assert fields(usage(endDate="2026-05-01T00:00:00Z")) == {"endDate"}
    assert fields(usage(endDate=tomorrow)) == {"endDate"}
    assert fields(usage(groups=[{"groupType": "ACCOUNT"}], meterIds=["no"])) == {
        "groups", "meterIds",
    }  # fmt: skip
    assert fields(usage(aggregations=[of_gb])) == {"aggregations[0].fieldType"}
    assert fields(usage(operationalDataTypes=["BILLS"])) == {"operationalDataTypes"}
    assert fields({"sourceType": "OPERATIONAL"}) == {"operationalDataTypes"}
    assert fields(operational("BILLS", meterIds=[meter])) == {"meterIds"}
    assert fields(operational("BILLS", destinationIds=["x"])) == {"destinationIds"}
    assert ExportJob.objects.count() == 0


def test_an_export_shows_only_what_its_creator_may_read(founded, metered):
    _, first, second = metered
    who = somebody(
        founded, EVERYTHING, deny(f"config:account/item/{second.pk}"), deny("config:product")
    ).api

    accounts = run(who, operational("ACCOUNTS"))
    products = run(who, operational("PRODUCTS"))
    measured = run(who, usage())

    assert [row["code"] for row in table(accounts)] == ["first"]
    assert table(products) == []
    assert {row["accountId"] for row in table(measured)} == {str(first.pk)}


@pytest.mark.parametrize(
    ("action", "body"),
    [("measurements:export", usage()), ("config:export", operational("ACCOUNTS")),
     ("config:create", operational("ACCOUNTS"))],
)  # fmt: skip
def test_whoever_may_not_export_gets_no_job(founded, action, body):
    who = somebody(founded, EVERYTHING, deny("*", action)).api

    assert who.post(ADHOC, body).status == 403
    assert ExportJob.objects.count() == 0


def test_whoever_may_not_download_gets_no_address(founded):
    who = somebody(founded, EVERYTHING, deny("*", "exports:download")).api

    job = run(who, operational("ACCOUNTS"))

    assert who.get(f"{JOBS}/{job.pk}").status == 200
    assert who.get(f"{JOBS}/{job.pk}/getdownloadurl").status == 403


def test_a_link_is_of_15_minutes_and_none_is_given_after_a_day(api, organization):
    job = run(api, operational("ACCOUNTS"))
    address = f"{JOBS}/{job.pk}/getdownloadurl"

    link = api.get(address).json
    ends = datetime.fromisoformat(link["expirationTime"])
    assert timedelta(minutes=14) < ends - clock.now() <= timedelta(minutes=15)
    path = link["url"].removeprefix("http://testserver")
    assert b"".join(api.client.get(path)) == raw(job)
    with time_machine.travel(clock.now() + timedelta(minutes=16), tick=False):
        assert api.client.get(path).status_code == 403
    with time_machine.travel(clock.now() + timedelta(hours=25), tick=False):
        late = ExportJob.objects.get(pk=job.pk)
        with pytest.raises(jobs.FieldRefused, match="older than 24 hours"):
            jobs.download(late)


def test_jobs_are_listed_by_status_and_time(api, organization):
    done = run(api, operational("ACCOUNTS"))
    waiting = api.post(ADHOC, operational("ACCOUNTS")).json["jobId"]

    assert [row["id"] for row in api.get(JOBS, status="SUCCEEDED").json["data"]] == [str(done.pk)]
    assert [row["id"] for row in api.get(JOBS, status="PENDING").json["data"]] == [waiting]
    assert api.get(JOBS, dateCreatedEnd="2026-01-01T00:00:00Z").json["data"] == []
    assert api.get(f"{JOBS}/{waiting}/getdownloadurl").status == 400


def test_a_job_is_tried_three_times_and_then_told_as_failed(api, organization, monkeypatch):
    def away(*_arguments):
        raise OSError("the disk is away")

    monkeypatch.setattr(jobs.making, "write", away)
    job = run(api, operational("ACCOUNTS"))
    assert (job.status, job.attempts) == ("PENDING", 1)
    assert timedelta(seconds=59) < job.next_attempt_at - clock.now() <= timedelta(minutes=1)
    assert jobs.due(clock.now()) == []
    for minutes in (2, 14):
        with time_machine.travel(clock.now() + timedelta(minutes=minutes), tick=False):
            assert jobs.due(clock.now()) == [job.pk]
            jobs.run(job.pk)

    job.refresh_from_db()
    assert (job.status, job.attempts) == ("FAILED", 3)
    event = Event.objects.get(name="dataexport.job.failure")
    assert event.payload["eventData"]["newDto"]["id"] == str(job.pk)


def test_a_job_whose_worker_was_killed_is_done_by_another_and_once(api, organization):
    factories.make_account(organization, code="a1")
    job_id = api.post(ADHOC, operational("ACCOUNTS")).json["jobId"]
    killed = jobs._claim(job_id, "01890000-0000-7000-8000-000000000001")

    jobs.run(job_id)  # the lease is still the other's
    assert ExportJob.objects.get(pk=job_id).status == "RUNNING"
    with time_machine.travel(clock.now() + timedelta(minutes=3), tick=False):
        assert jobs.due(clock.now()) == [killed.pk]
        jobs.run(job_id)
        jobs.run(job_id)

    job = ExportJob.objects.get(pk=job_id)
    assert (job.status, job.attempts, job.row_count) == ("SUCCEEDED", 2, 1)
