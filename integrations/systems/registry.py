"""Which systems can be sent to: one line for each class of this package."""

from integrations.systems import known
from integrations.systems.aws import Aws
from integrations.systems.azure import Azure
from integrations.systems.base import System
from integrations.systems.chargebee import Chargebee
from integrations.systems.netsuite import NetSuite
from integrations.systems.paddle import Paddle, PaddleSandbox
from integrations.systems.quickbooks import QuickBooks, QuickBooksSandbox
from integrations.systems.salesforce import Salesforce
from integrations.systems.stripe import Stripe, StripeTest
from integrations.systems.xero import Xero

SENDERS: tuple[type[System], ...] = (
    Stripe,
    StripeTest,
    Xero,
    QuickBooks,
    QuickBooksSandbox,
    Paddle,
    PaddleSandbox,
    Chargebee,
    NetSuite,
    Salesforce,
    Aws,
    Azure,
)

_BY_KEY: dict[str, System] = {sender.about.key: sender() for sender in SENDERS}


def find(name: str) -> System | None:
    """Return what sends to a destination, however it is spelled; None where nothing does."""
    return _BY_KEY.get(known.key(name))


def is_released(name: str) -> bool:
    """Say whether there is a sender."""
    return known.key(name) in _BY_KEY
