from django.db import migrations, models

# Jobs from before counted accounts; most of them have one bill.
FILL = "UPDATE billing_billjob SET total_bills = total, pending_bills = pending"


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0006_printable_codes"),
    ]

    operations = [
        migrations.AddField(
            model_name="billjob",
            name="total_bills",
            field=models.PositiveIntegerField(default=0, verbose_name="bills"),
        ),
        migrations.AddField(
            model_name="billjob",
            name="pending_bills",
            field=models.PositiveIntegerField(default=0, verbose_name="bills to do"),
        ),
        migrations.AddField(
            model_name="billjobaccount",
            name="due_bills",
            field=models.PositiveIntegerField(default=1),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
