"""How passwords are stored: Argon2id."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2(Argon2PasswordHasher):
    """Django's Argon2 with the OWASP recommendation of 19 MiB and two passes.

    Django's own 100 MiB a login would let a few guessers at once fill a small server's memory.
    """

    time_cost = 2
    memory_cost = 19 * 1024
    parallelism = 1
