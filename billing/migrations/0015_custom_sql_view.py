"""The one view that queries people write may read (usage.md 9.8).

It shows the measurements of the organization that the connection was told, like the policy of
their table, which does not bind the owner through whom a view reads.
"""

from django.db import migrations

MAKE = """
CREATE OR REPLACE VIEW billing_custom_sql_measurement WITH (security_barrier) AS
SELECT account_id, meter_id, uid, ts, ets, received_at, fields
  FROM billing_measurement
 WHERE organization_id = nullif(current_setting('billwright.organization', true), '')::uuid
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0014_statements")]
    operations = [migrations.RunSQL(MAKE, "DROP VIEW billing_custom_sql_measurement")]
