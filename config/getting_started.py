"""The steps from an empty organization to a first bill, each with a link and a done mark (C0)."""

from dataclasses import dataclass

from django.db import models
from django.db.models import Exists, QuerySet
from django.http import HttpRequest

from billing.admin import run_billing
from billing.models import Account, AccountPlan, Bill
from catalog.models import Aggregation, Meter, Plan, Pricing, Product
from organizations.kernel.console import linking
from organizations.models import Organization

# Title, why, and the rows that show that it is done.
LISTED: tuple[tuple[str, str, type[models.Model]], ...] = (
    ("Product", "What you sell.", Product),
    ("Meter", "Which fields a measurement of usage has.", Meter),
    ("Aggregation", "How measurements become units.", Aggregation),
    ("Plan", "First a plan template, then a plan made from it.", Plan),
    ("Price", "What a unit costs on the plan.", Pricing),
    ("Account", "A customer.", Account),
    ("Attach plan", "From when the account is billed.", AccountPlan),
    ("Run bill", "Make the bills of a period.", Bill),
)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do; without an address somebody else has to do it."""

    title: str
    why: str
    url: str
    is_done: bool


def steps(request: HttpRequest) -> list[Step]:
    """Return the steps in order; one query says which are done."""
    organization = request.organization
    found = Organization.objects.filter(pk=organization.pk).values_list(
        *(Exists(_rows(model, organization)) for _title, _why, model in LISTED)
    )
    return [
        Step(title, why, _address(request, model), is_done)
        for (title, why, model), is_done in zip(LISTED, found.get(), strict=True)
    ]


def _rows(model: type[models.Model], organization: Organization) -> QuerySet:
    return model._default_manager.filter(organization=organization)


def _address(request: HttpRequest, model: type[models.Model]) -> str:
    return run_billing.address(request) if model is Bill else linking.to_form(request, model)
