"""Counters: a number of units that people set, and what they cost."""
