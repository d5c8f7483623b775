"""Rehearsals: bill runs that write no bill."""
