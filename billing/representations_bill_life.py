"""How the lock date and statements look outside."""

from typing import Any

from billing.models import BillConfig, StatementDefinition, StatementJob
from billing.statements import jobs
from organizations.kernel.representing import audit, identity


def bill_config(row: BillConfig) -> dict[str, Any]:
    """The lock date."""
    return {**identity(row), "billLockDate": row.bill_lock_date, **audit(row)}


def statement_definition(row: StatementDefinition) -> dict[str, Any]:
    """How statements break usage down."""
    return {
        **identity(row),
        "name": row.name,
        "aggregationFrequency": row.aggregation_frequency,
        "includePricePerUnit": row.include_price_per_unit,
        "dimensions": row.dimensions,
        "measures": row.measures,
        "generateSlimStatements": row.generate_slim_statements,
        **audit(row),
    }


def statement_job(row: StatementJob) -> dict[str, Any]:
    """A statement job; the addresses of its files are made for whoever asks for them."""
    freshness = jobs.freshness(row) if row.json_file_id else None
    return {
        **identity(row),
        "statementJobStatus": row.status,
        "billId": str(row.bill_id),
        "orgId": str(row.organization_id),
        "includeCsvFormat": row.include_csv_format,
        "filters": {"meterIds": [str(one) for one in row.meter_ids]},
        "presignedJsonStatementUrl": None,
        "jsonStatementStatus": freshness,
        "presignedCsvStatementUrl": None,
        "csvStatementStatus": freshness if row.csv_file_id else None,
        **audit(row),
    }
