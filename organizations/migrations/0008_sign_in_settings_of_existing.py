"""Give organizations that exist already their row of sign-in settings: nothing is asked for."""

from django.db import migrations

from organizations.kernel import ids


def make_rows(apps, schema_editor):
    organizations = apps.get_model("organizations", "Organization")
    settings = apps.get_model("organizations", "SignInSettings")
    known = settings.objects.values("organization_id")
    for organization_id in organizations.objects.exclude(pk__in=known).values_list("pk", flat=True):
        settings.objects.create(id=ids.new_id(), organization_id=organization_id)


class Migration(migrations.Migration):
    dependencies = [("organizations", "0007_signing_in")]

    operations = [migrations.RunPython(make_rows, migrations.RunPython.noop, elidable=True)]
