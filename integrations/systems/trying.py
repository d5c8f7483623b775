"""Try a credential out: one harmless call that tells whose account it is. In no transaction."""

import logging

from integrations.models import IntegrationCredential
from integrations.systems import registry, tokens
from integrations.systems.base import SendingFailed, TryAgain
from integrations.systems.client import HttpClient
from organizations.kernel import sealing
from organizations.kernel.errors import DomainError

logger = logging.getLogger(__name__)


class TryingFailed(DomainError):
    """The call did not succeed; the message says why, without secrets."""


def try_out(credential: IntegrationCredential) -> str:
    """Return whose account a credential is for; raises ``TryingFailed``."""
    system = registry.find(credential.destination or "")
    if system is None:
        raise TryingFailed("Nothing is sent to this system yet, so it cannot be tried out.")
    if credential.type == "OAUTH_CODE" and not credential.is_authorized:
        raise TryingFailed("Nobody has given consent yet: connect it first.")
    try:
        secrets = tokens.fresh(credential, system, logger.debug)
        with HttpClient(system, secrets, {}, lambda text: None) as client:
            try:
                return system.try_out(client)
            except (SendingFailed, TryAgain) as error:
                raise TryingFailed(client.hidden(str(error))) from None
    except (SendingFailed, TryAgain, sealing.Unreadable):
        raise TryingFailed("The credential cannot be used: make a new one.") from None
    except NotImplementedError:
        raise TryingFailed("This system has nothing to try a credential with.") from None
