"""Where events go, and every attempt to bring them there."""

from django.db import models
from django.db.models import Q

from organizations.kernel import ids, sealing
from organizations.kernel.tenancy import TenantModel, TenantQuerySet, newest_first_index

SEALED_FOR = "webhook secret"


class Channel(models.TextChoices):
    """How a destination is told: signed requests, or one of the channels that people look at."""

    WEBHOOK = "WEBHOOK", "Webhook"
    EMAIL = "EMAIL", "E-mail"
    SLACK = "SLACK", "Slack"
    PAGERDUTY = "PAGERDUTY", "PagerDuty"
    OPSGENIE = "OPSGENIE", "Opsgenie"


class WebhookDestination(TenantModel):
    """An address that receives events, with the secret its deliveries are signed with.

    Other channels than webhooks have their secret here as well: the key, or the whole address of
    Slack; ``url`` is then the public part of it, or ``mailto:`` with the addresses.

    ``secret`` is sealed in the database and write-only outside: answers and forms show a mask
    (C1). ``previous_secret`` signs in parallel until ``previous_secret_ends_at`` after a rotation
    (C4). ``header_names`` maps the names of C4 to those a receiver expects instead.
    """

    channel = models.CharField(max_length=10, choices=Channel.choices, default=Channel.WEBHOOK)
    name = models.CharField(max_length=200)
    description = models.CharField(max_length=500)
    code = models.CharField(max_length=80, null=True, blank=True, validators=[ids.relaxed_code])
    url = models.CharField(max_length=2048)
    is_active = models.BooleanField("active", default=True)
    credentials_id = models.UUIDField(default=ids.new_id, editable=False)
    credentials_name = models.CharField(max_length=200, null=True, blank=True)
    api_key = models.CharField(max_length=200)
    sealed_secret = models.TextField(editable=False)
    sealed_previous_secret = models.TextField(null=True, blank=True, editable=False)
    previous_secret_ends_at = models.DateTimeField(null=True, editable=False)
    header_names = models.JSONField(default=dict, blank=True)
    # Set by 429, 502 and 504: no attempt before, but the retry of the delivery that met it (C5.4).
    paused_until = models.DateTimeField(null=True, editable=False)
    paused_except_id = models.UUIDField(null=True, editable=False)
    # Since when there have been only failures; cleared by a success (C5.7).
    failing_since = models.DateTimeField(null=True, editable=False)
    # Since when the five days to automatic disabling run; cleared by a success (C5.7).
    disable_clock_at = models.DateTimeField(null=True, editable=False)
    disabled_reason = models.CharField(max_length=200, null=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "code"], name="webhook_destination_code_unique"
            ),
            models.CheckConstraint(
                condition=Q(channel__in=Channel.values), name="webhook_destination_channel_known"
            ),
        ]
        indexes = [newest_first_index("webhook_destination_newest")]

    def __str__(self) -> str:
        return self.name

    @property
    def secret(self) -> str:
        """What signs; raises ``sealing.Unreadable`` when SECRET_KEY is not the one it was."""
        return sealing.unseal(self.sealed_secret, purpose=SEALED_FOR)

    @secret.setter
    def secret(self, text: str) -> None:
        self.sealed_secret = sealing.seal(text, purpose=SEALED_FOR)

    @property
    def previous_secret(self) -> str | None:
        """What signed before the rotation; raises like ``secret``."""
        sealed = self.sealed_previous_secret
        return sealing.unseal(sealed, purpose=SEALED_FOR) if sealed else None


class NotificationChannel(WebhookDestination):
    """A destination that people look at: what the page of channels is about."""

    class Meta:
        proxy = True
        verbose_name = "channel"


class DeliveryStatus(models.TextChoices):
    WAITING = "WAITING", "Waiting"
    STARTED = "STARTED", "Being sent"
    AWAITING_RETRY = "AWAITING_RETRY", "Awaiting retry"
    RATE_LIMIT_RETRY = "RATE_LIMIT_RETRY", "Slowed down by the receiver"
    COMPLETE = "COMPLETE", "Delivered"
    ERROR = "ERROR", "Failed"
    DISABLED = "DISABLED", "Destination inactive"


class Delivery(models.Model):
    """One event on its way to one destination: the frozen bytes and when to try next.

    Unique per event, rule (null: none) and destination; its id is the ``webhook-id`` of every
    attempt. ``next_attempt_at`` lives here, so a broker restart loses nothing, and is null once
    the delivery has ended. ``claimed_until`` is a lease: of the queue while WAITING or awaiting a
    retry, of the worker that sends while STARTED.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    organization = models.ForeignKey(
        "organizations.Organization", on_delete=models.PROTECT, related_name="+"
    )
    destination = models.ForeignKey(
        WebhookDestination, on_delete=models.CASCADE, related_name="deliveries"
    )
    event_id = models.UUIDField()
    event_name = models.CharField(max_length=100)
    rule_id = models.UUIDField(null=True)
    body = models.BinaryField()
    status = models.CharField(max_length=16, choices=DeliveryStatus, default=DeliveryStatus.WAITING)
    attempts_made = models.PositiveSmallIntegerField(default=0)
    # ``attempts_made`` when the running round of attempts began: "send again" starts a new one.
    attempts_before_round = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True)
    claimed_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    error = models.TextField(default="", blank=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(
                fields=["event_id", "rule_id", "destination"],
                name="delivery_unique",
                nulls_distinct=False,
            )
        ]
        indexes = [
            models.Index(fields=["organization", "-created_at", "-id"], name="delivery_newest"),
            models.Index(fields=["destination", "-created_at", "-id"], name="delivery_destination"),
            models.Index(
                fields=["destination", "next_attempt_at", "id"],
                name="delivery_due",
                condition=Q(next_attempt_at__isnull=False),
            ),
            # A few rows, whatever waits behind them: how many a destination is busy with.
            models.Index(
                fields=["destination", "claimed_until"],
                name="delivery_leased",
                condition=Q(claimed_until__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event_name} to {self.destination_id} [{self.pk}]"

    @property
    def attempts_in_round(self) -> int:
        """How many attempts of the retry schedule (C5.3) are used up."""
        return self.attempts_made - self.attempts_before_round


class DeliveryAttempt(models.Model):
    """One request to the destination and what came back."""

    belongs_to = "delivery"

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    started_at = models.DateTimeField()
    duration_ms = models.PositiveIntegerField()
    status_code = models.PositiveSmallIntegerField(null=True)
    error = models.TextField(default="", blank=True)
    response_head = models.TextField(default="", blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["delivery", "number"], name="delivery_attempt_number_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.delivery_id} #{self.number}"
