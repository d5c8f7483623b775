"""What Django does not know: a reference of two columns, and room on the pages of a table."""

from django.db import migrations

CONSTRAINT = "billing_lineitem_bill_id_organization_fk_billing_bill"


class Migration(migrations.Migration):
    """One reference of a line item instead of two: to a bill of its own organization.

    A job's rows change once, many at a time: with room on their page no index is written.
    """

    dependencies = [("billing", "0003_measurements")]

    operations = [
        migrations.RunSQL(
            f"ALTER TABLE billing_lineitem ADD CONSTRAINT {CONSTRAINT}"
            " FOREIGN KEY (bill_id, organization_id) REFERENCES billing_bill (id, organization_id)"
            " DEFERRABLE INITIALLY DEFERRED",
            f"ALTER TABLE billing_lineitem DROP CONSTRAINT {CONSTRAINT}",
        ),
        migrations.RunSQL(
            "ALTER TABLE billing_billjobaccount SET (fillfactor = 50)",
            "ALTER TABLE billing_billjobaccount RESET (fillfactor)",
        ),
    ]
