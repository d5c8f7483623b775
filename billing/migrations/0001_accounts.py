"""Accounts, which the catalogue's own plans refer to."""

import django.contrib.postgres.fields
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
        ('organizations', '0001_tenants_and_people'),
    ]

    operations = [
        migrations.CreateModel(
            name='Account',
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
                ('code_folded', models.CharField(default='', editable=False, max_length=320)),
                ('email_address', models.EmailField(max_length=254)),
                ('address', models.JSONField(blank=True, default=dict)),
                ('parent_account', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='children', to='billing.account')),
                ('currency', models.CharField(blank=True, help_text="Empty: the organization's currency.", max_length=80, null=True)),
                ('bill_epoch', models.DateField(blank=True, null=True)),
                ('purchase_order_number', models.CharField(blank=True, max_length=100, null=True)),
                ('days_before_bill_due', models.PositiveIntegerField(blank=True, null=True)),
                ('statement_definition_id', models.UUIDField(blank=True, null=True)),
                ('auto_generate_statement_mode', models.CharField(blank=True, choices=[('NONE', 'None'), ('JSON', 'JSON'), ('JSON_AND_CSV', 'JSON and CSV')], max_length=16, null=True)),
                ('credit_application_order', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=16), blank=True, default=list, size=None)),
                ('is_autocreated', models.BooleanField(default=False, editable=False)),
                ('custom_fields', organizations.kernel.exact_json.ExactJSONField(blank=True, default=dict)),
            ],
            options={
                'indexes': [models.Index(fields=['organization', '-created_at', '-id'], name='account_newest'), models.Index(fields=['organization', 'code_folded'], name='account_code_folded'), models.Index(fields=['organization', 'name'], name='account_name')],
                'constraints': [models.UniqueConstraint(fields=('organization', 'code'), name='account_code_unique')],
            },
        ),
    ]
