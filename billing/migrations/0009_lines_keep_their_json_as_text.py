from django.db import migrations

from organizations.kernel.exact_json import KeptJSONField


class Migration(migrations.Migration):
    """Bands and calculation of a line as text: storing a line takes half the time."""

    dependencies = [("billing", "0008_bill_filters")]

    operations = [
        migrations.AlterField("lineitem", "band_usage", KeptJSONField(default=list)),
        migrations.AlterField("lineitem", "calculation", KeptJSONField(default=dict)),
    ]
