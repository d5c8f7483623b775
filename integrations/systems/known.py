"""PURE: which systems outside there are, what they are called, and which records they keep (A7-A9).

A system is listed here before it can be sent to: mappings may name it, and ``integrationconfigs/
available`` tells that it is not released. What sends to it is a module of this package.
"""

from dataclasses import dataclass

RECEIVABLES = "Accounts receivable"
CRM = "Customer relationship management"
MARKETPLACE = "Marketplace"
BILL = ("Bill",)


@dataclass(frozen=True, slots=True)
class Known:
    """A system outside.

    ``identifier`` is the wire's word for the destination, ``authentication`` the advertised kinds
    (A7: spelled without ``_AUTH``). ``is_test`` says that nothing real happens there (A12).
    """

    identifier: str
    name: str
    tables: tuple[str, ...]
    category: str = RECEIVABLES
    entities: tuple[str, ...] = BILL
    authentication: tuple[str, ...] = ("OAUTH_CODE",)
    validates: bool = False
    takes_own_tables: bool = False
    is_swept: bool = False
    is_test: bool = False

    @property
    def key(self) -> str:
        """The name as destinations are compared."""
        return key(self.identifier)


def key(name: str) -> str:
    """Return a destination's name as it is compared: without letter case, ``_`` and ``-`` (A2)."""
    return name.lower().replace("_", "").replace("-", "").replace(" ", "")


_STRIPE = ("Customer", "Product", "Invoice")
_QUICKBOOKS = ("Customer", "Item", "Invoice")
_PADDLE = ("Customer", "Subscription", "Price", "Transaction")
_SYNCED = ("Account", "Bill", "Contract", "Commitment", "Balance")

SYSTEMS: tuple[Known, ...] = (
    Known("STRIPE", "Stripe", _STRIPE, authentication=("OAUTH_CODE", "STRIPE_SIGNED_REQUEST"),
          validates=True),
    Known("STRIPE_TEST", "Stripe test mode", _STRIPE, validates=True, is_test=True,
          authentication=("OAUTH_CODE", "STRIPE_SIGNED_REQUEST")),
    Known("XERO", "Xero", validates=True,
          tables=("Contact", "LineItem", "AccountCode", "TaxType", "TrackingCategory", "Invoice")),
    Known("QUICKBOOKS", "QuickBooks", _QUICKBOOKS, validates=True),
    Known("QUICKBOOKS_SANDBOX", "QuickBooks sandbox", _QUICKBOOKS, validates=True, is_test=True),
    Known("NETSUITE", "NetSuite", ("Customer", "Item", "Invoice"), validates=True,
          authentication=("NETSUITE",)),
    Known("CHARGEBEE", "Chargebee", ("Customer", "Subscription", "ItemPrice", "Invoice"),
          validates=True, authentication=("CHARGEBEE",)),
    Known("PADDLE", "Paddle", _PADDLE, validates=True, authentication=("PADDLE",)),
    Known("PADDLE_SANDBOX", "Paddle sandbox", _PADDLE, validates=True, is_test=True,
          authentication=("PADDLE",)),
    Known("SALESFORCE", "Salesforce", ("Account", "Contract", "Contact"), category=CRM,
          entities=_SYNCED, takes_own_tables=True),
    Known("AWS", "AWS Marketplace", ("Customer", "Dimension"), category=MARKETPLACE, validates=True,
          authentication=("AWS_INTEGRATION",), is_swept=True),
    Known("AZURE", "Azure Marketplace", ("Subscription", "Dimension"), category=MARKETPLACE,
          validates=True, authentication=("OAUTH_CLIENT_CREDENTIALS",), is_swept=True),
)  # fmt: skip

_BY_KEY = {system.key: system for system in SYSTEMS}


def find(name: str) -> Known | None:
    """Return the system of a name, however it is spelled; None for one nobody knows."""
    return _BY_KEY.get(key(name))


def counterpart(system: Known) -> Known | None:
    """Return the test system of a live one (Stripe test mode of Stripe); None where there is none.

    The names of test systems begin with those of the live ones.
    """
    if system.is_test:
        return None
    named_so = (one for one in SYSTEMS if one.is_test and one.name.startswith(f"{system.name} "))
    return next(named_so, None)


def spellings(identifier: str) -> tuple[str, ...]:
    """Return how the name of a system may be written in a mapping, in lower case (A8)."""
    low = identifier.lower()
    return tuple(dict.fromkeys(low.replace("_", between) for between in ("_", "-", " ", "")))


def named(identifier: str) -> Known:
    """Return a system of the list by its word; for the module that sends to it."""
    return _BY_KEY[key(identifier)]
