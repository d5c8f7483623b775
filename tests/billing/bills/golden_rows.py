"""A golden situation as rows: what its JSON says, as catalogue, account and measurements."""

from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from typing import Any

from billing.models import Account, AccountPlan
from billing.usage import store
from catalog.models import Aggregation, Counter, CounterPricing, Plan, Pricing
from organizations.kernel import ids
from organizations.kernel.periods import local_midnight, parse_timezone
from organizations.models import Currency, Organization, OrganizationConfig
from tests import factories
from tests.billing.rating import situations_counters
from tests.catalog import rows as catalog_rows

Json = dict[str, Any]


class Rows:
    """The organization and the account of one situation."""

    def __init__(self, given: Json) -> None:
        self.zone = parse_timezone(given.get("timezone", "UTC"))
        self.organization = self._organization(given)
        self.account: Account = factories.make_account(self.organization, code="acme")
        self._products: dict[str, Any] = {}
        self._grouped: dict[str, list[Plan]] = {}
        for plan in given["plans"]:
            self._attach(plan)
        for group in given.get("groups", []):
            self._attach_group(group)

    def _organization(self, given: Json) -> Organization:
        organization = factories.make_organization()
        for code, (places, mode) in given.get("currencies", {}).items():
            Currency.objects.update_or_create(
                organization=organization,
                code=code,
                defaults={"name": code, "max_decimal_places": places, "rounding_mode": mode},
            )
        config = OrganizationConfig.objects.get(organization=organization)
        config.timezone = given.get("timezone", "UTC")
        config.currency = given.get("bill_currency", "USD")
        config.currency_conversions = [
            {"from": source, "to": target, "multiplier": Decimal(multiplier)}
            for source, target, multiplier in given.get("conversions", [])
        ]
        config.save()
        return organization

    def _attach(self, plan: Json) -> None:
        row = self._plan(plan)
        _, _, epoch = plan.get("cycle", ["MONTHLY", 1, "2022-01-01"])
        if plan.get("group"):
            self._grouped.setdefault(plan["group"], []).append(row)
        else:
            self._on_account(plan, epoch, plan=row, product=row.plan_template.product)
        measured: dict[str, Aggregation] = {}
        for pricing in plan.get("pricings", []):
            name = pricing.get("measures", "usage")
            if name not in measured:
                measured[name] = self._aggregation(plan, name)
            self._pricing(row, measured[name], pricing)
        for counter in plan.get("counters", []):
            self._counter(row, counter)

    def _counter(self, plan: Plan, counter: Json) -> None:
        row, made = Counter.objects.get_or_create(
            organization=self.organization,
            name=counter["name"],
            defaults={"unit": counter.get("unit", "seats")},
        )
        for day, value in counter.get("values", []) if made else ():
            catalog_rows.make_counter_adjustment(self.account, row, date.fromisoformat(day), value)
        for price in counter["prices"]:
            on_plan = price.get("on", "plan") == "plan"
            flags = situations_counters.flags(price)
            CounterPricing.objects.create(
                organization=self.organization,
                counter=row,
                plan=plan if on_plan else None,
                plan_template=None if on_plan else plan.plan_template,
                start_date=self.instant(price.get("from", "2000-01-01")),
                end_date=self.instant(price["to"]) if price.get("to") else None,
                bands=factories.bands(*price["bands"]),
                is_cumulative=price.get("cumulative", False),
                description=price.get("description"),
                running_total_bill_in_advance=flags["running_total_in_advance"],
                pro_rate_running_total=flags["prorate_running_total"],
                pro_rate_adjustment_debit=flags["prorate_debit"],
                pro_rate_adjustment_credit=flags["prorate_credit"],
            )

    def _attach_group(self, group: Json) -> None:
        standing, minimum = group.get("standing_charge", {}), group.get("minimum_spend", {})
        row = catalog_rows.make_plan_group(
            self.organization,
            *self._grouped[group["name"]],
            name=group["name"],
            currency=group.get("currency", "USD"),
            standing_charge=amount(standing),
            standing_charge_bill_in_advance=standing.get("in_advance"),
            minimum_spend=amount(minimum),
            minimum_spend_bill_in_advance=minimum.get("in_advance"),
        )
        self._on_account(group, "2022-01-01", plan_group=row)

    def _on_account(self, given: Json, epoch: str, **on: Any) -> None:
        AccountPlan.objects.create(
            organization=self.organization,
            account=self.account,
            start_date=self.instant(given["from"]),
            end_date=self.instant(given["to"]) if given.get("to") else None,
            bill_epoch=date.fromisoformat(epoch),
            may_overlap=True,
            **on,
        )

    def _plan(self, plan: Json) -> Plan:
        name = plan.get("product", "Storage")
        if name not in self._products:
            self._products[name] = factories.make_product(
                self.organization, name=name, code=name.lower()
            )
        frequency, interval, _ = plan.get("cycle", ["MONTHLY", 1, ""])
        standing, minimum = plan.get("standing_charge", {}), plan.get("minimum_spend", {})
        template = factories.make_plan_template(
            self._products[name],
            currency=plan.get("currency", "USD"),
            bill_frequency=frequency,
            bill_frequency_interval=interval,
            standing_charge_interval=standing.get("interval", 1),
            standing_charge_offset=standing.get("offset", 0),
        )
        return factories.make_plan(
            template,
            standing_charge=amount(standing),
            standing_charge_bill_in_advance=standing.get("in_advance"),
            standing_charge_description=standing.get("description"),
            minimum_spend=amount(minimum),
            minimum_spend_bill_in_advance=minimum.get("in_advance"),
            minimum_spend_description=minimum.get("description"),
        )

    def _aggregation(self, plan: Json, name: str) -> Aggregation:
        """Pricings that measure the same share the parameters of the first one."""
        alike = [one for one in plan["pricings"] if one.get("measures", "usage") == name]
        fields = list(next((one["segment"] for one in alike if one.get("segment")), {}))
        meter = factories.make_meter(
            self.organization,
            data_fields=[
                {"category": "MEASURE", "code": "amount", "name": "Amount", "unit": "x"},
                *(
                    {"category": "WHAT", "code": code, "name": code, "unit": None}
                    for code in fields
                ),
            ],
        )
        default = alike[0].get("default_value")
        return factories.make_aggregation(
            meter,
            name=name,
            target_field="amount",
            unit=alike[0].get("unit", "unit"),
            quantity_per_unit=Decimal(alike[0].get("quantity_per_unit", 1)),
            rounding=alike[0].get("rounding", "NONE"),
            default_value=None if default is None else Decimal(default),
            segmented_fields=fields,
            segments=[one["segment"] for one in alike if one.get("segment")],
        )

    def _pricing(self, plan: Plan, aggregation: Aggregation, pricing: Json) -> None:
        on_plan = pricing.get("on", "plan") == "plan"
        minimum = pricing.get("minimum_spend", {})
        Pricing.objects.create(
            organization=self.organization,
            aggregation=aggregation,
            plan=plan if on_plan else None,
            plan_template=None if on_plan else plan.plan_template,
            segment_key=str(pricing.get("segment", "")),
            start_date=self.instant(pricing.get("from", "2000-01-01")),
            end_date=self.instant(pricing["to"]) if pricing.get("to") else None,
            bands=factories.bands(*pricing["bands"]),
            is_cumulative=pricing.get("cumulative", False),
            tiers_span_plan=pricing.get("tiers_span_plan", False),
            type=pricing.get("type", "DEBIT"),
            segment=pricing.get("segment", {}),
            description=pricing.get("description"),
            minimum_spend=amount(minimum),
            minimum_spend_bill_in_advance=minimum.get("in_advance"),
            minimum_spend_description=minimum.get("description"),
        )
        store.append(
            self.organization.pk,
            [
                store.Measurement(
                    self.account.pk,
                    aggregation.meter_id,
                    self.instant(when),
                    None,
                    str(ids.new_id()),
                    {"amount": Decimal(quantity), **pricing.get("segment", {})},
                )
                for when, quantity in pricing.get("usage", [])
            ],
            at=datetime(2024, 1, 1, tzinfo=UTC),
        )

    def instant(self, text: str) -> datetime:
        return instant(text, self.zone)


def instant(text: str, zone: tzinfo) -> datetime:
    """A date is local midnight; a date and time is local time, or UTC when it ends in Z."""
    if len(text) == 10:
        return local_midnight(date.fromisoformat(text), zone)
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def amount(charge: Json) -> Decimal | None:
    return None if charge.get("amount") is None else Decimal(charge["amount"])
