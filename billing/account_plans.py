"""Changes of more than one account plan at once."""

from billing.models import AccountPlan
from organizations.kernel import changes
from organizations.kernel.errors import FieldRefused
from organizations.kernel.principals import Principal


def replace(
    original: AccountPlan, replacement: AccountPlan, *, by: Principal
) -> tuple[AccountPlan, AccountPlan]:
    """End one account plan where another begins, both or neither (ACP-4).

    Returns the ended one and the new one. The replacement starts inside the original's time.
    """
    if replacement.account_id != original.account_id:
        raise FieldRefused("accountId", "must be the account of the account plan being replaced")
    is_outside = replacement.start_date <= original.start_date or (
        original.end_date is not None and replacement.start_date > original.end_date
    )
    if is_outside:
        raise FieldRefused("startDate", "must lie inside the account plan being replaced")
    with changes.refusing():
        with changes.editing(original, by=by) as ended:
            ended.end_date = replacement.start_date
        changes.create(replacement, by=by)
    return ended, replacement
