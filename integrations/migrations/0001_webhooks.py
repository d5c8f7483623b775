"""Webhook destinations, deliveries and their attempts."""

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
import organizations.kernel.ids
import re
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('organizations', '0001_tenants_and_people'),
    ]

    operations = [
        migrations.CreateModel(
            name='WebhookDestination',
            fields=[
                ('id', models.UUIDField(default=organizations.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('organization', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='organizations.organization')),
                ('version', models.PositiveBigIntegerField(default=1, editable=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('created_by', models.UUIDField(editable=False, null=True)),
                ('modified_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('modified_by', models.UUIDField(editable=False, null=True)),
                ('name', models.CharField(max_length=200)),
                ('description', models.CharField(max_length=500)),
                ('code', models.CharField(blank=True, max_length=80, null=True, validators=[django.core.validators.RegexValidator(re.compile('^[^ \\x00-\\x1f\\x7f-\\x9f\\xa0\\u1680\\u2000-\\u200a\\u202f\\u205f\\u3000\\u2028\\u2029\\xad\\u034f\\u061c\\u180e\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb\\U000e0000-\\U000e0fff\\ud800-\\udfff](?:[^\\x00-\\x1f\\x7f-\\x9f\\xa0\\u1680\\u2000-\\u200a\\u202f\\u205f\\u3000\\u2028\\u2029\\xad\\u034f\\u061c\\u180e\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb\\U000e0000-\\U000e0fff\\ud800-\\udfff]*[^ \\x00-\\x1f\\x7f-\\x9f\\xa0\\u1680\\u2000-\\u200a\\u202f\\u205f\\u3000\\u2028\\u2029\\xad\\u034f\\u061c\\u180e\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb\\U000e0000-\\U000e0fff\\ud800-\\udfff])?\\Z'), 'must not begin or end with white space, nor hold control characters, invisible ones or white space other than plain spaces', code='code_grammar')])),
                ('url', models.CharField(max_length=2048)),
                ('is_active', models.BooleanField(default=True, verbose_name='active')),
                ('credentials_id', models.UUIDField(default=organizations.kernel.ids.new_id, editable=False)),
                ('credentials_name', models.CharField(blank=True, max_length=200, null=True)),
                ('api_key', models.CharField(max_length=200)),
                ('sealed_secret', models.TextField(editable=False)),
                ('sealed_previous_secret', models.TextField(blank=True, editable=False, null=True)),
                ('previous_secret_ends_at', models.DateTimeField(editable=False, null=True)),
                ('header_names', models.JSONField(blank=True, default=dict)),
                ('paused_until', models.DateTimeField(editable=False, null=True)),
                ('paused_except_id', models.UUIDField(editable=False, null=True)),
                ('failing_since', models.DateTimeField(editable=False, null=True)),
                ('disable_clock_at', models.DateTimeField(editable=False, null=True)),
                ('disabled_reason', models.CharField(editable=False, max_length=200, null=True)),
            ],
            options={
                'indexes': [models.Index(fields=['organization', '-created_at', '-id'], name='webhook_destination_newest')],
                'constraints': [models.UniqueConstraint(fields=('organization', 'code'), name='webhook_destination_code_unique')],
            },
        ),
        migrations.CreateModel(
            name='Delivery',
            fields=[
                ('id', models.UUIDField(default=organizations.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='organizations.organization')),
                ('destination', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='integrations.webhookdestination')),
                ('event_id', models.UUIDField()),
                ('event_name', models.CharField(max_length=100)),
                ('rule_id', models.UUIDField(null=True)),
                ('body', models.BinaryField()),
                ('status', models.CharField(choices=[('WAITING', 'Waiting'), ('STARTED', 'Being sent'), ('AWAITING_RETRY', 'Awaiting retry'), ('RATE_LIMIT_RETRY', 'Slowed down by the receiver'), ('COMPLETE', 'Delivered'), ('ERROR', 'Failed'), ('DISABLED', 'Destination inactive')], default='WAITING', max_length=16)),
                ('attempts_made', models.PositiveSmallIntegerField(default=0)),
                ('attempts_before_round', models.PositiveSmallIntegerField(default=0)),
                ('next_attempt_at', models.DateTimeField(null=True)),
                ('claimed_until', models.DateTimeField(null=True)),
                ('created_at', models.DateTimeField()),
                ('finished_at', models.DateTimeField(null=True)),
                ('error', models.TextField(blank=True, default='')),
            ],
            options={
                'verbose_name_plural': 'deliveries',
                'indexes': [models.Index(fields=['organization', '-created_at', '-id'], name='delivery_newest'), models.Index(fields=['destination', '-created_at', '-id'], name='delivery_destination'), models.Index(condition=models.Q(('next_attempt_at__isnull', False)), fields=['destination', 'next_attempt_at', 'id'], name='delivery_due'), models.Index(condition=models.Q(('claimed_until__isnull', False)), fields=['destination', 'claimed_until'], name='delivery_leased')],
                'constraints': [models.UniqueConstraint(fields=('event_id', 'rule_id', 'destination'), name='delivery_unique', nulls_distinct=False)],
            },
        ),
        migrations.CreateModel(
            name='DeliveryAttempt',
            fields=[
                ('id', models.UUIDField(default=organizations.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('delivery', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='attempts', to='integrations.delivery')),
                ('number', models.PositiveSmallIntegerField()),
                ('started_at', models.DateTimeField()),
                ('duration_ms', models.PositiveIntegerField()),
                ('status_code', models.PositiveSmallIntegerField(null=True)),
                ('error', models.TextField(blank=True, default='')),
                ('response_head', models.TextField(blank=True, default='')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('delivery', 'number'), name='delivery_attempt_number_unique')],
            },
        ),
    ]
