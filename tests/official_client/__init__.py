"""The official Python SDK, unmodified, against a live server: both clients, loose and strict."""
