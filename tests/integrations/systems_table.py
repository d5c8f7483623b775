"""What the tests that hold for every sender of bills need to know of each: one row a system."""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tests.integrations.fakes.chargebee import FakeChargebee
from tests.integrations.fakes.netsuite import CLIENT, PEM, FakeNetSuite
from tests.integrations.fakes.paddle import FakePaddle
from tests.integrations.fakes.salesforce import FakeSalesforce

KEY = "planted_secret_key_4711"


@dataclass(frozen=True)
class Row:
    """One system: how it is connected, and how its stand-in is read."""

    destination: str
    make: Callable[[], Any]  # the stand-in, which takes KEY
    secrets: dict[str, str]
    account_table: str
    account_id: str
    bill_table: str
    documents: Callable[[Any], list[dict[str, Any]]]  # that count: not those cancelled
    total: Callable[[Any, dict[str, Any]], Decimal]
    # Paid, issued, finalized: it cannot be changed any more. None where that never happens.
    close: Callable[[dict[str, Any]], None] | None
    # What the system takes of currencies and amounts, with the total in the document.
    totals: tuple[tuple[str, tuple[str, ...], str], ...] = ()
    takes_negative: bool = True
    most_lines: int = 100
    writes: int = 1  # of a new document of three lines
    settings: dict[str, Any] = field(default_factory=dict)
    planted: tuple[str, ...] = (KEY,)  # what must never be read anywhere

    def __str__(self) -> str:
        """The destination, for the names of tests."""
        return self.destination


MANY, MANY_TOTAL = ("0.01",) * 1999 + ("0.50",), "20.49"
CENTS = (("USD", ("0.10",), "0.10"), ("USD", ("1.01",) * 50, "50.50"))


def _paddle_total(_fake: Any, row: dict[str, Any]) -> Decimal:
    return sum(
        (Decimal(item["price"]["unit_price"]["amount"]) for item in row["items"]), Decimal(0)
    ).scaleb(-2)


def _billed(row: dict[str, Any]) -> None:
    row["status"] = "billed"


def _paddle(destination: str) -> Row:
    return Row(
        destination,
        lambda: FakePaddle(KEY),
        {"vendorAuthCode": KEY},
        "Customer",
        "ctm_1",
        "Transaction",
        lambda fake: [one for one in fake.transactions.values() if one["status"] != "canceled"],
        _paddle_total,
        _billed,
        totals=(*CENTS, ("EUR", MANY, MANY_TOTAL)),
        takes_negative=False,
    )


def _paid(row: dict[str, Any]) -> None:
    row |= {"status": "paid", "amount_paid": row["total"]}


CHARGEBEE = Row(
    "CHARGEBEE",
    lambda: FakeChargebee(KEY),
    {"site": "acme-test", "apiKey": KEY},
    "Customer",
    "cb_1",
    "Invoice",
    lambda fake: [one for one in fake.invoices.values() if one["status"] != "voided"],
    lambda _fake, row: Decimal(row["total"]).scaleb(-(0 if row["currency_code"] == "JPY" else
                                                      3 if row["currency_code"] == "KWD" else 2)),
    _paid,
    totals=(*CENTS, ("USD", (*MANY[1:], "-0.50"), "19.98"), ("JPY", ("1000", "-1"), "999"),
            ("KWD", ("1.234", "0.01"), "1.244")),
    planted=(KEY, base64.b64encode(f"{KEY}:".encode()).decode()),
)  # fmt: skip

NETSUITE = Row(
    "NETSUITE",
    lambda: FakeNetSuite(KEY),
    {"externalCustomerId": "TD123_SB1", "clientId": CLIENT, "keyId": KEY, "privateKey": PEM},
    "Customer",
    "51",
    "Invoice",
    lambda fake: list(fake.invoices.values()),
    lambda _fake, row: sum((Decimal(str(one["amount"])) for one in row["item"]), Decimal(0)),
    lambda row: row.update(amountPaid=1),
    totals=(*CENTS, ("USD", (*MANY[1:], "-0.50"), "19.98"), ("JPY", ("1000", "-1"), "999"),
            ("KWD", ("1.23", "0.01"), "1.24")),
    settings={"itemId": "7"},
    planted=(f"{KEY}-token", PEM.splitlines()[3]),
)  # fmt: skip

SALESFORCE = Row(
    "SALESFORCE",
    lambda: FakeSalesforce(KEY),
    {"accessToken": KEY, "instance_url": "https://acme.my.salesforce.com"},
    "Account",
    "001000000000001",
    "Billwright_Bill__c",
    lambda fake: list(fake.rows["Billwright_Bill__c"].values()),
    lambda _fake, row: Decimal(row["Total__c"]),
    None,
    totals=(*CENTS, ("USD", (*MANY[1:], "-0.50"), "19.98"), ("JPY", ("1000", "-1"), "999"),
            ("KWD", ("1.234", "0.01"), "1.244")),
    settings={"accountField": "Account__c"},
)  # fmt: skip


ROWS = (_paddle("PADDLE"), _paddle("PADDLE_SANDBOX"), CHARGEBEE, NETSUITE, SALESFORCE)
