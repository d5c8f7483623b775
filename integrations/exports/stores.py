"""What every kind of store has in common."""


class Refused(Exception):
    """The store or the role did not let us; says why, without a secret."""
