"""Compound aggregations: a quantity calculated from the values of other aggregations."""
