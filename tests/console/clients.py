"""A person in front of the console: logged in, posts forms, reads pages."""

from typing import Any

from django.test import Client
from django.urls import reverse

from organizations.founding import Founded
from organizations.models import (
    Membership,
    PermissionPolicy,
    PrincipalType,
    User,
)
from tests import factories


class Console:
    """Calls pages by model and verb: ``console.get(Plan, "change", plan)``."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.client = Client()
        self.client.force_login(user, "django.contrib.auth.backends.ModelBackend")

    def get(self, model: Any, verb: str = "changelist", row: Any = None, **query: Any) -> Any:
        """Open a page."""
        return self.client.get(address(model, verb, row), query)

    def post(self, model: Any, verb: str, row: Any = None, **fields: Any) -> Any:
        """Send a form; for changes the version it was loaded with is sent along."""
        if row is not None and hasattr(row, "version"):
            fields.setdefault("_version", row.version)
        return self.client.post(address(model, verb, row), fields)

    def text(self, response: Any) -> str:
        """Return the page's text."""
        return response.content.decode()


def address(model: Any, verb: str, row: Any = None) -> str:
    """Return the address of a page of a model."""
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_{verb}"
    return reverse(name, args=[] if row is None else [getattr(row, "pk", row)])


def errors_of(response: Any) -> dict[str, list[str]]:
    """Return the sentences a refused form shows, by field; ``__all__`` stands above it."""
    assert response.status_code == 200, response.status_code
    return response.context["adminform"].form.errors


def make_person(founded: Founded, policy: str | None, **user: Any) -> User:
    """Make a member who holds one of the organization's policies, or none."""
    fields = {"email": f"person{factories.number()}@example.com", "password": "a-long-secret"}
    person = User.objects.create_user(**{**fields, **user})
    Membership.objects.create(organization=founded.organization, user=person)
    if policy is not None:
        attach(founded, person, PermissionPolicy.objects.get(
            organization=founded.organization, name=policy
        ))  # fmt: skip
    return person


def attach(founded: Founded, person: User, policy: PermissionPolicy) -> None:
    """Attach a policy to a person."""
    factories.make_attachment(policy, PrincipalType.USER, person.pk)
