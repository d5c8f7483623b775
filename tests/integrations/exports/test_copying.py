"""Files of a job in buckets: their paths, the assumed role, what happens when one refuses."""

import gzip
from datetime import UTC, datetime

import boto3
import pytest
from moto import mock_aws

from integrations.exports import copying, jobs
from integrations.exports.making import Part
from integrations.models import ExportDestination, ExportJob
from organizations.models import StoredFile
from tests import factories

pytestmark = pytest.mark.django_db
ROLE = "arn:aws:iam::123456789012:role/exports"


@pytest.fixture
def bucket(monkeypatch):
    """A bucket in a simulated Amazon."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ours")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "ours-too")
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="our-lake")
        yield client


def lake(organization, code="lake", **more):
    return ExportDestination.objects.create(
        organization=organization,
        **{"name": code, "code": code, "bucket_name": "our-lake", "iam_role_arn": ROLE, **more},
    )


def asked(api, *destinations):
    body = {
        "sourceType": "OPERATIONAL",
        "operationalDataTypes": ["ACCOUNTS"],
        "destinationIds": [str(row.pk) for row in destinations],
    }
    return ExportJob.objects.get(pk=api.post("dataexports/adhoc", body).json["jobId"])


def test_date_and_hour_are_utc_and_come_before_or_after_the_type(organization):
    part = Part("account", "j_account.csv.gz", StoredFile(), 0)
    at = datetime(2026, 3, 1, 0, 30, tzinfo=UTC)
    first = lake(organization, prefix="/raw//billing/")
    second = lake(organization, "second", partition_order="TYPE_FIRST")

    assert copying.path_of(first, part, at) == (
        f"raw/billing/orgId={organization.pk}/date=2026-03-01/hour=00/type=account/j_account.csv.gz"
    )
    assert copying.path_of(second, part, at) == (
        f"orgId={organization.pk}/type=account/date=2026-03-01/hour=00/j_account.csv.gz"
    )


def test_files_are_put_into_each_bucket_in_the_assumed_role(api, organization, bucket):
    factories.make_account(organization, code="a1")
    job = asked(api, lake(organization), lake(organization, "other", prefix="x"))

    jobs.run(job.pk)

    job.refresh_from_db()
    assert (job.status, job.failure_reason) == ("SUCCEEDED", "")
    keys = [one["Key"] for one in bucket.list_objects_v2(Bucket="our-lake")["Contents"]]
    assert [key.rpartition("/")[2] for key in keys] == [f"{job.pk}_account.csv.gz"] * 2
    body = bucket.get_object(Bucket="our-lake", Key=keys[0])["Body"].read()
    assert ",a1," in gzip.decompress(body).decode()


def test_a_bucket_that_refuses_fails_the_job_and_keeps_the_download(api, organization, bucket):
    job = asked(api, lake(organization), lake(organization, "gone", bucket_name="no-such-bucket"))

    for _ in range(3):
        ExportJob.objects.filter(pk=job.pk).update(next_attempt_at=None)
        jobs.run(job.pk)

    job.refresh_from_db()
    assert (job.status, job.attempts) == ("FAILED", 3)
    assert "gone: refused with NoSuchBucket" in job.failure_reason
    assert len(bucket.list_objects_v2(Bucket="our-lake")["Contents"]) == 1
    assert api.get(f"dataexports/jobs/{job.pk}/getdownloadurl").status == 200
    assert (
        StoredFile.objects.filter(kind="data_export", expires_at__gt=job.finished_at).count() == 1
    )
