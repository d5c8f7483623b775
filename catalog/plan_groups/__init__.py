"""Plan groups: plans of several products with one minimum spend."""
