"""In which language the bills of an account are written."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("billing", "0020_rehearsals")]
    operations = [
        migrations.AddField(
            model_name="account",
            name="document_language",
            field=models.CharField(
                blank=True,
                choices=[
                    ("en", "English"),
                    ("en-US", "English (United States)"),
                    ("de", "German"),
                    ("fr", "French"),
                    ("es", "Spanish"),
                ],
                default="",
                help_text="Without one, the organization's.",
                max_length=8,
                verbose_name="language of bills",
            ),
        ),
    ]
