"""In which language an organization writes its bills."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("organizations", "0009_alert_digests")]
    operations = [
        migrations.AddField(
            model_name="organization",
            name="document_language",
            field=models.CharField(
                choices=[
                    ("en", "English"),
                    ("en-US", "English (United States)"),
                    ("de", "German"),
                    ("fr", "French"),
                    ("es", "Spanish"),
                ],
                default="en",
                max_length=8,
                verbose_name="language of bills",
            ),
        ),
    ]
