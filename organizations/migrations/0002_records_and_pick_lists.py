"""What happened (events, audit trail, alerts, kept answers), and the lists people choose from."""

import django.db.models.deletion
import django.utils.timezone
import organizations.kernel.exact_json
import organizations.kernel.ids
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('organizations', '0001_tenants_and_people'),
    ]

    operations = [
        migrations.CreateModel(
            name='Alert',
            fields=[
                ('id', models.UUIDField(default=organizations.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='organizations.organization')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('modified_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('severity', models.CharField(choices=[('INFO', 'Info'), ('WARN', 'Warning'), ('ERROR', 'Error')], max_length=8)),
                ('status', models.CharField(choices=[('NEW', 'New'), ('IN_PROGRESS', 'In progress'), ('RESOLVED', 'Resolved')], default='NEW', max_length=16)),
                ('type', models.CharField(max_length=60)),
                ('description', models.TextField()),
                ('account_id', models.UUIDField(null=True)),
                ('resource_id', models.UUIDField(null=True)),
            ],
            options={
                'indexes': [models.Index(fields=['organization', '-created_at', '-id'], name='alert_newest')],
            },
        ),
        migrations.CreateModel(
            name='AuditEntry',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('organization', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='organizations.organization')),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
                ('principal_id', models.UUIDField(null=True)),
                ('principal_kind', models.CharField(max_length=16)),
                ('access_key_id', models.UUIDField(null=True)),
                ('source_address', models.GenericIPAddressField(null=True)),
                ('request_id', models.CharField(blank=True, max_length=100)),
                ('action', models.CharField(max_length=40)),
                ('resource', models.CharField(max_length=60)),
                ('entity_id', models.UUIDField(null=True)),
                ('difference', organizations.kernel.exact_json.KeptJSONField(default=dict)),
                ('is_allowed', models.BooleanField(default=True)),
            ],
            options={
                'verbose_name_plural': 'audit entries',
                'indexes': [models.Index(fields=['organization', '-id'], name='audit_entry_newest'), models.Index(fields=['organization', 'entity_id', '-id'], name='audit_entry_entity')],
            },
        ),
        migrations.CreateModel(
            name='AuditSeal',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('last_entry_id', models.BigIntegerField()),
                ('announced_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('next_transaction', models.BigIntegerField()),
                ('sealed_at', models.DateTimeField(null=True)),
                ('entry_count', models.BigIntegerField(null=True)),
                ('hash', models.BinaryField(max_length=32, null=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('last_entry_id',), name='audit_seal_last_entry_unique')],
            },
        ),
        migrations.CreateModel(
            name='BillGroupingKey',
            fields=[
                ('id', models.UUIDField(default=organizations.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('organization', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='organizations.organization')),
                ('version', models.PositiveBigIntegerField(default=1, editable=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('created_by', models.UUIDField(editable=False, null=True)),
                ('modified_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('modified_by', models.UUIDField(editable=False, null=True)),
                ('name', models.CharField(max_length=200)),
                ('code', models.CharField(blank=True, max_length=80, null=True, validators=[organizations.kernel.ids.strict_code])),
                ('is_archived', models.BooleanField(default=False, verbose_name='archived')),
                ('is_exclusive', models.BooleanField(verbose_name='exclusive')),
            ],
            options={
                'indexes': [models.Index(fields=['organization', '-created_at', '-id'], name='bill_grouping_key_newest')],
                'constraints': [models.UniqueConstraint(fields=('organization', 'code'), name='bill_grouping_key_code_unique')],
            },
        ),
        migrations.CreateModel(
            name='CreditReason',
            fields=[
                ('id', models.UUIDField(default=organizations.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('organization', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='organizations.organization')),
                ('version', models.PositiveBigIntegerField(default=1, editable=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('created_by', models.UUIDField(editable=False, null=True)),
                ('modified_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('modified_by', models.UUIDField(editable=False, null=True)),
                ('name', models.CharField(max_length=200)),
                ('code', models.CharField(blank=True, max_length=80, null=True, validators=[organizations.kernel.ids.strict_code])),
                ('is_archived', models.BooleanField(default=False, verbose_name='archived')),
            ],
            options={
                'indexes': [models.Index(fields=['organization', '-created_at', '-id'], name='credit_reason_newest')],
                'constraints': [models.UniqueConstraint(fields=('organization', 'code'), name='credit_reason_code_unique')],
            },
        ),
        migrations.CreateModel(
            name='CustomFieldDefaults',
            fields=[
                ('id', models.UUIDField(default=organizations.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('organization', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='organizations.organization')),
                ('version', models.PositiveBigIntegerField(default=1, editable=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('created_by', models.UUIDField(editable=False, null=True)),
                ('modified_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('modified_by', models.UUIDField(editable=False, null=True)),
                ('for_organization', organizations.kernel.exact_json.ExactJSONField(blank=True, default=dict)),
                ('for_account', organizations.kernel.exact_json.ExactJSONField(blank=True, default=dict)),
                ('for_account_plan', organizations.kernel.exact_json.ExactJSONField(blank=True, default=dict)),
                ('for_meter', organizations.kernel.exact_json.ExactJSONField(blank=True, default=dict)),
                ('for_product', organizations.kernel.exact_json.ExactJSONField(blank=True, default=dict)),
                ('for_plan_template', organizations.kernel.exact_json.ExactJSONField(blank=True, default=dict)),
                ('for_plan', organizations.kernel.exact_json.ExactJSONField(blank=True, default=dict)),
                ('for_aggregation', organizations.kernel.exact_json.ExactJSONField(blank=True, default=dict)),
                ('for_compound_aggregation', organizations.kernel.exact_json.ExactJSONField(blank=True, default=dict)),
                ('for_contract', organizations.kernel.exact_json.ExactJSONField(blank=True, default=dict)),
            ],
            options={
                'verbose_name_plural': 'custom field defaults',
                'constraints': [models.UniqueConstraint(fields=('organization',), name='custom_fields_one_per_organization')],
            },
        ),
        migrations.CreateModel(
            name='DebitReason',
            fields=[
                ('id', models.UUIDField(default=organizations.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('organization', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='organizations.organization')),
                ('version', models.PositiveBigIntegerField(default=1, editable=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('created_by', models.UUIDField(editable=False, null=True)),
                ('modified_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('modified_by', models.UUIDField(editable=False, null=True)),
                ('name', models.CharField(max_length=200)),
                ('code', models.CharField(blank=True, max_length=80, null=True, validators=[organizations.kernel.ids.strict_code])),
                ('is_archived', models.BooleanField(default=False, verbose_name='archived')),
            ],
            options={
                'indexes': [models.Index(fields=['organization', '-created_at', '-id'], name='debit_reason_newest')],
                'constraints': [models.UniqueConstraint(fields=('organization', 'code'), name='debit_reason_code_unique')],
            },
        ),
        migrations.CreateModel(
            name='Event',
            fields=[
                ('id', models.UUIDField(default=organizations.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('organization', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='organizations.organization')),
                ('name', models.CharField(max_length=100)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('payload', organizations.kernel.exact_json.KeptJSONField(default=dict)),
                ('resource_id', models.UUIDField(null=True)),
                ('account_id', models.UUIDField(null=True)),
                ('actioned_at', models.DateTimeField(blank=True, null=True)),
                ('dispatched_at', models.DateTimeField(editable=False, null=True)),
            ],
            options={
                'indexes': [models.Index(fields=['organization', '-created_at', '-id'], name='event_newest'), models.Index(fields=['organization', 'name', '-created_at', '-id'], name='event_name_newest'), models.Index(fields=['organization', 'resource_id'], name='event_resource'), models.Index(fields=['organization', 'account_id'], name='event_account'), models.Index(condition=models.Q(('dispatched_at__isnull', True)), fields=['created_at', 'id'], name='event_undispatched')],
            },
        ),
        migrations.CreateModel(
            name='KeptAnswer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='organizations.organization')),
                ('principal_id', models.UUIDField()),
                ('key_hash', models.BinaryField(help_text="SHA-256 of the client's key.", max_length=32)),
                ('request_hash', models.BinaryField(help_text='Of address, query and body.', max_length=32)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('status', models.PositiveSmallIntegerField(null=True)),
                ('content_type', models.CharField(blank=True, max_length=100)),
                ('body', models.BinaryField(null=True)),
            ],
            options={
                'indexes': [models.Index(fields=['created_at'], name='kept_answer_oldest')],
                'constraints': [models.UniqueConstraint(fields=('organization', 'principal_id', 'key_hash'), name='kept_answer_unique')],
            },
        ),
        migrations.CreateModel(
            name='TransactionType',
            fields=[
                ('id', models.UUIDField(default=organizations.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('organization', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='organizations.organization')),
                ('version', models.PositiveBigIntegerField(default=1, editable=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('created_by', models.UUIDField(editable=False, null=True)),
                ('modified_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('modified_by', models.UUIDField(editable=False, null=True)),
                ('name', models.CharField(max_length=200)),
                ('code', models.CharField(blank=True, max_length=80, null=True, validators=[organizations.kernel.ids.strict_code])),
                ('is_archived', models.BooleanField(default=False, verbose_name='archived')),
            ],
            options={
                'indexes': [models.Index(fields=['organization', '-created_at', '-id'], name='transaction_type_newest')],
                'constraints': [models.UniqueConstraint(fields=('organization', 'code'), name='transaction_type_code_unique')],
            },
        ),
    ]
