import django.db.models.deletion
from django.db import migrations, models

from organizations.kernel.tenancy import organization_field

CONSTRAINT = "billing_lineitem_bill_id_organization_fk_billing_bill"


def reference(to, name, **options):
    return models.ForeignKey(
        to=to, on_delete=django.db.models.deletion.CASCADE, related_name=name, **options
    )


class Migration(migrations.Migration):
    """One reference of a line item instead of two: to a bill of its own organization.

    Nothing but the index goes from the references of bills and job rows: another begins with them.
    """

    dependencies = [("billing", "0009_lines_keep_their_json_as_text")]

    operations = [
        migrations.AlterField("bill", "organization", organization_field(db_index=False)),
        migrations.AlterField(
            "bill",
            "account",
            models.ForeignKey(
                to="billing.account",
                on_delete=django.db.models.deletion.PROTECT,
                related_name="bills",
                db_index=False,
            ),
        ),
        migrations.AlterField(
            "bill",
            "bill_job",
            models.ForeignKey(
                to="billing.billjob",
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="bills",
                null=True,
                db_index=False,
            ),
        ),
        migrations.AlterField(
            "billjobaccount", "bill_job", reference("billing.billjob", "accounts", db_index=False)
        ),
        migrations.AlterField(
            "billjobaccount",
            "chunk",
            reference("billing.billjobchunk", "accounts", db_index=False),
        ),
        migrations.AddConstraint(
            "bill",
            models.UniqueConstraint(fields=["id", "organization"], name="bill_of_organization"),
        ),
        migrations.AlterField(
            "lineitem",
            "bill",
            reference("billing.bill", "line_items", db_index=False, db_constraint=False),
        ),
        migrations.AlterField(
            "lineitem", "organization", organization_field(db_index=False, db_constraint=False)
        ),
        migrations.RunSQL(
            f"ALTER TABLE billing_lineitem ADD CONSTRAINT {CONSTRAINT}"
            " FOREIGN KEY (bill_id, organization_id) REFERENCES billing_bill (id, organization_id)"
            " DEFERRABLE INITIALLY DEFERRED",
            f"ALTER TABLE billing_lineitem DROP CONSTRAINT {CONSTRAINT}",
        ),
    ]
