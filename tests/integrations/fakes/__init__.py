"""Strict stand-ins for systems outside: they refuse what those would refuse."""
