"""Tokens of OAuth: kept sealed with the credential, and renewed before they end."""

from collections.abc import Callable, Mapping
from datetime import timedelta

from integrations.models import IntegrationCredential
from integrations.systems.base import System
from organizations.kernel import clock

EARLY = timedelta(minutes=5)


def fresh(
    credential: IntegrationCredential, system: System, note: Callable[[str], None]
) -> Mapping[str, str]:
    """Return the secrets to send with, renewed where they are about to end."""
    return system.fresh(_kept(credential, system, note))


def _kept(
    credential: IntegrationCredential, system: System, note: Callable[[str], None]
) -> Mapping[str, str]:
    secrets = credential.secrets
    ends = credential.tokens_end_at
    if system.machine is not None:
        if secrets.get("accessToken") and ends is not None and ends - EARLY > clock.now():
            return secrets
        from integrations.systems import oauth

        note("A token is asked for.")
        return oauth.issued(credential, system)
    if ends is None or ends - EARLY > clock.now() or not secrets.get("refreshToken"):
        return secrets
    from integrations.systems import oauth

    note("The access token ends soon and is renewed.")
    return oauth.renewed(credential, system)
