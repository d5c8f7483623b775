"""How the rows of exports look outside."""

from typing import Any

from integrations.models import DestinationType, ExportDestination
from organizations.kernel.representing import audit, identity


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
