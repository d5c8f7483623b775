"""The page of bill jobs."""
