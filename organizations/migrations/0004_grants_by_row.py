"""Find what guardian has granted on a row that is deleted, without reading every grant."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("organizations", "0003_signing_in"),
        ("guardian", "0003_remove_groupobjectpermission_guardian_gr_content_ae6aec_idx_and_more"),
    ]

    operations = [
        migrations.RunSQL(
            "CREATE INDEX organizations_grants_by_row "
            "ON guardian_groupobjectpermission (object_pk, content_type_id)",
            "DROP INDEX organizations_grants_by_row",
        ),
    ]
