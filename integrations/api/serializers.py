"""What a webhook destination looks like in a request (C1)."""

from typing import Any

from rest_framework import serializers

from integrations.destinations import LENGTHS, Wanted
from integrations.models import WebhookDestination
from integrations.representations import CREDENTIALS_DESTINATION, CREDENTIALS_TYPE
from organizations.kernel.api import fields
from organizations.kernel.api.serializers import TenantSerializer


class CredentialsSerializer(serializers.Serializer):
    """The key and secret a receiver verifies with.

    ``empty`` has no effect: key and secret are needed in any case, dummies will do. Identity and
    version of the credentials are ours, so they are not read.
    """

    id = fields.IdField(read_only=True)
    version = fields.WholeField(required=False, allow_null=True)
    destinationId = fields.IdField(read_only=True)
    dtCreated = fields.InstantField(read_only=True)
    dtLastModified = fields.InstantField(read_only=True)
    createdBy = fields.IdField(read_only=True, allow_null=True)
    lastModifiedBy = fields.IdField(read_only=True, allow_null=True)
    type = fields.ChoiceField(choices=[CREDENTIALS_TYPE])
    apiKey = fields.TextField()
    secret = fields.TextField()
    name = fields.TextField(required=False, allow_null=True, max_length=LENGTHS["credentials.name"])
    destination = fields.ChoiceField(
        choices=[CREDENTIALS_DESTINATION], required=False, allow_null=True
    )
    empty = fields.FlagField(required=False, allow_null=True)


class WebhookDestinationSerializer(TenantSerializer):
    """Checks the shape; ``destinations`` checks the rules."""

    description = fields.TextField()
    credentials = CredentialsSerializer()

    class Meta:
        model = WebhookDestination
        fields = ["name", "description", "code", "is_active", "url", "credentials"]
        names = {"is_active": "active"}

    def wanted(self) -> Wanted:
        """Return the destination as it is to be."""
        values: dict[str, Any] = self.validated_data
        credentials = values["credentials"]
        return Wanted(
            name=values["name"],
            description=values["description"],
            url=values["url"],
            code=values.get("code"),
            is_active=values.get("is_active", True),
            api_key=credentials["apiKey"],
            secret=credentials["secret"],
            credentials_name=credentials.get("name"),
        )
