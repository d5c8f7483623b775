"""Data exports with the official client."""

import pytest
from m3ter import BadRequestError

from tests.contract import bodies_exports
from tests.official_client.driving import as_arguments

pytestmark = pytest.mark.django_db


def in_words_of_the_client(body):
    """Name and code, which the client does not know although the contract requires them, apart."""
    words = as_arguments(body)
    apart = {name: words.pop(name) for name in ("name", "code")}
    return {**words, "extra_body": apart}


def test_a_destination_is_made_read_changed_listed_and_deleted(client):
    destinations = client.data_exports.destinations
    sent = in_words_of_the_client(bodies_exports.destination({}))

    made = destinations.create(**sent)
    assert (made.bucket_name, made.partition_order) == ("our-data-lake", "TYPE_FIRST")
    renamed = {**sent, "extra_body": {**sent["extra_body"], "name": "Second lake"}}
    changed = destinations.update(made.id, **renamed, version=1)
    assert (changed.name, changed.version) == ("Second lake", 2)
    assert destinations.retrieve(made.id).to_dict() == changed.to_dict()
    assert [row.id for row in destinations.list(ids=[made.id])] == [made.id]
    with pytest.raises(BadRequestError):
        destinations.create(**{**sent, "iam_role_arn": "role"})
    assert destinations.delete(made.id).id == made.id
    assert list(destinations.list(ids=[made.id])) == []


def test_an_export_by_hand_and_a_schedule_make_jobs(client):
    exports = client.data_exports

    asked = exports.create_adhoc(source_type="OPERATIONAL", operational_data_types=["ACCOUNTS"])
    job = exports.jobs.retrieve(asked.job_id)
    assert (job.status, job.source_type, job.schedule_id) == ("SUCCEEDED", "OPERATIONAL", None)
    assert "/files/download/" in exports.jobs.get_download_url(asked.job_id).url

    body = bodies_exports.schedule({bodies_exports.DESTINATIONS: {"id": ""}})
    del body["destinationIds"]
    sent = {
        "source_type": "OPERATIONAL",
        "operational_data_types": body["operationalDataTypes"],
        "extra_body": body,  # the client does not know when it runs
    }
    made = exports.schedules.create(**sent)
    assert exports.schedules.retrieve(made.id).id == made.id
    assert exports.schedules.update(made.id, **sent, version=1).version == 2
    assert [row.schedule_id for row in exports.jobs.list(schedule_id=made.id)] == [made.id]
    assert [row.id for row in exports.schedules.list(ids=[made.id])] == [made.id]
    assert exports.schedules.delete(made.id).id == made.id
