"""An account whose April is billed and locked, and usage that arrives for it afterwards."""

from decimal import Decimal
from typing import Any

from billing.late import listing
from billing.models import Account, Bill, LateUsageRule
from billing.usage import store
from catalog.models import Meter
from organizations.kernel import clock, ids
from organizations.models import Organization
from tests.billing.bills import making, runners


class Late:
    """A shop at 0.10 a unit with one account whose April, 600 units, is billed and locked."""

    def __init__(
        self, rule: str = "", organization: Organization | None = None, **template: Any
    ) -> None:
        template = {"standing_charge": Decimal(0), **template}
        if organization is None:
            self.shop = making.Shop(**template)
        else:
            self.shop = making.Shop.__new__(making.Shop)
            self.shop.organization = organization
            self.shop.fill(**template)
        self.organization = self.shop.organization
        self.account = self.shop.account()
        if rule:
            LateUsageRule.objects.create(organization=self.organization, action=rule)
        runners.use(self.account, self.shop.meter, "2024-04-10", 600)
        runners.run(self.organization, "2024-04-30")
        self.april = Bill.objects.get(account=self.account)
        Bill.objects.filter(pk=self.april.pk).update(status="APPROVED", is_locked=True)
        self.check()

    def arrives(
        self, quantity: str | int, at: str = "2024-04-20", account: Account | None = None
    ) -> None:
        """Usage of that time is received now."""
        arrive(account or self.account, self.shop.meter, at, quantity)

    def check(self) -> int:
        """Look for late usage."""
        return listing.check(self.organization.pk)

    def bill(self, on: str) -> Bill:
        """Run billing and return the newest bill."""
        runners.run(self.organization, on)
        return Bill.objects.order_by("boundary_date").last()


def arrive(account: Account, meter: Meter, at: str, quantity: str | int) -> None:
    """Store a measurement of then that is received now."""
    code = meter.data_fields[0]["code"]
    row = store.Measurement(
        account.pk, meter.pk, runners.instant(at), None, str(ids.new_id()),
        {code: Decimal(quantity)},
    )  # fmt: skip
    store.append(account.organization_id, [row], at=clock.now())
