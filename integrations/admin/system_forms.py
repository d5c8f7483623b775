"""The form of an integration: what every system asks for, and what each asks for itself (A4)."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.urls import reverse
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from billing.models import Account
from integrations import credentials
from integrations.models import IntegrationCredential, SystemIntegration
from integrations.runs import settings
from integrations.systems import field_mapping, known, registry
from integrations.systems.base import Option, System
from integrations.systems.invoices import BY_AGGREGATION, BY_BILL, BY_PRODUCT
from organizations.kernel.console import linking
from organizations.kernel.console.forms import ConsoleForm
from organizations.models import Membership

PREFIX = "option_"
NOTHING = ("", "---------")
ACCOUNTS = {settings.ACCOUNTS: "only_accounts", settings.NOT_ACCOUNTS: "not_accounts"}
TABLES = {field_mapping.KEY: "mapped_fields", field_mapping.LINE_KEY: "mapped_line_fields"}
WORDS = {
    BY_AGGREGATION: "One line for each aggregation",
    BY_PRODUCT: "One line for each product",
    BY_BILL: "One line for the bill",
}
MOST_CREDENTIALS = 200


def _lines(label: str, help_text: str) -> forms.CharField:
    widget = UnfoldAdminTextareaWidget(attrs={"rows": 3})
    return forms.CharField(label=label, help_text=help_text, required=False, widget=widget)


class IntegrationForm(ConsoleForm):
    """An integration of one system; ``option_...`` are the settings of that system."""

    wire_names = {
        "integrationCredentialsId": "credential",
        "entityType": "entity_type",
        **{f"configData.{key}": name for key, name in (ACCOUNTS | TABLES).items()},
        f"configData.{settings.TOLD}": "told",
        f"configData.{settings.FILTER}": "account_filter",
        f"configData.{settings.SPLIT}": "split",
    }
    entity_type = forms.ChoiceField(label="What is sent", widget=UnfoldAdminSelectWidget)
    credential = forms.ModelChoiceField(
        IntegrationCredential.objects.none(), widget=UnfoldAdminSelectWidget, required=False,
        help_text="What the system knows us by; without one nothing is sent.",
    )  # fmt: skip
    on_approval = forms.BooleanField(
        label="Only approved bills", required=False, widget=UnfoldBooleanSwitchWidget,
        help_text="Off: a bill is sent each time it is calculated.",
    )  # fmt: skip
    split = forms.ChoiceField(
        label="Usage becomes", choices=list(WORDS.items()), required=False,
        widget=UnfoldAdminSelectWidget,
    )  # fmt: skip
    zero_lines = forms.BooleanField(
        label="Send lines of nothing", required=False, widget=UnfoldBooleanSwitchWidget
    )
    only_accounts = _lines("Only these accounts", "Codes, one a line. Empty: every account.")
    not_accounts = _lines("Not these accounts", "Codes, one a line; they win over the list above.")
    account_filter = forms.CharField(
        required=False, widget=UnfoldAdminTextInputWidget,
        help_text="A condition on the account besides both lists, as address.country == US.",
    )  # fmt: skip
    told = _lines(
        "Told when it is disabled", "E-mail addresses of people of this organization, one a line."
    )
    mapped_fields = _lines(
        "Fields of your own",
        "One a line: field there = expression, as Region = account.customFields.region.",
    )
    mapped_line_fields = _lines(
        "Fields of lines",
        "One a line: field there = expression, as Product = lineItem.productCode.",
    )

    class Meta:
        model = SystemIntegration
        fields = ("name", "entity_type", "credential", "is_enabled")

    system: System
    about: known.Known

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        request = self.read_by
        self._organization = request.organization
        if field := self.fields.get("entity_type"):
            field.choices = [(word, word) for word in self.about.entities]
        if field := self.fields.get("credential"):
            rows = IntegrationCredential.objects.for_organization(request.organization)
            fitting = [
                row.pk for row in rows.order_by("name", "pk")[:MOST_CREDENTIALS]
                if not row.destination or known.key(row.destination) == self.about.key
            ]  # fmt: skip
            field.queryset = linking.seen(request, rows.filter(pk__in=fitting))

    def stored_value(self, name: str) -> Any:
        """Return what a field shows: settings are kept in one object."""
        data = self.instance.config_data or {}
        if name.startswith(PREFIX):
            option = next(one for one in self.system.options if PREFIX + one.key == name)
            return data.get(option.key, option.default)
        plain = {
            "on_approval": settings.ON_APPROVAL, "zero_lines": settings.ZERO_LINES,
            "account_filter": settings.FILTER, "split": settings.SPLIT,
        }  # fmt: skip
        if name in plain:
            return data.get(plain[name])
        for key, field in ACCOUNTS.items():
            if name == field:
                rows = Account.objects.for_organization(self._organization)
                named = rows.filter(pk__in=data.get(key) or []).order_by("code")
                return "\n".join(named.values_list("code", flat=True))
        for key, field in TABLES.items():
            if name == field:
                return "\n".join(
                    f"{row[field_mapping.FIELD]} = {row[field_mapping.EXPRESSION]}"
                    for row in data.get(key) or []
                )
        if name == "told":
            rows = Membership.objects.filter(user_id__in=data.get(settings.TOLD) or [])
            rows = rows.filter(organization=self._organization).order_by("user__email")
            return "\n".join(rows.values_list("user__email", flat=True))
        return super().stored_value(name)

    def clean_only_accounts(self) -> list[str]:
        """Return the ids of the accounts named."""
        return self._accounts("only_accounts")

    def clean_not_accounts(self) -> list[str]:
        """Return the ids of the accounts named."""
        return self._accounts("not_accounts")

    def clean_told(self) -> list[str]:
        """Return the ids of the people named."""
        wanted = _words(self.cleaned_data["told"])
        rows = Membership.objects.filter(organization=self._organization)
        found = dict(rows.filter(user__email__in=wanted).values_list("user__email", "user_id"))
        _refuse_unknown("There is no person with the address", wanted, found)
        return [str(found[one]) for one in wanted]

    def clean_mapped_fields(self) -> list[dict[str, str]]:
        """Return the table of fields."""
        return _table(self.cleaned_data["mapped_fields"])

    def clean_mapped_line_fields(self) -> list[dict[str, str]]:
        """Return the table of fields of lines."""
        return _table(self.cleaned_data["mapped_line_fields"])

    def settings(self) -> dict[str, Any]:
        """Return the settings as they are kept; what this form does not know stays."""
        data = dict(self.instance.config_data or {})
        given = self.cleaned_data
        names: Mapping[str, str] = {
            settings.ON_APPROVAL: "on_approval", settings.ZERO_LINES: "zero_lines",
            settings.FILTER: "account_filter", settings.SPLIT: "split", settings.TOLD: "told",
            **ACCOUNTS, **TABLES, **{one.key: PREFIX + one.key for one in self.system.options},
        }  # fmt: skip
        for key, name in names.items():
            if name not in given:
                continue
            if given[name] in (None, "", [], False) and key not in data:
                continue
            data[key] = given[name]
            if given[name] in (None, "", []):
                del data[key]
        return data

    def _accounts(self, name: str) -> list[str]:
        wanted = _words(self.cleaned_data[name])
        rows = Account.objects.for_organization(self._organization).filter(code__in=wanted)
        found = dict(linking.seen(self.read_by, rows).values_list("code", "pk"))
        _refuse_unknown("There is no account with the code", wanted, found)
        return [str(found[one]) for one in wanted]


def form_for(about: known.Known) -> type[IntegrationForm]:
    """Return the form for a system, with a field for each of its settings."""
    system = registry.find(about.identifier)
    assert system is not None
    fields = {PREFIX + one.key: _field(one, about) for one in system.options}
    wire = {f"configData.{one.key}": PREFIX + one.key for one in system.options}
    return type(
        "IntegrationForm",
        (IntegrationForm,),
        {
            "system": system,
            "about": about,
            "wire_names": {**IntegrationForm.wire_names, **wire},
            **fields,
        },
    )


def groups(about: known.Known) -> list[tuple[str | None, dict[str, Any]]]:
    """Return the groups of fields of a system."""
    system = registry.find(about.identifier)
    assert system is not None
    takes_bills = "Bill" in about.entities
    found: list[tuple[str | None, dict[str, Any]]] = [
        (None, {"fields": ["name", "entity_type", "credential", "is_enabled"]})
    ]
    if own := [PREFIX + one.key for one in system.options]:
        found.append((about.name, {"fields": own}))
    if takes_bills:
        found.append(("Bills", {"fields": ["on_approval", "split", "zero_lines"]}))
    found.append(
        ("Accounts", {"fields": ["only_accounts", "not_accounts", "account_filter", "told"]})
    )
    if system.takes_fields:
        has_lines = any(one.key == "lineObjectName" for one in system.options)
        names = ["mapped_fields", *(["mapped_line_fields"] if has_lines else [])]
        found.append(("Fields of your own", {"fields": names}))
    return found


def credential_kinds(about: known.Known) -> str:
    """Return in words what a credential for a system consists of."""
    kinds = credentials.kinds_for(about.identifier)
    return "; ".join(", ".join(one.label for one in credentials.details(kind)) for kind in kinds)


def _field(option: Option, about: known.Known) -> forms.Field:
    common: dict[str, Any] = {
        "label": option.label, "help_text": option.help, "required": False,
    }  # fmt: skip
    if option.kind == "flag":
        return forms.BooleanField(widget=UnfoldBooleanSwitchWidget, **common)
    if option.kind == "choice":
        choices = list(option.choices)
        return forms.ChoiceField(choices=choices, widget=UnfoldAdminSelectWidget, **common)
    if option.kind == "number":
        return forms.IntegerField(
            min_value=option.smallest, max_value=option.largest,
            widget=UnfoldAdminIntegerFieldWidget, **common,
        )  # fmt: skip
    attrs = {}
    if option.kind == "live":
        url = reverse("admin:integration_choices", args=[about.identifier, option.key])
        attrs = {"data-live-choices": url, "autocomplete": "off"}
    if option.kind == "live" and not option.help:
        common["help_text"] = f"Its id in {about.name}."
    return forms.CharField(max_length=500, widget=UnfoldAdminTextInputWidget(attrs=attrs), **common)


def _words(text: str) -> list[str]:
    return list(dict.fromkeys(word.strip() for word in text.splitlines() if word.strip()))


def _refuse_unknown(sentence: str, wanted: list[str], found: Mapping[str, Any]) -> None:
    if unknown := [one for one in wanted if one not in found]:
        raise ValidationError([f"{sentence} {one}." for one in unknown[:20]])


def _table(text: str) -> list[dict[str, str]]:
    rows, refused = [], []
    for place, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        name, equals, expression = line.partition("=")
        if not equals or not name.strip() or not expression.strip():
            refused.append(f"Line {place}: write the field, = and an expression.")
        rows.append({field_mapping.FIELD: name.strip(),
                     field_mapping.EXPRESSION: expression.strip()})  # fmt: skip
    if refused:
        raise ValidationError(refused)
    return rows
