"""Products, meters, aggregations, plan templates, plans and pricings."""

import catalog.models.pricing
import django.contrib.postgres.constraints
import django.contrib.postgres.fields
import django.contrib.postgres.fields.ranges
import django.core.validators
import django.db.models.deletion
import django.utils.timezone
import organizations.kernel.exact_json
import organizations.kernel.ids
import re
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('billing', '0001_accounts'),
        ('organizations', '0001_tenants_and_people'),
    ]

    operations = [
        migrations.CreateModel(
            name='Product',
            fields=[
                ('id', models.UUIDField(default=organizations.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('organization', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='organizations.organization')),
                ('version', models.PositiveBigIntegerField(default=1, editable=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('created_by', models.UUIDField(editable=False, null=True)),
                ('modified_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('modified_by', models.UUIDField(editable=False, null=True)),
                ('name', models.CharField(max_length=200)),
                ('code', models.CharField(max_length=80, validators=[django.core.validators.RegexValidator(re.compile('^[^ \\x00-\\x1f\\x7f-\\x9f\\xa0\\u1680\\u2000-\\u200a\\u202f\\u205f\\u3000\\u2028\\u2029\\xad\\u034f\\u061c\\u180e\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb\\U000e0000-\\U000e0fff\\ud800-\\udfff](?:[^\\x00-\\x1f\\x7f-\\x9f\\xa0\\u1680\\u2000-\\u200a\\u202f\\u205f\\u3000\\u2028\\u2029\\xad\\u034f\\u061c\\u180e\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb\\U000e0000-\\U000e0fff\\ud800-\\udfff]*[^ \\x00-\\x1f\\x7f-\\x9f\\xa0\\u1680\\u2000-\\u200a\\u202f\\u205f\\u3000\\u2028\\u2029\\xad\\u034f\\u061c\\u180e\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb\\U000e0000-\\U000e0fff\\ud800-\\udfff])?\\Z'), 'must not begin or end with white space, nor hold control characters, invisible ones or white space other than plain spaces', code='code_grammar')])),
                ('custom_fields', organizations.kernel.exact_json.ExactJSONField(blank=True, default=dict)),
            ],
            options={
                'indexes': [models.Index(fields=['organization', '-created_at', '-id'], name='product_newest')],
                'constraints': [models.UniqueConstraint(fields=('organization', 'code'), name='product_code_unique')],
            },
        ),
        migrations.CreateModel(
            name='Meter',
            fields=[
                ('id', models.UUIDField(default=organizations.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('organization', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='organizations.organization')),
                ('version', models.PositiveBigIntegerField(default=1, editable=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('created_by', models.UUIDField(editable=False, null=True)),
                ('modified_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('modified_by', models.UUIDField(editable=False, null=True)),
                ('product', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='meters', to='catalog.product')),
                ('group_id', models.UUIDField(blank=True, null=True)),
                ('name', models.CharField(max_length=200)),
                ('code', models.CharField(max_length=80, validators=[django.core.validators.RegexValidator(re.compile('^[^ \\x00-\\x1f\\x7f-\\x9f\\xa0\\u1680\\u2000-\\u200a\\u202f\\u205f\\u3000\\u2028\\u2029\\xad\\u034f\\u061c\\u180e\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb\\U000e0000-\\U000e0fff\\ud800-\\udfff](?:[^\\x00-\\x1f\\x7f-\\x9f\\xa0\\u1680\\u2000-\\u200a\\u202f\\u205f\\u3000\\u2028\\u2029\\xad\\u034f\\u061c\\u180e\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb\\U000e0000-\\U000e0fff\\ud800-\\udfff]*[^ \\x00-\\x1f\\x7f-\\x9f\\xa0\\u1680\\u2000-\\u200a\\u202f\\u205f\\u3000\\u2028\\u2029\\xad\\u034f\\u061c\\u180e\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb\\U000e0000-\\U000e0fff\\ud800-\\udfff])?\\Z'), 'must not begin or end with white space, nor hold control characters, invisible ones or white space other than plain spaces', code='code_grammar')])),
                ('data_fields', organizations.kernel.exact_json.ExactJSONField(default=list)),
                ('derived_fields', organizations.kernel.exact_json.ExactJSONField(blank=True, default=list)),
                ('custom_fields', organizations.kernel.exact_json.ExactJSONField(blank=True, default=dict)),
            ],
            options={
                'indexes': [models.Index(fields=['organization', '-created_at', '-id'], name='meter_newest')],
                'constraints': [models.UniqueConstraint(fields=('organization', 'code'), name='meter_code_unique')],
            },
        ),
        migrations.CreateModel(
            name='Aggregation',
            fields=[
                ('id', models.UUIDField(default=organizations.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('organization', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='organizations.organization')),
                ('version', models.PositiveBigIntegerField(default=1, editable=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('created_by', models.UUIDField(editable=False, null=True)),
                ('modified_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('modified_by', models.UUIDField(editable=False, null=True)),
                ('meter', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='aggregations', to='catalog.meter')),
                ('name', models.CharField(max_length=200)),
                ('code', models.CharField(blank=True, max_length=80, null=True, validators=[organizations.kernel.ids.strict_code])),
                ('target_field', models.CharField(max_length=80)),
                ('aggregation', models.CharField(choices=[('SUM', 'Sum'), ('MIN', 'Minimum'), ('MAX', 'Maximum'), ('COUNT', 'Count'), ('LATEST', 'Latest'), ('MEAN', 'Mean'), ('UNIQUE', 'Unique')], max_length=16, verbose_name='method')),
                ('rounding', models.CharField(choices=[('UP', 'Up'), ('DOWN', 'Down'), ('NEAREST', 'Nearest'), ('NONE', 'None')], max_length=8)),
                ('quantity_per_unit', models.DecimalField(decimal_places=18, max_digits=38)),
                ('unit', models.CharField(max_length=50)),
                ('default_value', models.DecimalField(blank=True, decimal_places=18, max_digits=38, null=True)),
                ('segmented_fields', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=80), blank=True, default=list, size=None)),
                ('segments', models.JSONField(blank=True, default=list)),
                ('accounting_product', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='catalog.product')),
                ('custom_fields', organizations.kernel.exact_json.ExactJSONField(blank=True, default=dict)),
            ],
            options={
                'indexes': [models.Index(fields=['organization', '-created_at', '-id'], name='aggregation_newest')],
                'constraints': [models.UniqueConstraint(fields=('organization', 'code'), name='aggregation_code_unique'), models.CheckConstraint(condition=models.Q(('quantity_per_unit__gt', 0)), name='aggregation_quantity_per_unit_positive')],
            },
        ),
        migrations.CreateModel(
            name='PlanTemplate',
            fields=[
                ('id', models.UUIDField(default=organizations.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('organization', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='organizations.organization')),
                ('version', models.PositiveBigIntegerField(default=1, editable=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('created_by', models.UUIDField(editable=False, null=True)),
                ('modified_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('modified_by', models.UUIDField(editable=False, null=True)),
                ('product', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='plan_templates', to='catalog.product')),
                ('name', models.CharField(max_length=200)),
                ('code', models.CharField(blank=True, max_length=80, null=True, validators=[django.core.validators.RegexValidator(re.compile('^[^ \\x00-\\x1f\\x7f-\\x9f\\xa0\\u1680\\u2000-\\u200a\\u202f\\u205f\\u3000\\u2028\\u2029\\xad\\u034f\\u061c\\u180e\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb\\U000e0000-\\U000e0fff\\ud800-\\udfff](?:[^\\x00-\\x1f\\x7f-\\x9f\\xa0\\u1680\\u2000-\\u200a\\u202f\\u205f\\u3000\\u2028\\u2029\\xad\\u034f\\u061c\\u180e\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb\\U000e0000-\\U000e0fff\\ud800-\\udfff]*[^ \\x00-\\x1f\\x7f-\\x9f\\xa0\\u1680\\u2000-\\u200a\\u202f\\u205f\\u3000\\u2028\\u2029\\xad\\u034f\\u061c\\u180e\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb\\U000e0000-\\U000e0fff\\ud800-\\udfff])?\\Z'), 'must not begin or end with white space, nor hold control characters, invisible ones or white space other than plain spaces', code='code_grammar')])),
                ('currency', models.CharField(help_text='Prices of every plan are in it.', max_length=80)),
                ('bill_frequency', models.CharField(choices=[('DAILY', 'Daily'), ('WEEKLY', 'Weekly'), ('MONTHLY', 'Monthly'), ('ANNUALLY', 'Annually'), ('AD_HOC', 'Ad hoc')], max_length=8)),
                ('bill_frequency_interval', models.PositiveSmallIntegerField(default=1)),
                ('standing_charge', models.DecimalField(decimal_places=18, max_digits=38)),
                ('standing_charge_description', models.CharField(blank=True, max_length=200, null=True)),
                ('standing_charge_interval', models.PositiveSmallIntegerField(default=1, help_text='Counted in bills, not months.')),
                ('standing_charge_offset', models.PositiveSmallIntegerField(default=0, help_text='Bills skipped before the first standing charge.')),
                ('standing_charge_bill_in_advance', models.BooleanField(blank=True, null=True)),
                ('minimum_spend', models.DecimalField(blank=True, decimal_places=18, max_digits=38, null=True)),
                ('minimum_spend_description', models.CharField(blank=True, max_length=200, null=True)),
                ('minimum_spend_bill_in_advance', models.BooleanField(blank=True, null=True)),
                ('ordinal', models.BigIntegerField(blank=True, null=True)),
                ('custom_fields', organizations.kernel.exact_json.ExactJSONField(blank=True, default=dict)),
            ],
            options={
                'indexes': [models.Index(fields=['organization', '-created_at', '-id'], name='plan_template_newest')],
                'constraints': [models.UniqueConstraint(fields=('organization', 'code'), name='plan_template_code_unique'), models.CheckConstraint(condition=models.Q(('standing_charge__gte', 0)), name='plan_template_standing_charge_positive'), models.CheckConstraint(condition=models.Q(('bill_frequency_interval__range', (1, 365))), name='plan_template_bill_frequency_interval_range')],
            },
        ),
        migrations.CreateModel(
            name='Plan',
            fields=[
                ('id', models.UUIDField(default=organizations.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('organization', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='organizations.organization')),
                ('version', models.PositiveBigIntegerField(default=1, editable=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('created_by', models.UUIDField(editable=False, null=True)),
                ('modified_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('modified_by', models.UUIDField(editable=False, null=True)),
                ('plan_template', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='plans', to='catalog.plantemplate')),
                ('name', models.CharField(max_length=200)),
                ('code', models.CharField(max_length=80, validators=[django.core.validators.RegexValidator(re.compile('^[^ \\x00-\\x1f\\x7f-\\x9f\\xa0\\u1680\\u2000-\\u200a\\u202f\\u205f\\u3000\\u2028\\u2029\\xad\\u034f\\u061c\\u180e\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb\\U000e0000-\\U000e0fff\\ud800-\\udfff](?:[^\\x00-\\x1f\\x7f-\\x9f\\xa0\\u1680\\u2000-\\u200a\\u202f\\u205f\\u3000\\u2028\\u2029\\xad\\u034f\\u061c\\u180e\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb\\U000e0000-\\U000e0fff\\ud800-\\udfff]*[^ \\x00-\\x1f\\x7f-\\x9f\\xa0\\u1680\\u2000-\\u200a\\u202f\\u205f\\u3000\\u2028\\u2029\\xad\\u034f\\u061c\\u180e\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb\\U000e0000-\\U000e0fff\\ud800-\\udfff])?\\Z'), 'must not begin or end with white space, nor hold control characters, invisible ones or white space other than plain spaces', code='code_grammar')])),
                ('account', models.ForeignKey(blank=True, help_text='A bespoke plan belongs to one account.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='bespoke_plans', to='billing.account')),
                ('standing_charge', models.DecimalField(blank=True, decimal_places=18, max_digits=38, null=True)),
                ('standing_charge_description', models.CharField(blank=True, max_length=200, null=True)),
                ('standing_charge_bill_in_advance', models.BooleanField(blank=True, null=True)),
                ('standing_charge_accounting_product', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='catalog.product')),
                ('minimum_spend', models.DecimalField(blank=True, decimal_places=18, max_digits=38, null=True)),
                ('minimum_spend_description', models.CharField(blank=True, max_length=200, null=True)),
                ('minimum_spend_bill_in_advance', models.BooleanField(blank=True, null=True)),
                ('minimum_spend_accounting_product', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='catalog.product')),
                ('ordinal', models.BigIntegerField(blank=True, null=True)),
                ('custom_fields', organizations.kernel.exact_json.ExactJSONField(blank=True, default=dict)),
            ],
            options={
                'indexes': [models.Index(fields=['organization', '-created_at', '-id'], name='plan_newest')],
                'constraints': [models.UniqueConstraint(fields=('organization', 'code'), name='plan_code_unique')],
            },
        ),
        migrations.CreateModel(
            name='Pricing',
            fields=[
                ('id', models.UUIDField(default=organizations.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('organization', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='organizations.organization')),
                ('version', models.PositiveBigIntegerField(default=1, editable=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('created_by', models.UUIDField(editable=False, null=True)),
                ('modified_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('modified_by', models.UUIDField(editable=False, null=True)),
                ('plan', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='pricings', to='catalog.plan')),
                ('plan_template', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='pricings', to='catalog.plantemplate')),
                ('aggregation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='pricings', to='catalog.aggregation')),
                ('code', models.CharField(blank=True, max_length=80, null=True, validators=[django.core.validators.RegexValidator(re.compile('^[^ \\x00-\\x1f\\x7f-\\x9f\\xa0\\u1680\\u2000-\\u200a\\u202f\\u205f\\u3000\\u2028\\u2029\\xad\\u034f\\u061c\\u180e\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb\\U000e0000-\\U000e0fff\\ud800-\\udfff](?:[^\\x00-\\x1f\\x7f-\\x9f\\xa0\\u1680\\u2000-\\u200a\\u202f\\u205f\\u3000\\u2028\\u2029\\xad\\u034f\\u061c\\u180e\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb\\U000e0000-\\U000e0fff\\ud800-\\udfff]*[^ \\x00-\\x1f\\x7f-\\x9f\\xa0\\u1680\\u2000-\\u200a\\u202f\\u205f\\u3000\\u2028\\u2029\\xad\\u034f\\u061c\\u180e\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb\\U000e0000-\\U000e0fff\\ud800-\\udfff])?\\Z'), 'must not begin or end with white space, nor hold control characters, invisible ones or white space other than plain spaces', code='code_grammar')])),
                ('description', models.CharField(blank=True, max_length=200, null=True)),
                ('start_date', models.DateTimeField()),
                ('end_date', models.DateTimeField(blank=True, help_text='Exclusive.', null=True)),
                ('type', models.CharField(choices=[('DEBIT', 'Debit'), ('PRODUCT_CREDIT', 'Product credit'), ('GLOBAL_CREDIT', 'Global credit')], default='DEBIT', max_length=16)),
                ('is_cumulative', models.BooleanField(default=False, verbose_name='cumulative')),
                ('tiers_span_plan', models.BooleanField(default=False)),
                ('bands', organizations.kernel.exact_json.ExactJSONField(default=list)),
                ('segment', models.JSONField(blank=True, default=dict)),
                ('segment_key', models.TextField(blank=True, default='', editable=False)),
                ('minimum_spend', models.DecimalField(blank=True, decimal_places=18, max_digits=38, null=True)),
                ('minimum_spend_description', models.CharField(blank=True, max_length=200, null=True)),
                ('minimum_spend_bill_in_advance', models.BooleanField(blank=True, null=True)),
                ('accounting_product', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='catalog.product')),
            ],
            options={
                'indexes': [models.Index(fields=['organization', '-created_at', '-id'], name='pricing_newest'), models.Index(fields=['plan', 'aggregation'], name='pricing_plan_aggregation'), models.Index(fields=['plan_template', 'aggregation'], name='pricing_template_aggregation')],
                'constraints': [models.CheckConstraint(condition=models.Q(('plan__isnull', False), ('plan_template__isnull', False), _connector='XOR'), name='pricing_plan_or_template'), models.CheckConstraint(condition=models.Q(('end_date__isnull', True), ('end_date__gt', models.F('start_date')), _connector='OR'), name='pricing_ends_after_start'), models.UniqueConstraint(fields=('organization', 'code'), name='pricing_code_unique'), django.contrib.postgres.constraints.ExclusionConstraint(condition=models.Q(('plan__isnull', False)), expressions=[('plan', '='), ('aggregation', '='), ('segment_key', '='), (catalog.models.pricing.InstantRange('start_date', 'end_date', django.contrib.postgres.fields.ranges.RangeBoundary()), '&&')], name='pricing_plan_no_overlap'), django.contrib.postgres.constraints.ExclusionConstraint(condition=models.Q(('plan_template__isnull', False)), expressions=[('plan_template', '='), ('aggregation', '='), ('segment_key', '='), (catalog.models.pricing.InstantRange('start_date', 'end_date', django.contrib.postgres.fields.ranges.RangeBoundary()), '&&')], name='pricing_template_no_overlap')],
            },
        ),
    ]
