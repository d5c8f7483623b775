"""What the company sells and how it is measured: products, meters, aggregations."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from catalog.models import Aggregation, Meter, Product
from config.demonstration import reckoning
from organizations.kernel import changes
from organizations.kernel.principals import Principal
from organizations.models import Organization

PRODUCTS = {
    "language-models": "Language models",
    "gpu-compute": "GPU compute",
    "object-storage": "Object storage",
    "support": "Support",
}
GPU_TYPES = ("L4", "A100", "H100")
Field = tuple[str, str, str, str | None]  # category, code, name, unit
METERS: dict[str, tuple[str, str, tuple[Field, ...]]] = {
    "inference": (
        "language-models",
        "Inference requests",
        (
            ("WHAT", "model", "Model", None),
            ("WHERE", "region", "Region", None),
            ("MEASURE", "input_tokens", "Input tokens", "tokens"),
            ("MEASURE", "output_tokens", "Output tokens", "tokens"),
        ),
    ),
    "gpu_usage": (
        "gpu-compute",
        "GPU usage",
        (
            ("WHAT", "gpu_type", "GPU type", None),
            ("WHERE", "region", "Region", None),
            ("MEASURE", "gpu_hours", "GPU hours", "h"),
            ("MEASURE", "parallel_jobs", "Parallel jobs", "jobs"),
        ),
    ),
    "storage_usage": (
        "object-storage",
        "Storage usage",
        (
            ("WHERE", "region", "Region", None),
            ("MEASURE", "gb_hours", "Stored data", "GB h"),
            ("MEASURE", "egress_gb", "Data sent out", "GB"),
            ("MEASURE", "requests", "Requests", "requests"),
        ),
    ),
    "support_sessions": (
        "support",
        "Support sessions",
        (
            ("WHAT", "severity", "Severity", None),
            ("METADATA", "ticket", "Ticket", None),
            ("MEASURE", "minutes", "Minutes", "min"),
        ),
    ),
}
DERIVED: dict[str, list[dict[str, str]]] = {"gpu_usage": [reckoning.ENERGY]}


@dataclass(frozen=True, slots=True)
class Measured:
    """How one aggregation is declared; ``per_unit`` of its field make one unit."""

    meter: str
    name: str
    field: str
    unit: str
    per_unit: Decimal = Decimal(1)
    method: str = "SUM"
    rounding: str = "NONE"
    split_by: str | None = None
    segments: tuple[str, ...] = ()


AGGREGATIONS = {
    "input_tokens": Measured(
        "inference", "Input tokens", "input_tokens", "million tokens", Decimal(1_000_000)
    ),
    "output_tokens": Measured(
        "inference", "Output tokens", "output_tokens", "million tokens", Decimal(1_000_000)
    ),
    "gpu_hours": Measured(
        "gpu_usage", "GPU hours", "gpu_hours", "hours", split_by="gpu_type", segments=GPU_TYPES
    ),
    "parallel_jobs": Measured(
        "gpu_usage", "Most jobs in parallel", "parallel_jobs", "jobs", method="MAX"
    ),
    "gpu_energy": Measured("gpu_usage", "Energy of GPUs", "energy", "kWh"),
    "stored_data": Measured("storage_usage", "Stored data", "gb_hours", "GB months", Decimal(730)),
    "egress": Measured("storage_usage", "Data sent out", "egress_gb", "GB"),
    "storage_requests": Measured(
        "storage_usage", "Requests", "requests", "10,000 requests", Decimal(10_000), rounding="UP"
    ),
    "engineer_hours": Measured(
        "support_sessions", "Engineer hours", "minutes", "hours", Decimal(60), rounding="UP"
    ),
}


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The rows made here, by code."""

    products: dict[str, Product]
    aggregations: dict[str, Aggregation]


def make(organization: Organization, *, by: Principal) -> Catalogue:
    """Make products, meters and aggregations."""
    reckoning.make_table(organization, by=by)
    products = {
        code: changes.create(Product(organization=organization, name=name, code=code), by=by)
        for code, name in PRODUCTS.items()
    }
    meters = {
        code: changes.create(
            Meter(
                organization=organization,
                product=products[product],
                name=name,
                code=code,
                data_fields=[_field(field) for field in fields],
                derived_fields=DERIVED.get(code, []),
            ),
            by=by,
        )
        for code, (product, name, fields) in METERS.items()
    }
    aggregations = {
        code: changes.create(_aggregation(organization, code, measured, meters), by=by)
        for code, measured in AGGREGATIONS.items()
    }
    reckoning.make_compound(organization, products["language-models"], by=by)
    return Catalogue(products, aggregations)


def _field(field: Field) -> dict[str, Any]:
    category, code, name, unit = field
    return {"category": category, "code": code, "name": name} | ({"unit": unit} if unit else {})


def _aggregation(
    organization: Organization, code: str, measured: Measured, meters: dict[str, Meter]
) -> Aggregation:
    split = measured.split_by
    return Aggregation(
        organization=organization,
        meter=meters[measured.meter],
        name=measured.name,
        code=code,
        target_field=measured.field,
        aggregation=measured.method,
        rounding=measured.rounding,
        quantity_per_unit=measured.per_unit,
        unit=measured.unit,
        segmented_fields=[split] if split else [],
        segments=[{split: value} for value in measured.segments] if split else [],
    )
