"""Invitations, support access, sessions, second factors and sign-in providers."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
import organizations.kernel.ids
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('organizations', '0002_records_and_pick_lists'),
    ]

    operations = [
        migrations.CreateModel(
            name='Invitation',
            fields=[
                ('id', models.UUIDField(default=organizations.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('organization', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='organizations.organization')),
                ('version', models.PositiveBigIntegerField(default=1, editable=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('created_by', models.UUIDField(editable=False, null=True)),
                ('modified_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('modified_by', models.UUIDField(editable=False, null=True)),
                ('email', models.EmailField(max_length=254)),
                ('first_name', models.CharField(blank=True, max_length=100)),
                ('last_name', models.CharField(blank=True, max_length=100)),
                ('contact_number', models.CharField(blank=True, max_length=50)),
                ('policy_ids', models.JSONField(blank=True, default=list)),
                ('access_ends_at', models.DateTimeField(blank=True, null=True)),
                ('expires_at', models.DateTimeField()),
                ('is_accepted', models.BooleanField(default=False, editable=False)),
                ('token_hash', models.BinaryField(max_length=32, null=True)),
            ],
            options={
                'indexes': [models.Index(fields=['organization', '-created_at', '-id'], name='invitation_newest')],
                'constraints': [models.UniqueConstraint(fields=('token_hash',), name='invitation_token_unique')],
            },
        ),
        migrations.CreateModel(
            name='OpenSession',
            fields=[
                ('id', models.UUIDField(default=organizations.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='open_sessions', to=settings.AUTH_USER_MODEL)),
                ('session_key', models.CharField(max_length=40, unique=True)),
                ('started_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('latest_seen_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('source_address', models.GenericIPAddressField(null=True)),
                ('user_agent', models.CharField(blank=True, max_length=300)),
            ],
        ),
        migrations.CreateModel(
            name='PersonalToken',
            fields=[
                ('id', models.UUIDField(default=organizations.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('organization', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='organizations.organization')),
                ('version', models.PositiveBigIntegerField(default=1, editable=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('created_by', models.UUIDField(editable=False, null=True)),
                ('modified_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('modified_by', models.UUIDField(editable=False, null=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='personal_tokens', to=settings.AUTH_USER_MODEL)),
                ('expires_at', models.DateTimeField()),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='ProviderIdentity',
            fields=[
                ('id', models.UUIDField(default=organizations.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('organization', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='organizations.organization')),
                ('version', models.PositiveBigIntegerField(default=1, editable=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('created_by', models.UUIDField(editable=False, null=True)),
                ('modified_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('modified_by', models.UUIDField(editable=False, null=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='provider_identities', to=settings.AUTH_USER_MODEL)),
                ('issuer', models.CharField(max_length=500)),
                ('subject', models.CharField(max_length=255)),
            ],
            options={
                'verbose_name_plural': 'provider identities',
                'constraints': [models.UniqueConstraint(fields=('organization', 'issuer', 'subject'), name='provider_identity_unique'), models.UniqueConstraint(fields=('organization', 'issuer', 'user'), name='provider_identity_user_unique')],
            },
        ),
        migrations.CreateModel(
            name='RecoveryCode',
            fields=[
                ('id', models.UUIDField(default=organizations.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='recovery_codes', to=settings.AUTH_USER_MODEL)),
                ('code_hash', models.BinaryField(max_length=32)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('user', 'code_hash'), name='recovery_code_unique')],
            },
        ),
        migrations.CreateModel(
            name='SecondFactor',
            fields=[
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='second_factor', serialize=False, to=settings.AUTH_USER_MODEL)),
                ('secret', models.TextField()),
                ('confirmed_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('latest_step', models.BigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name='SignInSettings',
            fields=[
                ('id', models.UUIDField(default=organizations.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('organization', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='organizations.organization')),
                ('version', models.PositiveBigIntegerField(default=1, editable=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('created_by', models.UUIDField(editable=False, null=True)),
                ('modified_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('modified_by', models.UUIDField(editable=False, null=True)),
                ('requires_second_factor', models.BooleanField(default=False, verbose_name='require a second factor')),
                ('provider_issuer', models.URLField(blank=True, max_length=500, verbose_name='issuer')),
                ('provider_client_id', models.CharField(blank=True, max_length=200, verbose_name='client id')),
                ('provider_secret', models.TextField(blank=True, editable=False, verbose_name='client secret')),
                ('provider_domains', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=253), blank=True, default=list, size=None, verbose_name='e-mail domains')),
                ('requires_provider', models.BooleanField(default=False, verbose_name='only through the provider')),
            ],
            options={
                'verbose_name_plural': 'sign-in settings',
                'constraints': [models.UniqueConstraint(fields=('organization',), name='sign_in_settings_unique'), models.CheckConstraint(condition=models.Q(('requires_provider', False), models.Q(('provider_issuer', ''), _negated=True), _connector='OR'), name='sign_in_provider_required_and_named')],
            },
        ),
        migrations.CreateModel(
            name='SupportAccess',
            fields=[
                ('id', models.UUIDField(default=organizations.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('organization', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='organizations.organization')),
                ('version', models.PositiveBigIntegerField(default=1, editable=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('created_by', models.UUIDField(editable=False, null=True)),
                ('modified_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('modified_by', models.UUIDField(editable=False, null=True)),
                ('ends_at', models.DateTimeField()),
                ('statements', models.JSONField(default=list)),
            ],
            options={
                'verbose_name_plural': 'support access',
                'constraints': [models.UniqueConstraint(fields=('organization',), name='support_access_unique')],
            },
        ),
    ]
