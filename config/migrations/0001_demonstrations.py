"""The marker of what a demonstration organization has loaded."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [("organizations", "0001_tenants_and_people")]

    operations = [
        migrations.CreateModel(
            name="Demonstration",
            fields=[
                (
                    "organization",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="organizations.organization",
                    ),
                ),
                (
                    "as_of",
                    models.DateTimeField(help_text="The instant the figures are worked out for."),
                ),
                ("scale", models.DecimalField(decimal_places=6, default=1, max_digits=9)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "usage_until",
                    models.DateField(help_text="The first day whose usage is not loaded yet."),
                ),
                (
                    "measurements",
                    models.PositiveIntegerField(default=0, help_text="Loaded so far."),
                ),
                (
                    "finished_at",
                    models.DateTimeField(null=True, help_text="When the last bill was made."),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("scale__gt", 0)), name="demonstration_scale_positive"
                    )
                ],
            },
        ),
    ]
