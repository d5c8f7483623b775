"""What the kernel's registry is told about mappings."""

from integrations.mappings import representations as look
from integrations.mappings import rules
from integrations.models import ExternalMapping, IntegrationConfiguration
from organizations.kernel import registry


def register() -> None:
    """Register mappings; not on the closed list of events (B2)."""
    registry.register(
        ExternalMapping,
        "config:externalMapping",
        represent=look.external_mapping,
        check=rules.check,
    )
    registry.explain_constraint(
        "external_mapping_unique", "externalId", "there is a mapping that says the same already"
    )
    registry.refers(IntegrationConfiguration, "external mappings", rules.of_configuration)
    registry.follow_deletes(rules.forget)
