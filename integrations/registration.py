"""What this app tells the kernel's registry when Django starts."""


def register() -> None:
    """Register entities, delete guards and sentences for constraints."""
