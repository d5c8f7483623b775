"""People, service users, their keys, and the policies that say what they may do."""

from typing import Any
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from organizations.kernel import clock, ids, isolation, principals
from organizations.kernel.tenancy import TenantModel, newest_first_index


class UserManager(BaseUserManager):
    """Makes people; the e-mail address is the login name (A2.3)."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Make a person; without password they cannot log in with one.

        Whoever asked is told by the trail of the organization they join (A9.2).
        """
        made_by = {"created_by": principals.SYSTEM_ID, "modified_by": principals.SYSTEM_ID}
        user = self.model(email=self.normalize_email(email), **{**made_by, **fields})
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Make an operator of the installation, who bypasses policies."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, email: str | None) -> "User":
        """Find by e-mail, whatever its case."""
        return self.get(email__iexact=email)


class User(AbstractBaseUser, PermissionsMixin):
    """A person, who may be a member of several organizations."""

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    version = models.PositiveBigIntegerField(default=1, editable=False)
    email = models.EmailField(max_length=254)
    first_name = models.CharField(max_length=100, blank=True)
    last_name = models.CharField(max_length=100, blank=True)
    contact_number = models.CharField(max_length=50, blank=True)
    is_staff = models.BooleanField(default=True)
    is_active = models.BooleanField(default=True)
    is_support = models.BooleanField("support user", default=False)
    must_change_password = models.BooleanField(default=False)
    temporary_password_expires_at = models.DateTimeField(null=True, blank=True)
    first_accepted_terms_at = models.DateTimeField(null=True, blank=True)
    latest_accepted_terms_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.UUIDField(null=True, editable=False)
    modified_at = models.DateTimeField(default=timezone.now, editable=False)
    modified_by = models.UUIDField(null=True, editable=False)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = []

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_unique")]

    def __str__(self) -> str:
        return self.email

    def get_full_name(self) -> str:
        """Return first and last name, or the e-mail address when both are empty."""
        return f"{self.first_name} {self.last_name}".strip() or self.email

    def get_short_name(self) -> str:
        """Return the first name, or the e-mail address."""
        return self.first_name or self.email

    def current_organization_ids(self) -> list[UUID]:
        """Return the organizations the person has access to now, oldest membership first."""
        current = models.Q(access_ends_at__isnull=True) | models.Q(access_ends_at__gt=clock.now())
        rows = self.memberships.filter(current).order_by("created_at", "pk")
        with isolation.everywhere():
            return list(rows.values_list("organization_id", flat=True))


class Membership(TenantModel):
    """A person's place in one organization."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    access_ends_at = models.DateTimeField(null=True, blank=True)
    # Inline statements of this person (A2.1), beside the attached policies.
    statements = models.JSONField(default=list, blank=True)

    class Meta:
        verbose_name = "user"
        constraints = [
            models.UniqueConstraint(fields=["organization", "user"], name="membership_user_unique")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.organization_id}"


class ServiceUser(TenantModel):
    """An automated process that works through the API (A4.1)."""

    name = models.CharField(max_length=200)

    class Meta:
        indexes = [newest_first_index("service_user_newest")]

    def __str__(self) -> str:
        return self.name


class AccessKeyStatus(models.TextChoices):
    ACTIVE = "ACTIVE", "Active"
    INACTIVE = "INACTIVE", "Inactive"


class AccessKey(TenantModel):
    """A service user's credential. The secret is stored as keyed hash and shown once (A4.4)."""

    service_user = models.ForeignKey(
        ServiceUser, on_delete=models.CASCADE, related_name="access_keys"
    )
    secret_hash = models.BinaryField(max_length=32, editable=False)
    status = models.CharField(max_length=8, choices=AccessKeyStatus, default=AccessKeyStatus.ACTIVE)
    latest_used_at = models.DateTimeField(null=True, editable=False)

    def __str__(self) -> str:
        return str(self.pk)


class PermissionPolicy(TenantModel):
    """A named list of statements; attached to principals it says what they may do (A5.1)."""

    name = models.CharField(max_length=100)
    statements = models.JSONField(default=list)
    is_managed = models.BooleanField("managed", default=False, editable=False)

    class Meta:
        verbose_name_plural = "permission policies"
        constraints = [
            models.UniqueConstraint(
                "organization", Lower("name"), name="permission_policy_name_unique"
            )
        ]
        indexes = [newest_first_index("permission_policy_newest")]

    def __str__(self) -> str:
        return self.name


class PrincipalType(models.TextChoices):
    USER = "USER", "User"
    USERGROUP = "USERGROUP", "User group"
    SERVICEUSER = "SERVICEUSER", "Service user"
    SUPPORTUSERS = "SUPPORTUSERS", "Support users"


class PolicyAttachment(TenantModel):
    """One policy attached to one principal (A5.3)."""

    policy = models.ForeignKey(
        PermissionPolicy, on_delete=models.CASCADE, related_name="attachments"
    )
    principal_type = models.CharField(max_length=16, choices=PrincipalType)
    principal_id = models.UUIDField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "policy", "principal_type", "principal_id"],
                name="policy_attachment_unique",
            )
        ]
        indexes = [
            models.Index(
                fields=["organization", "principal_type", "principal_id"],
                name="policy_attachment_principal",
            )
        ]

    def __str__(self) -> str:
        return f"{self.policy_id} on {self.principal_type} {self.principal_id}"
