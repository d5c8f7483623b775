"""Console pages of integrations: webhook destinations and what was sent to them."""

from integrations.admin import connections, deliveries, destinations

__all__ = ["connections", "deliveries", "destinations"]
