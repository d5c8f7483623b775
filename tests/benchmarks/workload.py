"""The usage benchmarks send: requests to language models, of many accounts, this month."""

import json
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from organizations import tokens
from organizations.kernel import ids
from organizations.models import AccessKey
from tests.factories import make_account, make_founded, make_meter

FIELDS = [
    {"category": "MEASURE", "code": "context_tokens", "name": "Context", "unit": "tokens"},
    {"category": "MEASURE", "code": "generated_tokens", "name": "Generated", "unit": "tokens"},
    {"category": "WHAT", "code": "model", "name": "Model"},
    {"category": "WHERE", "code": "region", "name": "Region"},
]


@dataclass(slots=True)
class Workload:
    """One organization with accounts and a meter, and an endless supply of measurements."""

    organization_id: UUID
    token: str
    meter_id: UUID
    accounts: dict[str, UUID]
    chance: random.Random = field(default_factory=lambda: random.Random(7))

    def items(self, count: int) -> Iterator[dict[str, object]]:
        """Yield measurements as they are sent, with time-ordered uids."""
        now = datetime.now(UTC)
        month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        codes = list(self.accounts)
        seconds = (now - month).total_seconds()
        for _ in range(count):
            ts = month + timedelta(seconds=self.chance.random() * seconds)
            yield {
                "uid": str(ids.new_id()),
                "meter": "llm",
                "account": self.chance.choice(codes),
                "ts": ts.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "measure": {
                    "context_tokens": self.chance.randrange(1, 8000),
                    "generated_tokens": self.chance.randrange(1, 900) / 4,
                },
                "what": {"model": f"model-{self.chance.randrange(5)}"},
                "where": {"region": self.chance.choice(("eu-west", "us-east", "ap-south"))},
            }

    def bodies(self, count: int, per_request: int) -> list[bytes]:
        """Return the bodies of requests with ``count`` measurements together."""
        return [
            json.dumps({"measurements": list(self.items(per_request))}).encode()
            for _ in range(max(1, count // per_request))
        ]


def make(accounts: int = 200, **of_meter: object) -> Workload:
    """Found an organization with a meter and accounts."""
    founded = make_founded()
    organization = founded.organization
    meter = make_meter(organization, code="llm", data_fields=FIELDS, **of_meter)
    made = [make_account(organization, code=f"customer-{n}") for n in range(accounts)]
    return Workload(
        organization.pk,
        tokens.token_for(AccessKey.objects.get(pk=founded.access_key_id)),
        meter.pk,
        {account.code: account.pk for account in made},
    )


def database_url() -> str:
    """Return the address of the database, for connections without Django."""
    from django.conf import settings

    return os.environ.get("DATABASE_URL") or settings.DATABASE_URL
