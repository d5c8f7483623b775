"""Count failed attempts to prove who one is, and lock out who fails too often.

The counts are in Redis, so they hold for every process. This limit is always on.
"""

import hashlib
from dataclasses import dataclass, field

from django.core.cache import cache


@dataclass(frozen=True, slots=True)
class Attempts:
    """Failed attempts for one purpose, counted per kind of identity within a window.

    ``limits`` says how many failures of one identity lock it, ``window_seconds`` for how long
    after the first of them.
    """

    purpose: str
    window_seconds: int
    limits: dict[str, int]
    # An identity many people share, and the one that tells them apart: when the first is over its
    # limit, only those are refused who are over the second one's too.
    shared: dict[str, str] = field(default_factory=dict)

    def are_locked(self, **who: str) -> bool:
        """Return whether one of the identities has failed too often."""
        keys = self._keys(who)
        counts = cache.get_many(keys.values())
        over = {kind for kind, key in keys.items() if counts.get(key, 0) >= self.limits[kind]}
        return self._is_refused(over)

    def _is_refused(self, over: set[str]) -> bool:
        """Return whether these identities, which have failed too often, refuse an attempt."""
        helpers = set(self.shared.values())
        return any(
            self.shared[kind] in over if kind in self.shared else kind not in helpers
            for kind in over
        )

    def begin(self, **who: str) -> bool:
        """Count an attempt as failed before it is looked at; False when it may not be.

        So of many at the same time no more are looked at than the limit allows. One that succeeds
        is taken back by ``succeeded``.
        """
        keys = self._keys(who)
        counts = {kind: self._count(key, 1) for kind, key in keys.items()}
        if self._is_refused({kind for kind, count in counts.items() if count > self.limits[kind]}):
            self.succeeded(**who)  # what was not looked at does not count
            return False
        return True

    def succeeded(self, **who: str) -> None:
        """Take back what ``begin`` has counted."""
        for key in self._keys(who).values():
            self._count(key, -1)

    def failed(self, **who: str) -> None:
        """Count a failure against each identity."""
        for key in self._keys(who).values():
            self._count(key, 1)

    def _count(self, key: str, step: int) -> int:
        cache.add(key, 0, self.window_seconds)
        try:
            return int(cache.incr(key, step))
        except ValueError:  # the window ended in between
            cache.set(key, max(step, 0), self.window_seconds)
            return max(step, 0)

    def forget(self, **who: str) -> None:
        """Forget the failures of the identities, after a success."""
        cache.delete_many(self._keys(who).values())

    def _keys(self, who: dict[str, str]) -> dict[str, str]:
        """Return a cache key per identity; names of people stay out of Redis."""
        return {
            kind: f"attempts:{self.purpose}:{kind}:{hashlib.sha256(value.encode()).hexdigest()}"
            for kind, value in who.items()
            if value
        }


# A success forgets the failures of the person only: whoever guesses at many accounts from one
# address must not free it with an account of their own. From an address with 50 failures each
# person may still fail twice ("pair"), so that guessers do not lock out the others behind it. A
# browser the person has signed in with before counts for itself (signin.devices).
LOGIN = Attempts(
    "login",
    15 * 60,
    {"email": 10, "address": 50, "pair": 2, "device": 10},
    shared={"address": "pair"},
)
OF_ONE_PERSON = ("email", "pair", "device")
# The old password, asked for before it is changed.
OLD_PASSWORD = Attempts("old-password", 15 * 60, {"person": 10})
# Asked for after the right password only.
SECOND_FACTOR = Attempts("second-factor", 15 * 60, {"person": 5})
# Not failures, but mails that somebody else has to read.
PASSWORD_LINK = Attempts("password-link", 60 * 60, {"email": 5, "address": 50})
# A key together with the address that guesses at it: neither another address nor another key of
# the same address is ever locked by it. Secrets are 256 random bits, so nothing else is needed.
TOKEN = Attempts("token", 5 * 60, {"key": 20})
