"""Request bodies of integrations and mappings."""

from collections.abc import Mapping
from typing import Any

from tests.factories import number

MAPPINGS = "externalmappings"


def mapping(made: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """An account that is a customer of Stripe."""
    return {
        "m3terEntity": "Account",
        "m3terId": made["accounts"]["id"],
        "externalSystem": "Stripe",
        "externalTable": "Customer",
        "externalId": f"cus_{number()}",
    }


def configuration(made: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Bills to Stripe's test mode, with a credential of its own."""
    return {
        "name": "Books",
        "entityType": "Bill",
        "destination": "STRIPE_TEST",
        "configData": {"onlySendOnApproval": True, "accountFilter": "address.country == US"},
        "credentials": {"type": "STRIPE_SIGNED_REQUEST", "apiKey": f"sk_test_{number()}"},
    }


CREATED = ((MAPPINGS, mapping), ("integrationconfigs", configuration))
