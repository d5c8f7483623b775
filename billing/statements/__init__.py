"""Statements of bills: the usage behind each line, by time slice and dimension (section 16)."""
