"""What we prove to a system outside who we are with; sealed, and never told to anybody."""

import json

from django.db import models

from organizations.kernel import sealing
from organizations.kernel.tenancy import TenantModel, newest_first_index

SEALED_FOR = "integration credential"


class IntegrationCredential(TenantModel):
    """The secrets for one account in one system; several configurations may share it (A7).

    Secrets are sealed at rest and write-only outside. They are not edited: another credential
    takes the place of this one. Only what the system itself renews (tokens) changes here.
    """

    name = models.CharField(max_length=200, null=True, blank=True)
    type = models.CharField(max_length=60)
    destination = models.CharField(max_length=60, null=True, blank=True)
    sealed_secrets = models.TextField(editable=False, default="")
    # Nothing to prove: the configuration is there for what is built outside.
    is_empty = models.BooleanField("needs no details", default=False)
    is_authorized = models.BooleanField("connected", default=False, editable=False)
    owner = models.CharField("account there", max_length=200, default="", editable=False)
    tokens_end_at = models.DateTimeField(null=True, editable=False)
    # The system asked for fewer calls: no run of this credential before.
    paused_until = models.DateTimeField(null=True, editable=False)

    class Meta:
        indexes = [newest_first_index("integration_credential_newest")]

    def __str__(self) -> str:
        return self.name or f"{self.destination or self.type} credential"

    @property
    def secrets(self) -> dict[str, str]:
        """What is sealed; raises ``sealing.Unreadable`` when SECRET_KEY is not the one it was."""
        if not self.sealed_secrets:
            return {}
        found: dict[str, str] = json.loads(sealing.unseal(self.sealed_secrets, purpose=SEALED_FOR))
        return found

    @secrets.setter
    def secrets(self, values: dict[str, str]) -> None:
        self.sealed_secrets = sealing.seal(json.dumps(values), purpose=SEALED_FOR)


class OAuthConnection(models.Model):
    """A person who has left for the page of a system, to come back with its consent, once."""

    id = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey(
        "organizations.Organization", on_delete=models.CASCADE, related_name="+"
    )
    credential = models.ForeignKey(
        IntegrationCredential, on_delete=models.CASCADE, related_name="connections"
    )
    person_id = models.UUIDField()
    hashed_state = models.CharField(max_length=64, unique=True)
    sealed_verifier = models.TextField()
    ends_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.credential_id} until {self.ends_at}"
