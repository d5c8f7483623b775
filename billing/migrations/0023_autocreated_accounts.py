from django.db import migrations, models


class Migration(migrations.Migration):
    """Accounts made from usage are counted on the dashboard."""

    dependencies = [
        ("billing", "0022_bill_emails"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="account",
            index=models.Index(
                condition=models.Q(("is_autocreated", True)),
                fields=["organization"],
                name="account_autocreated",
            ),
        ),
    ]
