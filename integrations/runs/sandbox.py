"""Sandbox organizations send to nothing real where there is a system to test with (A12)."""

from integrations.systems import known
from organizations.models import Organization, OrganizationType


def warning(organization: Organization, destination: str) -> str:
    """Return why a sandbox organization sends nothing to a live system; empty where it may."""
    system = known.find(destination)
    if system is None or organization.type != OrganizationType.SANDBOX:
        return ""
    test = known.counterpart(system)
    if test is None:
        return ""
    return (
        f"This is a sandbox organization: nothing is sent to {system.name}, where things are "
        f"real. Use {test.name}."
    )
