"""The ledger of usage that arrives for locked bills, its rules, and how far it was looked."""

import django.db.models.deletion
import django.utils.timezone
import organizations.kernel.ids
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0018_bill_period_indexes'),
        ('catalog', '0007_lookup_job_versions'),
        ('organizations', '0009_alert_digests'),
    ]

    operations = [
        # Finds what arrived since the last look, and costs next to nothing while rows are added.
        migrations.RunSQL(
            "CREATE INDEX billing_measurement_received_at"
            " ON billing_measurement USING brin (received_at)",
            "DROP INDEX billing_measurement_received_at",
        ),
        migrations.CreateModel(
            name='LateUsageCheck',
            fields=[
                ('organization', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='+', serialize=False, to='organizations.organization')),
                ('checked_until', models.DateTimeField(null=True)),
                ('compared_at', models.DateTimeField(null=True)),
                ('lines_checked', models.PositiveIntegerField(default=0)),
                ('lines_off', models.PositiveIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name='LateUsageBill',
            fields=[
                ('bill', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='+', serialize=False, to='billing.bill')),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='organizations.organization')),
            ],
        ),
        migrations.CreateModel(
            name='LateUsage',
            fields=[
                ('id', models.UUIDField(default=organizations.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('version', models.PositiveBigIntegerField(default=1, editable=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('created_by', models.UUIDField(editable=False, null=True)),
                ('modified_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('modified_by', models.UUIDField(editable=False, null=True)),
                ('usage_key', models.CharField(editable=False, max_length=300)),
                ('number', models.PositiveIntegerField(default=1, editable=False)),
                ('line_item_id', models.UUIDField(editable=False, null=True)),
                ('description', models.TextField(editable=False)),
                ('product_id', models.UUIDField(editable=False, null=True)),
                ('product_name', models.CharField(default='', editable=False, max_length=200)),
                ('accounting_product_id', models.UUIDField(editable=False, null=True)),
                ('contract_id', models.UUIDField(editable=False, null=True)),
                ('plan_id', models.UUIDField(editable=False, null=True)),
                ('account_plan_id', models.UUIDField(editable=False, null=True)),
                ('pricing_id', models.UUIDField(editable=False, null=True)),
                ('meter_id', models.UUIDField(editable=False, null=True)),
                ('aggregation_id', models.UUIDField(editable=False, null=True)),
                ('segment', models.JSONField(default=dict, editable=False)),
                ('service_period_start', models.DateTimeField(editable=False)),
                ('service_period_end', models.DateTimeField(editable=False, help_text='Exclusive.')),
                ('quantity', models.DecimalField(decimal_places=18, editable=False, max_digits=38)),
                ('units', models.DecimalField(decimal_places=18, editable=False, max_digits=38)),
                ('unit', models.CharField(default='', editable=False, max_length=50)),
                ('currency', models.CharField(editable=False, max_length=80)),
                ('amount', models.DecimalField(decimal_places=18, editable=False, max_digits=38)),
                ('minimum_amount', models.DecimalField(decimal_places=18, default=0, editable=False, max_digits=38)),
                ('status', models.CharField(choices=[('OPEN', 'Open'), ('ACCEPTED', 'Accepted'), ('IGNORED', 'Ignored')], editable=False, max_length=8)),
                ('note', models.TextField(default='', editable=False)),
                ('decided_at', models.DateTimeField(editable=False, null=True)),
                ('decided_by', models.UUIDField(editable=False, null=True)),
                ('account', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='billing.account')),
                ('bill', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='late_usage', to='billing.bill')),
                ('charged_on', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='billing.bill')),
                ('organization', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='organizations.organization')),
            ],
            options={
                'verbose_name': 'late usage',
                'verbose_name_plural': 'late usage',
                'indexes': [models.Index(fields=['organization', '-created_at', '-id'], name='late_usage_newest'), models.Index(fields=['account', '-created_at', '-id'], name='late_usage_account'), models.Index(fields=['organization', 'status', '-created_at', '-id'], name='late_usage_status'), models.Index(fields=['organization', 'product_id', '-created_at'], name='late_usage_product'), models.Index(fields=['organization', 'service_period_start'], name='late_usage_service')],
                'constraints': [models.UniqueConstraint(fields=('bill', 'usage_key', 'number'), name='late_usage_number_unique'), models.CheckConstraint(condition=models.Q(('charged_on__isnull', True), ('status', 'ACCEPTED'), _connector='OR'), name='late_usage_charged_is_accepted')],
            },
        ),
        migrations.CreateModel(
            name='LateUsageRule',
            fields=[
                ('id', models.UUIDField(default=organizations.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('version', models.PositiveBigIntegerField(default=1, editable=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('created_by', models.UUIDField(editable=False, null=True)),
                ('modified_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('modified_by', models.UUIDField(editable=False, null=True)),
                ('action', models.CharField(choices=[('ASK', 'Ask'), ('NEXT_BILL', 'Put on the next bill'), ('IGNORE', 'Ignore')], max_length=9)),
                ('organization', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='organizations.organization')),
                ('product', models.ForeignKey(blank=True, help_text='Empty: every product without a rule of its own.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='catalog.product')),
            ],
            options={
                'verbose_name': 'late usage rule',
                'indexes': [models.Index(fields=['organization', '-created_at', '-id'], name='late_usage_rule_newest')],
                'constraints': [models.UniqueConstraint(fields=('organization', 'product'), name='late_usage_rule_unique', nulls_distinct=False)],
            },
        ),
    ]
