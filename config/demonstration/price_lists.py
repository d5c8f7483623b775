"""What it costs: plan templates, plans and prices, as tables.

A price is (aggregation, segment value or none, kind of bands, bands); bands are (lower limit,
fixed price, unit price) and rated as billing.md 3.2 says.
"""

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

TIERED, VOLUME, STAIRSTEP = True, False, False  # whether the bands are cumulative


@dataclass(frozen=True, slots=True)
class Price:
    """Bands for an aggregation; from or until the first day of the last full month, if said."""

    aggregation: str
    is_cumulative: bool
    bands: tuple[tuple[str, str, str], ...]
    segment: str | None = None
    until_latest_month: bool = False
    from_latest_month: bool = False


@dataclass(frozen=True, slots=True)
class PriceList:
    """A plan (or, under its template's name, what its plans share)."""

    name: str
    prices: tuple[Price, ...] = ()
    charges: dict[str, Any] = field(default_factory=dict)


def unit(aggregation: str, *steps: tuple[str, str], cumulative: bool = TIERED) -> Price:
    """Return a price of (lower limit, unit price) steps."""
    return Price(aggregation, cumulative, tuple((limit, "0", price) for limit, price in steps))


def gpu(segment: str, *steps: tuple[str, str]) -> Price:
    """Return the volume price of one type of GPU."""
    return replace(unit("gpu_hours", *steps, cumulative=VOLUME), segment=segment)


def advance(amount: str, description: str) -> dict[str, Any]:
    """Return a standing charge that is billed at the start of the month."""
    return {
        "standing_charge": Decimal(amount),
        "standing_charge_description": description,
        "standing_charge_bill_in_advance": True,
    }


def storage_prices(month: str, much: str, egress: str, more_egress: str) -> tuple[Price, ...]:
    """Return the three prices of object storage; the first 100 GB sent out are free."""
    return (
        unit("stored_data", ("0", month), ("50000", much), cumulative=VOLUME),
        unit("egress", ("0", "0"), ("100", egress), ("10000", more_egress)),
        unit("storage_requests", ("0", "0.004"), ("5000", "0.003")),
    )


PEAK = Price(
    "parallel_jobs",
    STAIRSTEP,
    (("0", "0", "0"), ("4", "49", "0"), ("16", "179", "0"), ("64", "499", "0")),
)
OUTPUT = unit("output_tokens", ("0", "1.60"), ("1000", "1.45"))
CHEAPER_OUTPUT = unit("output_tokens", ("0", "1.50"), ("1000", "1.35"))

AGREEMENT_PRICES = (
    unit("input_tokens", ("0", "0.36"), ("50000", "0.31"), cumulative=VOLUME),
    unit("output_tokens", ("0", "1.15"), ("10000", "1.00"), cumulative=VOLUME),
)

# (template code, product, currency): what its plans share, and the plans by code.
TEMPLATES: dict[tuple[str, str, str], tuple[PriceList, dict[str, PriceList]]] = {
    ("models", "language-models", "USD"): (
        PriceList(
            "Language models, monthly",
            (
                unit("input_tokens", ("0", "0.50"), ("1000", "0.45"), ("10000", "0.40")),
                replace(OUTPUT, until_latest_month=True),
                replace(CHEAPER_OUTPUT, from_latest_month=True),
            ),
        ),
        {
            "models-payg": PriceList("Pay as you go"),
            "models-scale": PriceList(
                "Scale",
                (
                    unit("input_tokens", ("0", "0.42"), ("10000", "0.36")),
                    unit("output_tokens", ("0", "1.35"), ("1000", "1.20")),
                ),
                advance("199", "Scale plan"),
            ),
            "models-enterprise": PriceList(
                "Enterprise",
                (
                    unit("input_tokens", ("0", "0.38"), ("20000", "0.33"), cumulative=VOLUME),
                    unit("output_tokens", ("0", "1.25"), ("5000", "1.05"), cumulative=VOLUME),
                ),
                {"minimum_spend": Decimal(6000), "minimum_spend_description": "Agreed minimum"},
            ),
        },
    ),
    ("gpu", "gpu-compute", "USD"): (
        PriceList(
            "GPU compute, monthly",
            (
                gpu("L4", ("0", "0.85"), ("500", "0.78")),
                gpu("A100", ("0", "2.40"), ("500", "2.15"), ("2000", "1.90")),
                gpu("H100", ("0", "4.20"), ("500", "3.80"), ("2000", "3.40")),
                PEAK,
            ),
        ),
        {
            "gpu-on-demand": PriceList("On demand"),
            "gpu-reserved": PriceList(
                "Reserved",
                (
                    gpu("A100", ("0", "1.95"), ("2000", "1.70")),
                    gpu("H100", ("0", "3.45"), ("2000", "3.10")),
                ),
                {**advance("1500", "Reserved capacity"), "minimum_spend": Decimal(2500)},
            ),
        },
    ),
    **{
        (f"storage-{currency.lower()}", "object-storage", currency): (
            PriceList(f"Object storage, monthly, {currency}", standard),
            {
                f"storage-standard-{currency.lower()}": PriceList("Standard"),
                f"storage-business-{currency.lower()}": PriceList(
                    "Business",
                    business,
                    {
                        "standing_charge": Decimal(60),
                        "standing_charge_description": "Business storage",
                    },
                ),
            },
        )
        for currency, standard, business in (
            (
                "USD",
                storage_prices("0.023", "0.020", "0.08", "0.06"),
                storage_prices("0.019", "0.016", "0.06", "0.05"),
            ),
            (
                "EUR",
                storage_prices("0.021", "0.018", "0.07", "0.055"),
                storage_prices("0.0175", "0.015", "0.055", "0.045"),
            ),
            (
                "GBP",
                storage_prices("0.018", "0.016", "0.062", "0.048"),
                storage_prices("0.015", "0.013", "0.048", "0.04"),
            ),
        )
    },
    ("support", "support", "USD"): (
        PriceList(
            "Support, monthly",
            (Price("engineer_hours", TIERED, (("0", "90", "160"), ("10", "0", "140"))),),
        ),
        {
            "support-business": PriceList(
                "Business support", (), advance("250", "Business support")
            ),
            "support-premier": PriceList(
                "Premier support",
                (unit("engineer_hours", ("0", "140")),),
                {
                    **advance("1200", "Premier support"),
                    "minimum_spend": Decimal(700),
                    "minimum_spend_description": "Five engineer hours",
                    "minimum_spend_bill_in_advance": True,
                },
            ),
        },
    ),
    ("support-care", "support", "USD"): (
        PriceList(
            "Support, every three months",
            (unit("engineer_hours", ("0", "175")),),
            {"standing_charge_interval": 3},
        ),
        {
            "support-care": PriceList(
                "Care",
                (),
                {
                    "standing_charge": Decimal(150),
                    "standing_charge_description": "Care, three months",
                },
            )
        },
    ),
}
