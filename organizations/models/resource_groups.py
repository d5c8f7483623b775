"""Groups of rows of one type, which policies can speak of; a group may hold other groups (A6)."""

from django.db import models

from organizations.kernel.tenancy import TenantModel, newest_first_index


class ResourceGroup(TenantModel):
    """A named set of rows of one resource type; of type ``orguser`` it is a user group (A6.6).

    ``type`` is as policies compare it: without letter case, ``user`` spelled ``orguser``.
    """

    type = models.CharField(max_length=40, editable=False)
    name = models.CharField(max_length=100)

    class Meta:
        indexes = [
            newest_first_index("resource_group_newest"),
            models.Index(
                fields=["organization", "type", "-created_at", "-id"],
                name="resource_group_type_newest",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class TargetType(models.TextChoices):
    ITEM = "ITEM", "Item"
    GROUP = "GROUP", "Group"


class ResourceGroupItem(TenantModel):
    """One row, or one group, in a group. ``target_id`` of a person is the person's id.

    ``target_created_at`` repeats when the row was made, which never changes: a group can be read
    in the order of the list of its rows. A group in a group has none.
    """

    group = models.ForeignKey(ResourceGroup, on_delete=models.CASCADE, related_name="items")
    target_type = models.CharField(max_length=5, choices=TargetType)
    target_id = models.UUIDField()
    target_created_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(target_type=TargetType.GROUP)
                | models.Q(target_created_at__isnull=False),
                name="resource_group_item_has_order",
            ),
            # Serves "which groups hold this row" too: policies ask it for each row of a list.
            models.UniqueConstraint(
                fields=["target_id", "group", "target_type"], name="resource_group_item_unique"
            ),
        ]
        indexes = [
            models.Index(fields=["group", "-created_at", "-id"], name="resource_group_item_newest"),
            # All rows a group holds, in list order, read without touching the table (narrowing).
            models.Index(
                fields=["organization", "group", "-target_created_at", "-target_id"],
                condition=models.Q(target_type=TargetType.ITEM),
                name="resource_group_item_ordered",
            ),
            models.Index(
                fields=["group", "target_id"],
                condition=models.Q(target_type=TargetType.GROUP),
                name="resource_group_item_nested",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.target_type} {self.target_id} in {self.group_id}"
