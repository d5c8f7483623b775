"""Invitations: somebody may join an organization by a link that works once (A3)."""

from django.db import models

from organizations.kernel.tenancy import TenantModel, newest_first_index


class Invitation(TenantModel):
    """A person asked to join; the link's token is stored as a hash only (A3.9)."""

    email = models.EmailField(max_length=254)
    first_name = models.CharField(max_length=100, blank=True)
    last_name = models.CharField(max_length=100, blank=True)
    contact_number = models.CharField(max_length=50, blank=True)
    policy_ids = models.JSONField(default=list, blank=True)
    access_ends_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField()
    is_accepted = models.BooleanField(default=False, editable=False)
    # None until the mail is sent, and again once another invitation has replaced this one.
    token_hash = models.BinaryField(max_length=32, null=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["token_hash"], name="invitation_token_unique")
        ]
        indexes = [newest_first_index("invitation_newest")]

    def __str__(self) -> str:
        return self.email
