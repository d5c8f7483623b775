"""Data exports: where to, when, what, and the files that come of it."""
