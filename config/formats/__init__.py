"""How dates look in the console."""
