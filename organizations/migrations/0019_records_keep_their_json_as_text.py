from django.db import migrations

from organizations.kernel.exact_json import KeptJSONField

COLUMNS = {"event": "payload", "auditentry": "difference"}
SET_TYPE = "ALTER TABLE organizations_{model} ALTER {column} TYPE {type} USING {column}::{type}"


class Migration(migrations.Migration):
    """What happened is written once and never looked into by the database."""

    dependencies = [("organizations", "0018_what_a_group_holds_is_estimated")]

    operations = [
        migrations.RunSQL(
            SET_TYPE.format(model=model, column=column, type="text"),
            SET_TYPE.format(model=model, column=column, type="jsonb"),
            state_operations=[migrations.AlterField(model, column, KeptJSONField(default=dict))],
        )
        for model, column in COLUMNS.items()
    ]
