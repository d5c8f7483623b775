"""Destinations of exports: what each kind needs, and what is refused."""

import pytest

from integrations.models import ExportDestination

pytestmark = pytest.mark.django_db
PATH = "dataexports/destinations"
ROLE = "arn:aws:iam::123456789012:role/exports"


def s3(**overrides):
    return {
        "name": "Lake",
        "code": "lake",
        "destinationType": "S3",
        "bucketName": "our-lake",
        "iamRoleArn": ROLE,
        **overrides,
    }


def gcs(**overrides):
    return {
        "name": "Pond",
        "code": "pond",
        "destinationType": "GCS",
        "bucketName": "our-pond",
        "projectNumber": "123456",
        "poolId": "pool",
        "providerId": "provider",
        **overrides,
    }


def refused(answer):
    assert answer.status == 400, answer
    return {error["field"] for error in answer.json["errors"]}


def test_each_kind_is_answered_with_its_own_fields_and_the_default_order(api):
    lake, pond = api.post(PATH, s3()).json, api.post(PATH, gcs(prefix="raw")).json

    assert lake["partitionOrder"] == "TIME_FIRST"
    assert (lake["iamRoleArn"], lake["prefix"]) == (ROLE, None)
    assert "poolId" not in lake and "iamRoleArn" not in pond
    assert [pond[name] for name in ("projectNumber", "poolId", "providerId", "prefix")] == [
        "123456",
        "pool",
        "provider",
        "raw",
    ]
    assert pond["serviceAccountEmail"] is None
    assert [row["id"] for row in api.get(PATH).json["data"]] == [pond["id"], lake["id"]]


def test_what_is_missing_or_of_the_other_kind_is_refused_all_at_once(api):
    assert refused(api.post(PATH, gcs(poolId=None, providerId=None, iamRoleArn=ROLE))) == {
        "poolId",
        "providerId",
        "iamRoleArn",
    }
    assert refused(api.post(PATH, s3(iamRoleArn="arn:aws:iam::x:role/a"))) == {"iamRoleArn"}
    assert refused(api.post(PATH, s3(iamRoleArn=None, poolId="p"))) == {"iamRoleArn", "poolId"}
    assert refused(api.post(PATH, s3(prefix="../up"))) == {"prefix"}
    assert refused(api.post(PATH, s3(bucketName="a/b/c"))) == {"bucketName"}
    assert refused(api.post(PATH, s3(bucketName="ab"))) == {"bucketName"}
    assert refused(api.post(PATH, s3(destinationType="FTP"))) == {"destinationType"}
    assert ExportDestination.objects.count() == 0


def test_a_code_is_taken_once_and_the_kind_never_changes(api):
    made = api.post(PATH, s3()).json

    assert refused(api.post(PATH, gcs(code="lake"))) == {"code"}
    changed = api.put(f"{PATH}/{made['id']}", gcs(code="lake", version=1))
    assert "destinationType" in refused(changed)
    assert api.get(f"{PATH}/{made['id']}").json == made
