"""The steps from an empty organization to a first bill, each with a link and a done mark (C0)."""

from dataclasses import dataclass

from django.db import models
from django.db.models import Exists, QuerySet
from django.urls import reverse

from billing.models import Account, AccountPlan, Bill
from catalog.models import Aggregation, Meter, Plan, Pricing, Product
from organizations.kernel.console import show
from organizations.models import Organization


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do."""

    title: str
    why: str
    url: str
    is_done: bool


def steps(organization: Organization) -> list[Step]:
    """Return the steps in order; one query says which are done."""
    listed: list[tuple[str, str, str, type[models.Model]]] = [
        ("Product", "What you sell.", _add(Product), Product),
        ("Meter", "Which fields a measurement of usage has.", _add(Meter), Meter),
        ("Aggregation", "How measurements become units.", _add(Aggregation), Aggregation),
        ("Plan", "First a plan template, then a plan made from it.", _add(Plan), Plan),
        ("Price", "What a unit costs on the plan.", _add(Pricing), Pricing),
        ("Account", "A customer.", _add(Account), Account),
        ("Attach plan", "From when the account is billed.", _add(AccountPlan), AccountPlan),
        ("Run bill", "Make the bills of a period.", reverse("admin:run_billing"), Bill),
    ]
    found = Organization.objects.filter(pk=organization.pk).values_list(
        *(Exists(_rows(model, organization)) for _title, _why, _url, model in listed)
    )
    done = found.get()
    return [
        Step(title, why, url, is_done)
        for (title, why, url, _model), is_done in zip(listed, done, strict=True)
    ]


def _rows(model: type[models.Model], organization: Organization) -> QuerySet:
    return model._default_manager.filter(organization=organization)


def _add(model: type[models.Model]) -> str:
    return show.list_address(model, "add")
