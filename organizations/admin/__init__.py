"""Console pages of organizations: settings, access, and the records of what happened."""

from organizations.admin import access, records, service_users, settings

__all__ = ["access", "records", "service_users", "settings"]
