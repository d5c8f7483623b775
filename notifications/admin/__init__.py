"""Console pages of notifications: scheduled events."""

from notifications.admin import scheduled

__all__ = ["scheduled"]
