from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("catalog", "0006_custom_sql")]
    operations = [
        migrations.AddField(
            model_name="lookuptablejob",
            name="data_version",
            field=models.PositiveBigIntegerField(null=True),
        ),
    ]
