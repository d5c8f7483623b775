"""Put a file into a bucket of Amazon S3, in the role of the bucket's owner.

With keys of the server's own settings, no role is assumed: for stores that speak S3 and know none.
"""

from collections.abc import Callable
from typing import IO, Any

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings

from integrations.exports.stores import Refused
from integrations.models import ExportDestination

SECONDS = 900 * 4
# Parts of 16 MiB, one after the other: a file of 10 GiB needs 640 of the 10,000 allowed.
TRANSFER = TransferConfig(multipart_chunksize=16 * 1024**2, use_threads=False)
PATIENCE = Config(connect_timeout=10, read_timeout=60, retries={"max_attempts": 3})


def send(
    destination: ExportDestination, key: str, body: IO[bytes], renew: Callable[[], None]
) -> None:
    """Put one file; what is there of that name is written over. Raises ``Refused``."""
    try:
        client = boto3.client("s3", config=PATIENCE, **_keys(destination))
        client.upload_fileobj(
            body,
            destination.bucket_name,
            key,
            ExtraArgs={"ContentType": "application/gzip"},
            Callback=lambda _count: renew(),
            Config=TRANSFER,
        )
    except ClientError as error:
        told = error.response.get("Error", {})
        raise Refused(f"refused with {told.get('Code')}: {told.get('Message')}") from error
    except (BotoCoreError, boto3.exceptions.Boto3Error) as error:
        raise Refused(f"could not be reached or refused: {error}") from error


def _keys(destination: ExportDestination) -> dict[str, Any]:
    store = settings.EXPORTS_S3
    if store["access_key"]:
        return {
            "aws_access_key_id": store["access_key"],
            "aws_secret_access_key": store["secret_key"],
            "endpoint_url": store["endpoint"] or None,
            "region_name": store["region"],
        }
    service = boto3.client(
        "sts",
        config=PATIENCE,
        region_name=store["region"],
        endpoint_url=store["endpoint"] or None,
    )
    given = service.assume_role(
        RoleArn=destination.iam_role_arn,
        RoleSessionName="billwright-export",
        ExternalId=str(destination.organization_id),
        DurationSeconds=SECONDS,
    )["Credentials"]
    return {
        "aws_access_key_id": given["AccessKeyId"],
        "aws_secret_access_key": given["SecretAccessKey"],
        "aws_session_token": given["SessionToken"],
        "region_name": store["region"],
        "endpoint_url": store["endpoint"] or None,
    }
