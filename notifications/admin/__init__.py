"""Console pages of notifications: rules, and scheduled events."""

from notifications.admin import rules, scheduled

__all__ = ["rules", "scheduled"]
