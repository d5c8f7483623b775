"""Lookup tables: revisions, their data, jobs that move data, and what calculations find there."""
