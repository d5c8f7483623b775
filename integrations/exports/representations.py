"""How the rows of exports look outside."""

from typing import Any

from integrations.models import DestinationType, ExportDestination, ExportJob
from organizations.kernel.representing import audit, identity, text


def export_destination(row: ExportDestination) -> dict[str, Any]:
    """A destination, with the fields of its kind."""
    if row.destination_type == DestinationType.S3:
        own = {"iamRoleArn": row.iam_role_arn}
    else:
        own = {
            "projectNumber": row.project_number,
            "poolId": row.pool_id,
            "providerId": row.provider_id,
            "serviceAccountEmail": row.service_account_email,
        }
    return {
        **identity(row),
        "name": row.name,
        "code": row.code,
        "destinationType": row.destination_type,
        "bucketName": row.bucket_name,
        "prefix": row.prefix,
        "partitionOrder": row.partition_order,
        **own,
        **audit(row),
    }


def export_job(row: ExportJob) -> dict[str, Any]:
    """A job and how far it is."""
    return {
        **identity(row),
        "scheduleId": text(row.schedule_id),
        "dateCreated": row.created_at,
        "startedAt": row.started_at,
        "sourceType": row.source_type,
        "status": row.status,
    }


def failure(row: ExportJob) -> dict[str, Any]:
    """What the event of a failed job tells."""
    return {**export_job(row), "message": row.failure_reason}
