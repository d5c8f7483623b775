"""A second factor: codes of an authenticator app (TOTP), and recovery codes that work once.

The app's secret is sealed in the database, recovery codes are stored as keyed hashes. Each code of
the app is taken once, within one step (30 s) of its time.
"""

import base64
import hmac
import secrets

import pyotp
import segno
from django.db import transaction

from organizations.kernel import clock, keyed_hashes, sealing
from organizations.kernel.errors import DomainError
from organizations.models import RecoveryCode, SecondFactor, User

ISSUER = "Billwright"
PURPOSE = "second factor"
RECOVERY = "recovery code"
STEP_SECONDS = 30
RECOVERY_CODES = 10


class CodeRefused(DomainError):
    """The code is wrong, too old, or was used already: never says which."""

    def __init__(self) -> None:
        super().__init__("This code is not valid. Enter the one your app shows now.")


def new_secret() -> str:
    """Return a secret for an app, 160 random bits."""
    return pyotp.random_base32()


def address(user: User, secret: str) -> str:
    """Return what the QR picture says: the ``otpauth`` address apps understand."""
    return pyotp.TOTP(secret).provisioning_uri(name=user.email, issuer_name=ISSUER)


def picture(user: User, secret: str) -> str:
    """Return the QR picture as SVG; made here, nobody else sees the secret."""
    return segno.make(address(user, secret), error="m").svg_inline(
        scale=5, dark="#000", light="#fff", title="QR code for your authenticator app"
    )


def is_set_up(user: User) -> bool:
    """Return whether the person has a second factor."""
    return SecondFactor.objects.filter(user=user).exists()


def set_up(user: User, secret: str, code: str) -> list[str]:
    """Keep the secret once the app has shown a right code for it; returns recovery codes.

    Raises ``CodeRefused``. A factor set up before is replaced.
    """
    step = _step_of(secret, code)
    if step is None:
        raise CodeRefused
    with transaction.atomic():
        SecondFactor.objects.update_or_create(
            user=user,
            defaults={
                "secret": sealing.seal(secret, purpose=PURPOSE),
                "confirmed_at": clock.now(),
                "latest_step": step,
            },
        )
        return renew_recovery_codes(user)


def check(user: User, code: str) -> bool:
    """Return whether the code is right, of the app or for recovery; a right one is used up."""
    factor = SecondFactor.objects.filter(user=user).first()
    if factor is None:
        return False
    step = _step_of(sealing.unseal(factor.secret, purpose=PURPOSE), code)
    if step is not None:
        later = SecondFactor.objects.filter(user=user, latest_step__lt=step)
        return later.update(latest_step=step) == 1
    hashes = keyed_hashes.all_of(RECOVERY, _plain(user, code))
    used, _ = RecoveryCode.objects.filter(user=user, code_hash__in=hashes).delete()
    return used == 1


def renew_recovery_codes(user: User) -> list[str]:
    """Return new recovery codes, which cannot be read again; those from before stop working."""
    codes = [_new_recovery_code() for _ in range(RECOVERY_CODES)]
    with transaction.atomic():
        RecoveryCode.objects.filter(user=user).delete()
        RecoveryCode.objects.bulk_create(
            RecoveryCode(user=user, code_hash=keyed_hashes.keyed(RECOVERY, _plain(user, code)))
            for code in codes
        )
    return codes


def remaining_codes(user: User) -> int:
    """Return how many recovery codes are left."""
    return RecoveryCode.objects.filter(user=user).count()


def remove(user: User) -> bool:
    """Forget the person's second factor; False when there was none."""
    with transaction.atomic():
        RecoveryCode.objects.filter(user=user).delete()
        removed, _ = SecondFactor.objects.filter(user=user).delete()
    return removed > 0


def _step_of(secret: str, code: str) -> int | None:
    """Return the time step whose code this is: now, the one before or the one after."""
    digits = "".join(code.split())
    if len(digits) != 6 or not (digits.isascii() and digits.isdigit()):
        return None
    codes = pyotp.TOTP(secret)
    now = int(clock.now().timestamp()) // STEP_SECONDS
    for step in (now, now - 1, now + 1):
        if hmac.compare_digest(codes.generate_otp(step), digits):
            return step
    return None


def _new_recovery_code() -> str:
    """Return ten letters and digits that are not mistaken for each other: 50 random bits."""
    text = base64.b32encode(secrets.token_bytes(7)).decode().lower()[:10]
    return f"{text[:5]}-{text[5:]}"


def _plain(user: User, code: str) -> bytes:
    plain = "".join(letter for letter in code.lower() if letter.isalnum())
    return user.pk.bytes + plain.encode()
