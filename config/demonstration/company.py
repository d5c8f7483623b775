"""The company itself: its organization with settings and currencies, everything it sells."""

import secrets
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal

from django.db import connection, transaction
from django.utils.crypto import salted_hmac

from config.demonstration import agreements, catalogue, pricing, seats, subscriptions
from config.demonstration.months import Months
from config.models import Demonstration
from integrations import connections
from integrations.models import WebhookDestination
from notifications.models import NotificationConfiguration
from organizations import founding
from organizations.kernel import changes, isolation, principals
from organizations.kernel.principals import Principal
from organizations.models import Currency, Organization, OrganizationConfig, User

NAME = "Nimbarra Cloud"
EMAIL = "demo@nimbarra.example"
ADDRESS = {
    "addressLine1": "Nimbarra Cloud, Inc.",
    "addressLine2": "500 Stratus Avenue, Floor 12",
    "locality": "Seattle",
    "region": "WA",
    "postCode": "98104",
    "country": "US",
}
CURRENCIES = {"EUR": "Euro", "GBP": "Pound sterling"}
RATES = {
    ("USD", "EUR"): "0.92",
    ("USD", "GBP"): "0.79",
    ("EUR", "USD"): "1.09",
    ("EUR", "GBP"): "0.86",
    ("GBP", "USD"): "1.27",
    ("GBP", "EUR"): "1.16",
}
FIRST_INVOICE = 1000  # the first bill has the next number
MAKING_LOCK = 0x42_57_44_4D  # any number, the same everywhere


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Let a second demonstration wait until the first is made; the lock ends with its holder."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [MAKING_LOCK])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [MAKING_LOCK])


def find(as_of: datetime | None, scale: Decimal) -> Demonstration | None:
    """Return the demonstration of this instant, without one the newest; None when there is none."""
    found = Demonstration.objects.filter(scale=scale).select_related("organization")
    if as_of is not None:
        found = found.filter(as_of=as_of)
    return found.order_by("-created_at").first()


def found(as_of: datetime, scale: Decimal) -> Demonstration:
    """Make the organization with catalogue, prices, accounts and its marker, all or nothing."""
    months = Months(as_of)
    with isolation.everywhere():
        name = _name(as_of)
    with transaction.atomic():
        founded = founding.found(name=name, admin_email=EMAIL, admin_password=password())
        organization = founded.organization
        by = principals.system(organization.pk)
        with isolation.within(organization.pk):
            _configure(organization, by)
            made = catalogue.make(organization, by=by)
            plans = pricing.make(organization, made, months, by=by)
            subscriptions.make(organization, made, plans, months, by=by)
            seats.make(organization, plans["support-business"], plans, months, by=by)
            agreements.make(organization, months, by=by)
            _add_webhook(organization, by)
            return Demonstration.objects.create(
                organization=organization, as_of=as_of, scale=scale, usage_until=months.older
            )


def password() -> str:
    """Return the password the demonstration's administrator is made with.

    The same whenever it is asked for and different in every installation, so that it can be
    printed again and is written down nowhere.
    """
    digits = salted_hmac("config.demonstration", EMAIL).hexdigest()
    return f"{digits[:4]}-{digits[4:8]}-{digits[8:12]}"


def administrator() -> User:
    """Return the person to log in as."""
    return User.objects.get(email__iexact=EMAIL)


def _name(as_of: datetime) -> str:
    is_first = not Demonstration.objects.exists()
    return NAME if is_first else f"{NAME} ({as_of:%Y-%m-%d %H:%M})"


def _configure(organization: Organization, by: Principal) -> None:
    organization.short_name = "Nimbarra"
    organization.address = ADDRESS
    organization.tax_id = "US 91-0000000"
    organization.invoice_general_reference = "Questions: billing@nimbarra.example"
    organization.save()
    for code, name in CURRENCIES.items():
        changes.create(Currency(organization=organization, code=code, name=name), by=by)
    config = OrganizationConfig.objects.for_organization(organization).get()
    with changes.editing(config, by=by) as row:
        row.currency_conversions = [
            {"from": source, "to": target, "multiplier": Decimal(rate)}
            for (source, target), rate in RATES.items()
        ]
        row.bill_prefix = "NIM-"
        row.sequence_start_number = FIRST_INVOICE


LARGE_BILL = 'new.status == "APPROVED" AND old.status != "APPROVED" AND new.billTotal >= 10000'


def _add_webhook(organization: Organization, by: Principal) -> None:
    """Make a destination that is switched off: its host exists nowhere."""
    destination = changes.create(
        WebhookDestination(
            organization=organization,
            name="Finance data warehouse",
            description="Receives what the rules connected with it find, once it is switched on.",
            code="finance-warehouse",
            url="https://hooks.nimbarra.example/billing",
            is_active=False,
            api_key="demonstration",
            secret="whsec_" + b64encode(secrets.token_bytes(32)).decode(),
        ),
        by=by,
    )
    rule = changes.create(
        NotificationConfiguration(
            organization=organization,
            name="Large bill approved",
            description="A bill of 10,000 or more was approved.",
            code="large-bill-approved",
            event_name="billing.bill.updated",
            is_active=True,
            calculation=LARGE_BILL,
        ),
        by=by,
    )
    connections.connect(rule, destination, by=by)
