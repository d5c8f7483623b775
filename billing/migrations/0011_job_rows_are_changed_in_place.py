from django.db import migrations, models


class Migration(migrations.Migration):
    """A job's rows change once, many at a time: with room on their page no index is written."""

    dependencies = [("billing", "0010_lines_of_the_bills_organization")]

    operations = [
        migrations.RemoveIndex("billjobaccount", "job_account_status"),
        migrations.AddIndex(
            "billjobaccount",
            models.Index(
                fields=["bill_job"],
                name="job_account_parked",
                condition=models.Q(status="PARKED"),
            ),
        ),
        migrations.RunSQL(
            "ALTER TABLE billing_billjobaccount SET (fillfactor = 50)",
            "ALTER TABLE billing_billjobaccount RESET (fillfactor)",
        ),
    ]
