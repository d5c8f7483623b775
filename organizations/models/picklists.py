"""Short lists an organization keeps for others to pick from (MEM-7)."""

from django.db import models

from organizations.kernel import ids
from organizations.kernel.tenancy import TenantModel, newest_first_index


class PickListEntry(TenantModel):
    """What every pick list's entries have; archived ones stay valid where they are used."""

    name = models.CharField(max_length=200)
    code = models.CharField(max_length=80, null=True, blank=True, validators=[ids.strict_code])
    is_archived = models.BooleanField("archived", default=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name


class CreditReason(PickListEntry):
    """Why a credit stands on a bill."""

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "code"], name="credit_reason_code_unique"
            )
        ]
        indexes = [newest_first_index("credit_reason_newest")]


class DebitReason(PickListEntry):
    """Why a debit stands on a bill."""

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "code"], name="debit_reason_code_unique"
            )
        ]
        indexes = [newest_first_index("debit_reason_newest")]


class TransactionType(PickListEntry):
    """What kind of transaction changed a balance."""

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "code"], name="transaction_type_code_unique"
            )
        ]
        indexes = [newest_first_index("transaction_type_newest")]


class BillGroupingKey(PickListEntry):
    """Which contracts' charges share a bill; an exclusive one has a bill of its own (CON-3)."""

    is_exclusive = models.BooleanField("exclusive")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "code"], name="bill_grouping_key_code_unique"
            )
        ]
        indexes = [newest_first_index("bill_grouping_key_newest")]
