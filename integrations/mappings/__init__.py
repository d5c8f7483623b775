"""What entities of ours are called in systems outside (A8)."""
