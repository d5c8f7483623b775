"""The form that founds an organization."""

from typing import Any

from django import forms

from organizations.kernel import ids
from organizations.kernel.console.forms import PlainForm
from organizations.models import OrganizationType


class FoundingForm(PlainForm):
    """Name, kind and first administrator.

    The new organization's id comes with the form: sent twice, by a second click or a reloaded
    page, it founds one organization.
    """

    wire_names = {"adminEmail": "admin_email"}
    id = forms.UUIDField(widget=forms.HiddenInput)
    name = forms.CharField(
        max_length=200,
        help_text="As it stands on documents. It can be changed later.",
        widget=forms.TextInput(attrs={"autofocus": True}),
    )
    type = forms.ChoiceField(
        label="Kind",
        choices=OrganizationType.choices,
        initial=OrganizationType.PRODUCTION,
        help_text="A sandbox says in its header that nothing in it counts.",
    )
    admin_email = forms.EmailField(
        label="E-mail of its first administrator",
        max_length=254,
        help_text="Somebody new gets a temporary password, shown once on the next page. Who has "
        "an account here keeps their password.",
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.initial.setdefault("id", ids.new_id())
