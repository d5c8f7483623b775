"""Console pages of the catalogue: what is sold, how it is measured and priced."""

from catalog.admin import metering, plans, pricings, products

__all__ = ["metering", "plans", "pricings", "products"]
