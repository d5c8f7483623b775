"""Destinations that were told of every event before there were rules still are."""

from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps

from integrations import dispatch
from integrations.models import Delivery, IntegrationConfiguration
from notifications.models import NotificationConfiguration
from organizations.models import Event
from tests.factories import make_organization
from tests.integrations.receiving import NOON, make_event
from tests.notifications.made import make_webhook

pytestmark = pytest.mark.django_db
migration = import_module("integrations.migrations.0003_destinations_of_everything")


def test_every_destination_is_connected_with_one_rule_of_its_organization(organization):
    other = make_organization()
    rows = [make_webhook(organization), make_webhook(organization), make_webhook(other)]
    type(rows[0]).objects.update(created_at=NOON - timedelta(days=1))
    Event.objects.update(dispatched_at=NOON)  # what founding recorded

    migration.connect(apps, None)

    assert NotificationConfiguration.objects.count() == 2
    for each in (organization, other):
        make_event(each)
    dispatch.dispatch(NOON)
    sent = Delivery.objects.values_list("destination_id", flat=True)
    assert sorted(sent) == sorted(row.pk for row in rows)

    migration.disconnect(apps, None)
    assert not NotificationConfiguration.objects.exists()
    assert not IntegrationConfiguration.objects.exists()
