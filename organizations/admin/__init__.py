"""Console pages of organizations: settings, access, and the records of what happened."""

from organizations.admin import (
    audit_trail,
    custom_fields,
    events,
    groups,
    invitations,
    members,
    picklists,
    policies,
    records,
    service_users,
    settings,
    sign_in,
    support,
)

__all__ = [
    "audit_trail", "custom_fields", "events", "groups", "invitations", "members", "picklists",
    "policies", "records", "service_users", "settings", "sign_in", "support",
]  # fmt: skip
