"""Dates of bills that change: what the next bills would be, before anything is saved."""
