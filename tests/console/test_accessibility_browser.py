"""No page has a serious fault for people who cannot see well or use no mouse, as axe-core finds.

One page of each kind: a walk of all of them takes four minutes and finds the same faults.
"""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse

from billing.models import Account, Bill, Commitment, LateUsage
from catalog.models import Meter, Pricing
from integrations.models import NotificationChannel, SystemIntegration
from organizations.models import Alert, Event
from tests.console.browsing import chromium  # noqa: F401  (a fixture)
from tests.console.clients import address
from tests.console.inhabited import inhabit
from tests.console.test_browser import founded, visit  # noqa: F401  (fixtures)

LISTS = (Bill, LateUsage, SystemIntegration, Event, Alert)
ADDED = (Pricing, Commitment, NotificationChannel)
CHANGED = (Account, Bill, Meter, SystemIntegration)
VIEWS = ("index", "month_end", "bill_documents", "pricing_editor", "bill_explorer")
SERIOUS = {"serious", "critical"}


def faults(page):
    """Return the serious faults of a page: the rule and what it is about."""
    return [
        f"{one['id']}: {node['html'][:200]}"
        for one in Axe().run(page).response["violations"]
        if one["impact"] in SERIOUS
        for node in one["nodes"]
    ]


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_serious_fault(
    visit,  # noqa: F811
    founded,  # noqa: F811
    scheme,
):
    rows = inhabit(founded)
    places = [
        *(reverse(f"admin:{name}") for name in VIEWS),
        *(address(model, "changelist") for model in LISTS),
        *(address(model, "add") for model in ADDED),
        *(address(model, "change", rows[model]) for model in CHANGED),
    ]
    window = visit(color_scheme=scheme)
    page = window.open("/admin/login/")
    found = {"login": faults(page)}
    page = window.log_in(founded.admin.email, "a-long-secret")
    for place in places:
        page.goto(window.base + place)
        page.wait_for_load_state("networkidle")
        found[place] = faults(page)

    assert {place: told for place, told in found.items() if told} == {}
