"""How people prove who they are: what an organization asks for, and what each person has set up."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from organizations.kernel import ids
from organizations.kernel.tenancy import TenantModel
from organizations.models.access import User


class SignInSettings(TenantModel):
    """What an organization asks of the people who enter it: one row each, made with it."""

    requires_second_factor = models.BooleanField("require a second factor", default=False)
    provider_issuer = models.URLField("issuer", max_length=500, blank=True)
    provider_client_id = models.CharField("client id", max_length=200, blank=True)
    # Sealed (kernel.sealing); nobody can read it again.
    provider_secret = models.TextField("client secret", blank=True, editable=False)
    provider_domains = ArrayField(
        models.CharField(max_length=253), verbose_name="e-mail domains", default=list, blank=True
    )
    requires_provider = models.BooleanField("only through the provider", default=False)

    class Meta:
        verbose_name_plural = "sign-in settings"
        constraints = [
            models.UniqueConstraint(fields=["organization"], name="sign_in_settings_unique"),
            models.CheckConstraint(
                condition=Q(requires_provider=False) | ~Q(provider_issuer=""),
                name="sign_in_provider_required_and_named",
            ),
        ]

    def __str__(self) -> str:
        return "Sign-in"

    @property
    def has_provider(self) -> bool:
        """Whether people may sign in through a provider."""
        return bool(self.provider_issuer and self.provider_client_id)


class ProviderIdentity(TenantModel):
    """A person as an organization's provider knows them; bound at the first sign-in."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="provider_identities")
    issuer = models.CharField(max_length=500)
    subject = models.CharField(max_length=255)

    class Meta:
        verbose_name_plural = "provider identities"
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "issuer", "subject"], name="provider_identity_unique"
            ),
            models.UniqueConstraint(
                fields=["organization", "issuer", "user"], name="provider_identity_user_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject} of {self.issuer}"


class SecondFactor(models.Model):
    """A person's authenticator app. The row exists once a first code has been given."""

    user = models.OneToOneField(
        User, on_delete=models.CASCADE, primary_key=True, related_name="second_factor"
    )
    secret = models.TextField()  # sealed (kernel.sealing)
    confirmed_at = models.DateTimeField(default=timezone.now)
    # The time step of the latest code taken: none is taken twice.
    latest_step = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"Second factor of {self.user_id}"


class RecoveryCode(models.Model):
    """A code that replaces the authenticator app once; stored as a keyed hash."""

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="recovery_codes")
    code_hash = models.BinaryField(max_length=32, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "code_hash"], name="recovery_code_unique")
        ]

    def __str__(self) -> str:
        return f"Recovery code of {self.user_id}"


class OpenSession(models.Model):
    """An open login of a person, so that they can see and end it. The session is the truth."""

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="open_sessions")
    session_key = models.CharField(max_length=40, unique=True)
    started_at = models.DateTimeField(default=timezone.now)
    latest_seen_at = models.DateTimeField(default=timezone.now)
    source_address = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=300, blank=True)

    def __str__(self) -> str:
        return f"Session of {self.user_id} since {self.started_at:%Y-%m-%d %H:%M}"


class PersonalToken(TenantModel):
    """A bearer token a person has minted for themselves (B11.3). Deleting the row revokes it."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="personal_tokens")
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"Token of {self.user_id} until {self.expires_at:%Y-%m-%d %H:%M}"
