"""The SDK makes lookup tables, their revisions and data."""

import httpx
import pytest
from m3ter import ConflictError

pytestmark = pytest.mark.django_db
FIELDS = [{"name": "gpu", "type": "STRING"}, {"name": "rate", "type": "NUMBER"}]


def test_a_table_its_revision_and_data_are_driven(client):
    tables = client.lookup_tables
    revisions, data = tables.lookup_table_revisions, tables.lookup_table_revision_data
    table = tables.create(name="GPUs", code="gpus")
    owner = {"lookup_table_id": table.id}
    draft = revisions.create(name="R", fields=FIELDS, keys=["gpu"], **owner)
    within = {**owner, "lookup_table_revision_id": draft.id}

    data.update(items=[{"gpu": "a100", "rate": 2}], **within)
    data.update_key("h100", item={"rate": 3}, version=2, **within)
    found = data.retrieve(additional=["lookupKey"], **within)

    assert [item["lookupKey"] for item in found.items] == ["a100", "h100"]
    assert data.retrieve_key("h100", **within).items == [{"gpu": "h100", "rate": 3}]
    assert data.delete_key("h100", version=3, **within).version == 4
    live = revisions.update_status(draft.id, status="PUBLISHED", version=1, **owner)
    assert (live.status, live.item_count) == ("PUBLISHED", 1)
    assert tables.retrieve(table.id, additional=["activeRevision"]).active_revision.id == draft.id
    assert [one.id for one in revisions.list(**owner)] == [draft.id]
    assert revisions.delete(draft.id, **owner).id == draft.id
    assert tables.delete(table.id).code == "gpus"


def test_jobs_move_the_data_of_revisions(client):
    tables = client.lookup_tables
    revisions, data = tables.lookup_table_revisions, tables.lookup_table_revision_data
    jobs = data.lookup_table_revision_data_jobs
    table = tables.create(name="GPUs", code="gpus")
    owner = {"lookup_table_id": table.id}
    draft = revisions.create(name="R", fields=FIELDS, keys=["gpu"], **owner)
    within = {**owner, "lookup_table_revision_id": draft.id}
    data.update(items=[{"gpu": "a100", "rate": 2}], **within)

    text = b"gpu,rate\nh100,3\n"
    address = data.generate_download_url(
        draft.id,
        content_length=len(text),
        content_type="text/csv",
        file_name="g.csv",
        version=2,
        **owner,
    )
    sent = httpx.put(address.url, content=text, headers=address.headers)
    copied = data.copy(draft.id, **owner)
    started = jobs.download(draft.id, content_type="application/jsonl", **owner)

    assert sent.status_code == 200
    assert address.headers == {"Content-Type": "text/csv"}
    assert {one.id: (one.type, one.status) for one in jobs.list(draft.id, **owner)} == {
        address.job_id: ("UPLOAD", "SUCCEEDED"),
        copied.job_id: ("COPY", "SUCCEEDED"),
        started.job_id: ("DOWNLOAD", "SUCCEEDED"),
    }
    downloaded = httpx.get(jobs.retrieve(started.job_id, **within).download_url)
    assert downloaded.text == '{"gpu":"a100","rate":2}\n{"gpu":"h100","rate":3}\n'
    found = jobs.retrieve(copied.job_id, **within)
    assert found.destination_lookup_table_revision_id == copied.revision_id
    assert jobs.delete(address.job_id, **within).file_name == "g.csv"
    revisions.update_status(draft.id, status="ARCHIVED", version=1, **owner)
    assert "/files/download/" in data.archieve(draft.id, content_type="text/csv", **owner).url


def test_tables_and_drafts_are_listed_changed_and_emptied(client):
    tables = client.lookup_tables
    revisions, data = tables.lookup_table_revisions, tables.lookup_table_revision_data
    first, second = (tables.create(name=code, code=code) for code in ("gpus", "regions"))
    owner = {"lookup_table_id": first.id}
    draft = revisions.create(name="R", fields=FIELDS, keys=["gpu"], **owner)
    within = {**owner, "lookup_table_revision_id": draft.id}
    data.update(items=[{"gpu": "a100", "rate": 2}], **within)

    renamed = tables.update(first.id, name="GPU types", code="gpus", version=1)
    changed = revisions.update(
        draft.id, name="2027", fields=FIELDS, keys=["gpu"], version=1, **owner
    )
    with pytest.raises(ConflictError):
        tables.update(first.id, name="Again", code="gpus", version=1)

    assert (renamed.name, renamed.version) == ("GPU types", 2)
    assert [one.id for one in tables.list(page_size=1)] == [second.id, first.id]
    assert [one.id for one in tables.list(codes=["gpus"])] == [first.id]
    assert revisions.retrieve(draft.id, **owner).to_dict() == changed.to_dict()
    assert (changed.name, changed.version) == ("2027", 2)
    assert data.delete(draft.id, **owner).result == "All items were deleted."
    assert data.retrieve(**within).items == []
