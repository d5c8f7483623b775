"""The operator's page and ``/metrics``: the same figures, for whom they are, naming no tenant."""

import pytest
from django.urls import reverse

from billing.models import BillJob
from organizations.models import Alert, Organization
from tests import factories
from tests.console.clients import Console

pytestmark = pytest.mark.django_db


def scrape(client, token=""):
    return client.get("/metrics", headers={"authorization": f"Bearer {token}"} if token else {})


@pytest.fixture
def busy(settings):
    """Two organizations with a bill job at work and an alert."""
    settings.METRICS_TOKEN = "a-token-for-prometheus"
    for name in ("Secret Sauce Ltd", "Other Secret"):
        organization = factories.make_organization()
        Organization.objects.filter(pk=organization.pk).update(name=name)
        BillJob.objects.create(organization=organization, status="RUNNING")
        Alert.objects.create(
            organization=organization, severity="ERROR", type="T", description="of Secret Sauce"
        )


def test_without_the_setting_there_is_no_such_page(client, settings):
    settings.METRICS_TOKEN = ""

    assert scrape(client).status_code == 404
    assert scrape(client, "anything").status_code == 404


@pytest.mark.parametrize("token", ["", "a-token", "a-token-for-prometheus2", "ä"])
def test_another_token_is_refused(client, busy, token):
    assert scrape(client, token).status_code == 401


def test_figures_are_those_of_all_organizations_and_name_none(client, busy):
    answer = scrape(client, "a-token-for-prometheus")

    text = answer.content.decode()
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain")
    assert 'billwright_work_waiting{kind="bill_runs"} 2.0' in text
    assert 'billwright_needs_somebody{kind="alerts_not_resolved"} 2.0' in text
    assert "billwright_disk_free_bytes" in text and "billwright_database_bytes" in text
    assert "Secret" not in text


def test_a_scrape_asks_as_much_however_much_there_is(client, busy, django_assert_max_num_queries):
    with django_assert_max_num_queries(16):
        scrape(client, "a-token-for-prometheus")


def test_operators_see_the_page_and_others_do_not(busy):
    founded = factories.make_founded(admin_password="a-long-secret")
    person = Console(founded.admin)
    refused = person.client.get(reverse("operation"))
    founded.admin.is_superuser = True
    founded.admin.save()
    operator = Console(founded.admin)

    page = operator.text(operator.client.get(reverse("operation")))

    assert refused.status_code == 403
    shown = page[page.index('id="servers"') : page.rindex("</section>")]
    assert "Bill runs" in shown and "Room for files" in shown and "Secret" not in shown
