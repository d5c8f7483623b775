"""Files of a job in Google Cloud Storage: whose identity is traded, parts, what is refused."""

import gzip
import io
import os

import pytest

from integrations.exports import gcs, jobs
from integrations.exports.stores import Refused
from integrations.models import DestinationType, ExportDestination, ExportJob
from tests import factories
from tests.integrations.fakes.gcs import EMAIL, FakeGcs
from tests.integrations.fakes.serving import serving

pytestmark = pytest.mark.django_db
SUBJECT = "planted.subject.token"


@pytest.fixture
def cloud(settings, tmp_path):
    token = tmp_path / "token"
    token.write_text(SUBJECT)
    fake = FakeGcs(SUBJECT)
    with serving(fake.answer) as address:
        settings.EXPORTS_GCS = {
            "endpoint": address,
            "credentials_file": "",
            "token_file": str(token),
            "token_url": f"{address}/v1/token",
            "accounts_url": f"{address}/v1/accounts",
        }
        yield fake


def lake(organization, **more):
    return ExportDestination.objects.create(
        organization=organization,
        destination_type=DestinationType.GCS,
        **{"name": "lake", "code": "lake", "bucket_name": "our-lake", "project_number": "123",
           "pool_id": "pool", "provider_id": "ours", "service_account_email": EMAIL, **more},
    )  # fmt: skip


def test_a_job_puts_its_file_there_as_the_account_of_the_destination(api, organization, cloud):
    factories.make_account(organization, code="a1")
    body = {
        "sourceType": "OPERATIONAL",
        "operationalDataTypes": ["ACCOUNTS"],
        "destinationIds": [str(lake(organization, prefix="raw").pk)],
    }
    job = ExportJob.objects.get(pk=api.post("dataexports/adhoc", body).json["jobId"])

    jobs.run(job.pk)

    job.refresh_from_db()
    assert (job.status, job.failure_reason) == ("SUCCEEDED", "")
    ((name, stored),) = cloud.buckets["our-lake"].items()
    assert name.startswith(f"raw/orgId={organization.pk}/date=")
    assert ",a1," in gzip.decompress(stored).decode()


def test_a_large_file_goes_in_parts_that_are_sent_again_and_renew_the_lease(
    organization, cloud, monkeypatch
):
    monkeypatch.setattr(gcs, "CHUNK", 256 * 1024)
    content = os.urandom(900 * 1024)
    cloud.break_off = 1
    renewed = []

    gcs.send(lake(organization), "x.gz", io.BytesIO(content), lambda: renewed.append(1))

    assert cloud.buckets["our-lake"]["x.gz"] == content
    assert len(renewed) >= 4


@pytest.mark.parametrize(
    ("fields", "subject", "reason"),
    [
        ({"bucket_name": "no-such-bucket"}, SUBJECT, "refused with 404"),
        ({}, "another", "could not be reached or refused"),
        ({"service_account_email": "x@y.example"}, SUBJECT, "could not be reached or refused"),
    ],
)
def test_what_the_store_refuses_is_told_without_a_secret(
    organization, cloud, fields, subject, reason
):
    cloud.subject = subject

    with pytest.raises(Refused) as refused:
        gcs.send(lake(organization, **fields), "x.gz", io.BytesIO(b"x"), lambda: None)

    assert reason in str(refused.value)
    assert SUBJECT not in str(refused.value)


def test_a_store_that_is_down_is_told_in_words(organization, settings, cloud, monkeypatch):
    settings.EXPORTS_GCS = {**settings.EXPORTS_GCS, "token_url": "http://127.0.0.1:1/v1/token"}
    monkeypatch.setattr(gcs, "PATIENCE", gcs.PATIENCE.with_timeout(1))

    with pytest.raises(Refused, match="could not be reached or refused"):
        gcs.send(lake(organization), "x.gz", io.BytesIO(b"x"), lambda: None)
