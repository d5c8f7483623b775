from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """What the list of bills is narrowed by: currency, frequency, locked."""

    atomic = False

    dependencies = [("billing", "0007_jobs_count_bills")]

    operations = [
        AddIndexConcurrently(
            model_name="bill",
            index=models.Index(
                fields=["organization", "currency", "bill_date"], name="bill_currency"
            ),
        ),
        AddIndexConcurrently(
            model_name="bill",
            index=models.Index(
                fields=["organization", "billing_frequency", "bill_date"], name="bill_frequency"
            ),
        ),
        AddIndexConcurrently(
            model_name="bill",
            index=models.Index(
                fields=["organization", "is_locked", "bill_date"], name="bill_locked"
            ),
        ),
    ]
