"""Usage: received, checked, stored once, summed."""
