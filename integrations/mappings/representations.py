"""How a mapping looks outside."""

from typing import Any

from integrations.models import ExternalMapping
from organizations.kernel.representing import audit, identity, text


def external_mapping(row: ExternalMapping) -> dict[str, Any]:
    """A mapping."""
    return {
        **identity(row),
        "m3terEntity": row.entity,
        "m3terId": row.entity_identity,
        "externalSystem": row.external_system,
        "externalTable": row.external_table,
        "externalId": row.external_id,
        "integrationConfigId": text(row.configuration_id),
        **audit(row),
    }
