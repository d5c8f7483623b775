"""The two tables of usage, in SQL because Django knows neither partitions nor COPY.

No foreign keys: a measurement outlives its account and meter, and each key would cost a look-up
per row. One index finds an account's usage; the claims decide what is a duplicate.
"""

from django.db import migrations

CREATE_MEASUREMENTS = """
CREATE TABLE billing_measurement (
    organization_id uuid NOT NULL,
    account_id uuid NOT NULL,
    meter_id uuid NOT NULL,
    ts timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    ets timestamptz,
    uid text COLLATE "C" NOT NULL,
    fields jsonb NOT NULL
) PARTITION BY RANGE (ts);
CREATE INDEX billing_measurement_account_meter_ts
    ON billing_measurement (organization_id, account_id, meter_id, ts);
CREATE TABLE billing_measurement_default PARTITION OF billing_measurement DEFAULT;
"""

# Two months back and three ahead, in UTC; maintenance goes on from there (usage.partitions).
CREATE_FIRST_MONTHS = """
DO $$
DECLARE
    month timestamp;
BEGIN
    FOR ahead IN -2..3 LOOP
        month := date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => ahead);
        EXECUTE format(
            'CREATE TABLE %I PARTITION OF billing_measurement FOR VALUES FROM (%L) TO (%L)',
            'billing_measurement_' || to_char(month, 'YYYYMM'),
            month AT TIME ZONE 'UTC',
            (month + interval '1 month') AT TIME ZONE 'UTC'
        );
    END LOOP;
END $$;
"""

# The claims outlive partitions: a uid is refused for 35 days whatever its ts was. The BRIN index
# finds what is old enough to be forgotten and costs next to nothing while rows are added.
CREATE_CLAIMS = """
CREATE TABLE billing_uidclaim (
    organization_id uuid NOT NULL,
    uid text COLLATE "C" NOT NULL,
    claimed_at timestamptz NOT NULL,
    CONSTRAINT uid_claim_unique PRIMARY KEY (organization_id, uid)
);
CREATE INDEX billing_uidclaim_claimed_at ON billing_uidclaim USING brin (claimed_at);
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0002_plans_of_accounts_bills_jobs")]

    operations = [
        migrations.RunSQL(CREATE_MEASUREMENTS, "DROP TABLE billing_measurement"),
        migrations.RunSQL(CREATE_FIRST_MONTHS, migrations.RunSQL.noop),
        migrations.RunSQL(CREATE_CLAIMS, "DROP TABLE billing_uidclaim"),
    ]
