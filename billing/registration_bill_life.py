"""What the registry is told of the lock date and of statements."""

from billing import representations_bill_life as look
from billing.bills import lock_dates
from billing.models import Account, BillConfig, StatementDefinition, StatementJob
from billing.statements import rules
from organizations.kernel import registry
from organizations.models import OrganizationConfig


def register() -> None:
    """Register entities, and what keeps a definition from being deleted."""
    registry.register(
        BillConfig,
        "billing:billConfig",
        event="billing.billconfig",
        represent=look.bill_config,
        follow=lock_dates.follow,
    )
    registry.register(
        StatementDefinition,
        "config:statementDefinition",
        represent=look.statement_definition,
        check=rules.check_definition,
    )
    registry.register(
        StatementJob,
        "billing:statementJob",
        event="billing.statementjob",
        represent=look.statement_job,
    )
    registry.also_check(Account, rules.check_account)
    registry.also_check(OrganizationConfig, rules.check_config)
    registry.refers(
        StatementDefinition,
        "accounts",
        lambda row: Account.objects.filter(
            organization_id=row.organization_id, statement_definition_id=row.pk
        ),
    )
    registry.refers(
        StatementDefinition,
        "organization configurations",
        lambda row: OrganizationConfig.objects.filter(
            organization_id=row.organization_id, default_statement_definition_id=row.pk
        ),
    )
