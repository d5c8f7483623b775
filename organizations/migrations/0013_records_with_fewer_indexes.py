from django.db import migrations

from organizations.kernel.tenancy import organization_field


class Migration(migrations.Migration):
    """Other indexes of events and audit entries begin with the organization already."""

    dependencies = [("organizations", "0012_strict_codes")]

    operations = [
        migrations.AlterField(
            model_name=model,
            name="organization",
            field=organization_field(editable=True, db_index=False),
        )
        for model in ("auditentry", "event")
    ]
