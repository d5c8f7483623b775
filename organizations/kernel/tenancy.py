"""Every row belongs to one organization: the base model, and the one way to narrow a query."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self
from uuid import UUID

from django.db import models
from django.utils import timezone

from organizations.kernel import ids, isolation


class TenantQuerySet(models.QuerySet):
    """Query vocabulary every tenant table shares."""

    def for_organization(self, organization: UUID | models.Model) -> Self:
        """Return only the rows of one organization (id or instance)."""
        return self.filter(organization_id=getattr(organization, "pk", organization))

    def newest_first(self) -> Self:
        """Return the rows in list order: newest first, ties by id descending (B2.2)."""
        return self.order_by("-created_at", "-id")


def organization_field(**options: Any) -> models.ForeignKey:
    """Return the column of the organization a row belongs to.

    Tables that grow by the thousand say ``db_index=False``: their other indexes begin with it.
    """
    return models.ForeignKey(
        "organizations.Organization",
        on_delete=models.PROTECT,
        related_name="+",
        **{"editable": False, **options},
    )


class TenantModel(models.Model):
    """A row of one organization, with identity, version and who made and changed it when.

    ``version`` is 1 on create and grows by one per update; ``organizations.kernel.changes`` is the
    only place that raises it. ``created_by`` and ``modified_by`` are ids of a user, service user
    or the system principal.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    organization = organization_field()
    version = models.PositiveBigIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.UUIDField(null=True, editable=False)
    modified_at = models.DateTimeField(default=timezone.now, editable=False)
    modified_by = models.UUIDField(null=True, editable=False)

    objects = TenantQuerySet.as_manager()

    class Meta:
        abstract = True


def quantity_field(**options: object) -> models.DecimalField:
    """Return a column for quantities, prices and amounts: 38 digits, 18 of them after the point."""
    return models.DecimalField(max_digits=38, decimal_places=18, **options)


def newest_first_index(name: str) -> models.Index:
    """Return the index behind a list's keyset paging."""
    return models.Index(fields=["organization", "-created_at", "-id"], name=name)


@contextmanager
def within_that_of(
    model: type[models.Model], row_id: UUID | str, *, path: str = "organization_id"
) -> Iterator[None]:
    """See only the organization of one row inside the block; of a row that is gone, nothing.

    For tasks, which know an id; ``path`` leads from the row to its organization.
    """
    with isolation.everywhere():
        found = model._base_manager.filter(pk=row_id).values_list(path, flat=True).first()
    with isolation.nothing() if found is None else isolation.within(found):
        yield
