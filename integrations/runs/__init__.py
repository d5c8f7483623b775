"""Runs: who is sent what when, with retries, logs and what follows from a failure (A5, A6)."""
