"""Tenants, people, service users, keys, policies and resource groups."""

import datetime
import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
import organizations.kernel.exact_json
import organizations.kernel.ids
from django.conf import settings
from django.contrib.postgres.operations import BtreeGistExtension
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
    ]

    operations = [
        BtreeGistExtension(),
        migrations.CreateModel(
            name='Organization',
            fields=[
                ('id', models.UUIDField(default=organizations.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('version', models.PositiveBigIntegerField(default=1, editable=False)),
                ('name', models.CharField(max_length=200)),
                ('short_name', models.CharField(blank=True, max_length=50)),
                ('type', models.CharField(choices=[('PRODUCTION', 'Production'), ('SANDBOX', 'Sandbox')], default='PRODUCTION', max_length=16)),
                ('status', models.CharField(choices=[('ACTIVE', 'Active'), ('ARCHIVED', 'Archived')], default='ACTIVE', max_length=16)),
                ('address', models.JSONField(blank=True, default=dict)),
                ('tax_id', models.CharField(blank=True, max_length=100)),
                ('purchase_order_number', models.CharField(blank=True, max_length=100)),
                ('invoice_general_reference', models.CharField(blank=True, max_length=200)),
                ('billing_contact_user_ids', django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), blank=True, default=list, size=3)),
                ('catalog_revision', models.PositiveBigIntegerField(default=1, editable=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('created_by', models.UUIDField(editable=False, null=True)),
                ('modified_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('modified_by', models.UUIDField(editable=False, null=True)),
            ],
            options={
                'verbose_name': 'organization',
            },
        ),
        migrations.CreateModel(
            name='Currency',
            fields=[
                ('id', models.UUIDField(default=organizations.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('organization', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='organizations.organization')),
                ('version', models.PositiveBigIntegerField(default=1, editable=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('created_by', models.UUIDField(editable=False, null=True)),
                ('modified_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('modified_by', models.UUIDField(editable=False, null=True)),
                ('name', models.CharField(max_length=200)),
                ('code', models.CharField(max_length=80, validators=[organizations.kernel.ids.strict_code])),
                ('is_archived', models.BooleanField(default=False, verbose_name='archived')),
                ('max_decimal_places', models.PositiveSmallIntegerField(default=2)),
                ('rounding_mode', models.CharField(choices=[('UP', 'Up (away from zero)'), ('DOWN', 'Down (towards zero)'), ('CEILING', 'Ceiling'), ('FLOOR', 'Floor'), ('HALF_UP', 'Half up'), ('HALF_DOWN', 'Half down'), ('HALF_EVEN', 'Half even'), ('UNNECESSARY', 'Unnecessary (refuse to round)')], default='HALF_UP', max_length=16)),
            ],
            options={
                'verbose_name_plural': 'currencies',
                'indexes': [models.Index(fields=['organization', '-created_at', '-id'], name='currency_newest')],
                'constraints': [models.UniqueConstraint(fields=('organization', 'code'), name='currency_code_unique'), models.CheckConstraint(condition=models.Q(('max_decimal_places__lte', 5)), name='currency_places_at_most_five')],
            },
        ),
        migrations.CreateModel(
            name='OrganizationConfig',
            fields=[
                ('id', models.UUIDField(default=organizations.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('organization', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='organizations.organization')),
                ('version', models.PositiveBigIntegerField(default=1, editable=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('created_by', models.UUIDField(editable=False, null=True)),
                ('modified_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('modified_by', models.UUIDField(editable=False, null=True)),
                ('timezone', models.CharField(default='UTC', max_length=64)),
                ('year_epoch', models.DateField(default=datetime.date(2022, 1, 1))),
                ('month_epoch', models.DateField(default=datetime.date(2022, 1, 1))),
                ('week_epoch', models.DateField(default=datetime.date(2022, 1, 4))),
                ('day_epoch', models.DateField(default=datetime.date(2022, 1, 1))),
                ('currency', models.CharField(default='USD', max_length=80)),
                ('currency_conversions', organizations.kernel.exact_json.ExactJSONField(blank=True, default=list)),
                ('days_before_bill_due', models.PositiveIntegerField(default=30)),
                ('scheduled_bill_interval', models.DecimalField(decimal_places=2, default=0, max_digits=4)),
                ('scheduled_bill_offset', models.PositiveSmallIntegerField(blank=True, null=True)),
                ('standing_charge_bill_in_advance', models.BooleanField(default=False)),
                ('commitment_fee_bill_in_advance', models.BooleanField(default=False)),
                ('minimum_spend_bill_in_advance', models.BooleanField(default=False)),
                ('auto_approve_bills_grace_period', models.PositiveIntegerField(blank=True, null=True)),
                ('auto_approve_bills_grace_period_unit', models.CharField(blank=True, choices=[('MINUTES', 'Minutes'), ('HOURS', 'Hours'), ('DAYS', 'Days')], max_length=8, null=True)),
                ('external_invoice_date', models.CharField(choices=[('FIRST_DAY_OF_NEXT_PERIOD', 'First day of the next period'), ('LAST_DAY_OF_ARREARS', 'Last day of the arrears period')], default='FIRST_DAY_OF_NEXT_PERIOD', max_length=32)),
                ('suppressed_empty_bills', models.BooleanField(default=False)),
                ('consolidate_bills', models.BooleanField(default=False)),
                ('default_statement_definition_id', models.UUIDField(blank=True, null=True)),
                ('auto_generate_statement_mode', models.CharField(choices=[('NONE', 'None'), ('JSON', 'JSON'), ('JSON_AND_CSV', 'JSON and CSV')], default='NONE', max_length=16)),
                ('credit_application_order', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=16), blank=True, default=list, size=None)),
                ('allow_negative_balances', models.BooleanField(default=False)),
                ('allow_overlapping_plans', models.BooleanField(default=False)),
                ('bill_prefix', models.CharField(blank=True, max_length=50, null=True)),
                ('sequence_start_number', models.IntegerField(blank=True, null=True)),
                ('latest_scheduled_run_at', models.DateTimeField(editable=False, null=True)),
            ],
            options={
                'verbose_name': 'organization configuration',
                'constraints': [models.UniqueConstraint(fields=('organization',), name='organization_config_one_per_organization')],
            },
        ),
        migrations.CreateModel(
            name='PermissionPolicy',
            fields=[
                ('id', models.UUIDField(default=organizations.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('organization', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='organizations.organization')),
                ('version', models.PositiveBigIntegerField(default=1, editable=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('created_by', models.UUIDField(editable=False, null=True)),
                ('modified_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('modified_by', models.UUIDField(editable=False, null=True)),
                ('name', models.CharField(max_length=100)),
                ('statements', models.JSONField(default=list)),
                ('is_managed', models.BooleanField(default=False, editable=False, verbose_name='managed')),
            ],
            options={
                'verbose_name_plural': 'permission policies',
                'indexes': [models.Index(fields=['organization', '-created_at', '-id'], name='permission_policy_newest')],
                'constraints': [models.UniqueConstraint(models.F('organization'), django.db.models.functions.text.Lower('name'), name='permission_policy_name_unique')],
            },
        ),
        migrations.CreateModel(
            name='PolicyAttachment',
            fields=[
                ('id', models.UUIDField(default=organizations.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('organization', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='organizations.organization')),
                ('version', models.PositiveBigIntegerField(default=1, editable=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('created_by', models.UUIDField(editable=False, null=True)),
                ('modified_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('modified_by', models.UUIDField(editable=False, null=True)),
                ('policy', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='attachments', to='organizations.permissionpolicy')),
                ('principal_type', models.CharField(choices=[('USER', 'User'), ('USERGROUP', 'User group'), ('SERVICEUSER', 'Service user'), ('SUPPORTUSERS', 'Support users')], max_length=16)),
                ('principal_id', models.UUIDField()),
            ],
            options={
                'indexes': [models.Index(fields=['organization', 'principal_type', 'principal_id'], name='policy_attachment_principal')],
                'constraints': [models.UniqueConstraint(fields=('organization', 'policy', 'principal_type', 'principal_id'), name='policy_attachment_unique')],
            },
        ),
        migrations.CreateModel(
            name='ResourceGroup',
            fields=[
                ('id', models.UUIDField(default=organizations.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('organization', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='organizations.organization')),
                ('version', models.PositiveBigIntegerField(default=1, editable=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('created_by', models.UUIDField(editable=False, null=True)),
                ('modified_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('modified_by', models.UUIDField(editable=False, null=True)),
                ('type', models.CharField(editable=False, max_length=40)),
                ('name', models.CharField(max_length=100)),
            ],
            options={
                'indexes': [models.Index(fields=['organization', '-created_at', '-id'], name='resource_group_newest'), models.Index(fields=['organization', 'type', '-created_at', '-id'], name='resource_group_type_newest')],
            },
        ),
        migrations.CreateModel(
            name='ResourceGroupItem',
            fields=[
                ('id', models.UUIDField(default=organizations.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('organization', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='organizations.organization')),
                ('version', models.PositiveBigIntegerField(default=1, editable=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('created_by', models.UUIDField(editable=False, null=True)),
                ('modified_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('modified_by', models.UUIDField(editable=False, null=True)),
                ('group', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='items', to='organizations.resourcegroup')),
                ('target_type', models.CharField(choices=[('ITEM', 'Item'), ('GROUP', 'Group')], max_length=5)),
                ('target_id', models.UUIDField()),
                ('target_created_at', models.DateTimeField(editable=False, null=True)),
            ],
            options={
                'indexes': [models.Index(fields=['group', '-created_at', '-id'], name='resource_group_item_newest'), models.Index(condition=models.Q(('target_type', 'ITEM')), fields=['organization', 'group', '-target_created_at', '-target_id'], name='resource_group_item_ordered'), models.Index(condition=models.Q(('target_type', 'GROUP')), fields=['group', 'target_id'], name='resource_group_item_nested')],
                'constraints': [models.CheckConstraint(condition=models.Q(('target_type', 'GROUP'), ('target_created_at__isnull', False), _connector='OR'), name='resource_group_item_has_order'), models.UniqueConstraint(fields=('target_id', 'group', 'target_type'), name='resource_group_item_unique')],
            },
        ),
        migrations.CreateModel(
            name='ServiceUser',
            fields=[
                ('id', models.UUIDField(default=organizations.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('organization', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='organizations.organization')),
                ('version', models.PositiveBigIntegerField(default=1, editable=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('created_by', models.UUIDField(editable=False, null=True)),
                ('modified_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('modified_by', models.UUIDField(editable=False, null=True)),
                ('name', models.CharField(max_length=200)),
            ],
            options={
                'indexes': [models.Index(fields=['organization', '-created_at', '-id'], name='service_user_newest')],
            },
        ),
        migrations.CreateModel(
            name='AccessKey',
            fields=[
                ('id', models.UUIDField(default=organizations.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('organization', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='organizations.organization')),
                ('version', models.PositiveBigIntegerField(default=1, editable=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('created_by', models.UUIDField(editable=False, null=True)),
                ('modified_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('modified_by', models.UUIDField(editable=False, null=True)),
                ('service_user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='access_keys', to='organizations.serviceuser')),
                ('secret_hash', models.BinaryField(max_length=32)),
                ('status', models.CharField(choices=[('ACTIVE', 'Active'), ('INACTIVE', 'Inactive')], default='ACTIVE', max_length=8)),
                ('latest_used_at', models.DateTimeField(editable=False, null=True)),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='User',
            fields=[
                ('password', models.CharField(max_length=128, verbose_name='password')),
                ('last_login', models.DateTimeField(blank=True, null=True, verbose_name='last login')),
                ('is_superuser', models.BooleanField(default=False, help_text='Designates that this user has all permissions without explicitly assigning them.', verbose_name='superuser status')),
                ('id', models.UUIDField(default=organizations.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('version', models.PositiveBigIntegerField(default=1, editable=False)),
                ('email', models.EmailField(max_length=254)),
                ('first_name', models.CharField(blank=True, max_length=100)),
                ('last_name', models.CharField(blank=True, max_length=100)),
                ('contact_number', models.CharField(blank=True, max_length=50)),
                ('is_staff', models.BooleanField(default=True)),
                ('is_active', models.BooleanField(default=True)),
                ('is_support', models.BooleanField(default=False, verbose_name='support user')),
                ('must_change_password', models.BooleanField(default=False)),
                ('temporary_password_expires_at', models.DateTimeField(blank=True, null=True)),
                ('first_accepted_terms_at', models.DateTimeField(blank=True, null=True)),
                ('latest_accepted_terms_at', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('created_by', models.UUIDField(editable=False, null=True)),
                ('modified_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('modified_by', models.UUIDField(editable=False, null=True)),
                ('groups', models.ManyToManyField(blank=True, help_text='The groups this user belongs to. A user will get all permissions granted to each of their groups.', related_name='user_set', related_query_name='user', to='auth.group', verbose_name='groups')),
                ('user_permissions', models.ManyToManyField(blank=True, help_text='Specific permissions for this user.', related_name='user_set', related_query_name='user', to='auth.permission', verbose_name='user permissions')),
            ],
            options={
                'constraints': [models.UniqueConstraint(django.db.models.functions.text.Lower('email'), name='user_email_unique')],
            },
        ),
        migrations.CreateModel(
            name='Membership',
            fields=[
                ('id', models.UUIDField(default=organizations.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('organization', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='organizations.organization')),
                ('version', models.PositiveBigIntegerField(default=1, editable=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('created_by', models.UUIDField(editable=False, null=True)),
                ('modified_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('modified_by', models.UUIDField(editable=False, null=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to=settings.AUTH_USER_MODEL)),
                ('access_ends_at', models.DateTimeField(blank=True, null=True)),
                ('statements', models.JSONField(blank=True, default=list)),
            ],
            options={
                'verbose_name': 'user',
                'constraints': [models.UniqueConstraint(fields=('organization', 'user'), name='membership_user_unique')],
            },
        ),
    ]
