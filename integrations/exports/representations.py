"""How the rows of exports look outside."""

from typing import Any

from integrations.models import (
    DestinationType,
    ExportDestination,
    ExportJob,
    ExportSchedule,
    ExportSource,
)
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


OF_USAGE = ("timePeriod", "meterIds", "accountIds", "dimensionFilters", "aggregations", "groups")


def export_schedule(row: ExportSchedule) -> dict[str, Any]:
    """A schedule, with the settings of its kind of data."""
    settings = row.settings
    if row.source_type == ExportSource.USAGE:
        own = {name: settings.get(name, None if name == "timePeriod" else []) for name in OF_USAGE}
    else:
        own = {"operationalDataTypes": settings.get("operationalDataTypes", [])}
    return {
        **identity(row),
        "name": row.name,
        "code": row.code,
        "sourceType": row.source_type,
        "destinationIds": row.destination_ids,
        "scheduleType": row.schedule_type,
        "period": row.period,
        "offset": row.offset,
        "cronExpression": row.cron_expression,
        "exportFileFormat": settings.get("exportFileFormat"),
        **own,
        **audit(row),
    }
