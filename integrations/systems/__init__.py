"""The systems outside: one module each, on one base."""
