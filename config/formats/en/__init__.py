"""How dates look in the console in English."""
