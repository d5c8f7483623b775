"""The SDK uploads a file of measurements, watches its job and reads the file again."""

from pathlib import Path
from typing import Any

import pytest
import requests

from config import environment

pytestmark = pytest.mark.django_db
CONTENT = b'[{"meter": "m", "account": "a", "ts": "2024-06-01T00:00:00Z", "measure": {"x": 1}}, 5]'


def test_a_file_is_uploaded_watched_and_read_again(client, settings, tmp_path: Path):
    settings.STORAGES = {**settings.STORAGES, "files": environment.file_storage("", tmp_path)}
    product = client.products.create(name="P", code="p")
    fields: list[Any] = [{"category": "MEASURE", "code": "x", "name": "X", "unit": "x"}]
    client.meters.create(
        name="M", code="m", product_id=product.id, data_fields=fields, derived_fields=[]
    )

    made = client.usage.file_uploads.generate_upload_url(
        file_name="june.json", content_type="application/json", content_length=len(CONTENT)
    )
    answer = requests.put(made.url, data=CONTENT, headers=made.headers, timeout=20)
    job = client.usage.file_uploads.jobs.retrieve(made.job_id)
    (listed,) = client.usage.file_uploads.jobs.list(page_size=1)
    original = client.usage.file_uploads.jobs.get_original_download_url(made.job_id)
    read = requests.get(original.url, headers=original.headers, timeout=20)

    assert answer.status_code == 200
    assert (job.status, job.version, job.file_name) == ("succeeded", 1, "june.json")
    assert (job.total_rows, job.processed_rows, job.failed_rows) == (2, 1, 1)
    assert job.content_length == len(CONTENT)
    assert listed.id == job.id == original.job_id
    assert read.content == CONTENT
