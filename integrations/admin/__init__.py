"""Console pages of integrations: webhook destinations and what was sent to them."""

from integrations.admin import deliveries, destinations

__all__ = ["deliveries", "destinations"]
