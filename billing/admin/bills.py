"""The page of bills."""
