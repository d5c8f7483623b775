"""Customers by the hundred, whose bills anybody can work out: number n pays 20.00 + n.00 a month.

Each uses 10 n tokens in every month of 2024, at 0.10 a token, in two measurements of 6 n and
4 n, and has a standing charge of 20.00 for the month. All 510 of them together pay
510 x 20.00 + 510 x 511 / 2 = 140,505.00 a month.

A run over everybody has two chunks of 255 accounts, in order of account id, one for each process
of the worker; each is written as slices of 250 and 5.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.catalog import bodies
from tests.catalog.bodies import made
from tests.survival.api import Api
from tests.survival.stack import Stack

NUMBER = 510
MONTHS = 12
ALL_TOTALS = 140_505
BATCH = 1000
CHUNK = 255
LAST_SLICE = 5
PREFIX = "INV-"


class Customers:
    """The organization, its client, and the ids of its accounts by customer number."""

    def __init__(self, stack: Stack, api: Api) -> None:
        self.stack, self.api = stack, api
        self._number_bills()
        self.plan_id = self._price()
        # Usage for accounts nobody has made makes them.
        self._use(range(1, MONTHS + 1))
        self.ids = self._account_ids()
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda account_id: self._attach(account_id), self.ids.values()))

    def _number_bills(self) -> None:
        config = self.api.get("organizationconfig").json
        answer = self.api.put("organizationconfig", {**config, "billPrefix": PREFIX})
        assert answer.status == 200, answer

    def _price(self) -> str:
        """Make a plan with a standing charge of 20 and a token at 0.10; returns its id."""
        product = made(self.api, "products", {"name": "Models", "code": "models"})
        meter = made(self.api, "meters", {
            "name": "Requests", "code": "requests", "productId": product["id"],
            "derivedFields": [], "dataFields": [
                {"category": "MEASURE", "code": "tokens", "name": "Tokens", "unit": "tokens"}
            ],
        })  # fmt: skip
        aggregation = made(self.api, "aggregations", bodies.aggregation(meter["id"]))
        template = made(self.api, "plantemplates", bodies.plan_template(product["id"]))
        plan = made(self.api, "plans", {
            "planTemplateId": template["id"], "name": "Standard", "code": "standard",
        })  # fmt: skip
        made(self.api, "pricings", bodies.pricing(plan["id"], aggregation["id"]))
        return str(plan["id"])

    def _use(self, months: range) -> None:
        usage = [
            measurement(f"2024-{month:02}-{day}-{n}", n, f"2024-{month:02}-{day}", times * n)
            for month in months
            for n in range(1, NUMBER + 1)
            for day, times in (("05", 6), ("25", 4))
        ]
        for start in range(0, len(usage), BATCH):
            answer = self.api.post("measurements", {"measurements": usage[start : start + BATCH]})
            assert answer.status == 200, answer

    def _account_ids(self) -> dict[int, str]:
        with self.stack.connect() as database:
            rows = database.execute(
                "SELECT code, id FROM billing_account WHERE organization_id = %s",
                [self.api.organization_id],
            )
            return {int(str(code).removeprefix("customer-")): str(key) for code, key in rows}

    def _attach(self, account_id: str) -> None:
        made(self.api, "accountplans", {
            "accountId": account_id, "planId": self.plan_id,
            "startDate": "2024-01-01T00:00:00Z",
        })  # fmt: skip

    def of_both_chunks(self) -> tuple[str, str]:
        """Return the first account of either chunk of a run over everybody."""
        in_order = sorted(self.ids.values())
        return in_order[0], in_order[CHUNK]

    def of_the_last_slice(self) -> str:
        """Return an account that is billed last."""
        return max(self.ids.values())

    def start(self, month: int, **fields: Any) -> str:
        """Start a bill run over a month of 2024; returns the job's id."""
        body = {"lastDateInBillingPeriod": f"2024-{month:02}-15", **fields}
        return str(made(self.api, "billjobs", body)["id"])

    def job(self, job_id: str) -> dict[str, Any]:
        """Return the job as the API shows it."""
        found: dict[str, Any] = self.api.get(f"billjobs/{job_id}").json
        return found

    def wait_until_complete(self, *job_ids: str) -> None:
        """Wait until the jobs have finished by themselves."""
        for job_id in job_ids:
            self.stack.wait(lambda key=job_id: self.is_complete(key), "complete")

    def is_complete(self, job_id: str) -> bool:
        """Return whether the job is complete."""
        return bool(self.job(job_id)["status"] == "COMPLETE")


def measurement(uid: str, customer: int | str, day: str, tokens: int) -> dict[str, Any]:
    """One measurement as it is sent, for account ``customer-...``."""
    return {
        "uid": uid,
        "meter": "requests",
        "account": f"customer-{customer}",
        "ts": f"{day}T12:00:00Z",
        "measure": {"tokens": tokens},
    }
