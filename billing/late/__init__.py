"""Late usage: found, listed, decided, charged once."""
