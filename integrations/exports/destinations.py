"""What a destination of exports must have (D1)."""

import re
from functools import partial

from integrations.models import DestinationType, ExportDestination
from organizations.kernel.errors import FieldRefused, check_each

ROLE = re.compile(r"arn:aws:iam::\d+:role/.*", re.ASCII)
# What each kind has, by name on the wire and column; those of True are needed.
OWN = {
    DestinationType.S3: {"iamRoleArn": ("iam_role_arn", True)},
    DestinationType.GCS: {
        "projectNumber": ("project_number", True),
        "poolId": ("pool_id", True),
        "providerId": ("provider_id", True),
        "serviceAccountEmail": ("service_account_email", False),
    },
}
LABELS = dict(DestinationType.choices)


def check(row: ExportDestination) -> None:
    """Refuse a destination that lacks what its kind needs or has what another kind has."""
    check_each(
        partial(_check_kind, row),
        partial(_check_role, row),
        partial(_check_prefix, row),
        *(
            partial(_check_field, row, kind, wire, column, is_needed)
            for kind, fields in OWN.items()
            for wire, (column, is_needed) in fields.items()
        ),
    )


def _check_kind(row: ExportDestination) -> None:
    before = (
        ExportDestination.objects.for_organization(row.organization_id)
        .filter(pk=row.pk)
        .values_list("destination_type", flat=True)
        .first()
    )
    if before is not None and before != row.destination_type:
        raise FieldRefused(
            "destinationType", "cannot be changed; make another destination for the other store"
        )


def _check_field(
    row: ExportDestination, kind: DestinationType, wire: str, column: str, is_needed: bool
) -> None:
    value = getattr(row, column)
    if kind == row.destination_type:
        if is_needed and not value:
            raise FieldRefused(wire, f"is needed for a destination in {LABELS[kind]}")
    elif value:
        raise FieldRefused(wire, f"is only for a destination in {LABELS[kind]}")


def _check_role(row: ExportDestination) -> None:
    if row.iam_role_arn and not ROLE.fullmatch(row.iam_role_arn):
        raise FieldRefused(
            "iamRoleArn", "must look like arn:aws:iam::123456789012:role/name-of-the-role"
        )


def _check_prefix(row: ExportDestination) -> None:
    if row.prefix and ".." in row.prefix.split("/"):
        raise FieldRefused("prefix", 'must not have a part that is ".."')
