"""What can be chosen in the usage explorer, and the question that is made of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms

from billing.models import Account
from billing.usage.queries import checking, shape, windows
from catalog.models import NUMERIC_CATEGORIES, Meter
from organizations.kernel.console.forms import PlainForm

MOST_METERS = 100
SHOWN = (
    ("table", "Table"), ("pivot", "Pivot table"), ("line", "Lines"), ("bar", "Bars"),
    ("stacked", "Stacked bars"),
)  # fmt: skip
FUNCTIONS = {
    "SUM": "sum", "MIN": "smallest", "MAX": "largest", "COUNT": "count", "LATEST": "latest",
    "MEAN": "mean", "UNIQUE": "different values",
}  # fmt: skip
PERIODS = [(one, one.replace("_", " ").capitalize()) for one in windows.TIME_PERIODS]
TIMES = [("", "not by time"), *((one, one.lower()) for one in shape.FREQUENCIES)]
NONE = ("", "-")


class ExplorerForm(PlainForm):
    """A question about usage, by choosing."""

    period = forms.ChoiceField(
        label="Period", choices=[("", "From and to"), *PERIODS], required=False
    )
    start = forms.DateField(
        label="From", required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    end = forms.DateField(
        label="To (not included)", required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    values = forms.MultipleChoiceField(
        label="Values", required=False, help_text="None shows the measurements themselves.",
        widget=forms.SelectMultiple(attrs={"size": 8}),
    )  # fmt: skip
    time = forms.ChoiceField(label="A row for each", choices=TIMES, required=False)
    by_account = forms.BooleanField(label="A row for each account", required=False)
    dimension = forms.ChoiceField(label="A row for each value of", required=False)
    accounts = forms.CharField(
        label="Accounts", required=False, help_text="Codes with commas between them; empty for all."
    )
    filter_field = forms.ChoiceField(label="Only where", required=False)
    filter_values = forms.CharField(
        label="is one of", required=False, help_text="Values with commas between them."
    )
    show = forms.ChoiceField(label="Show as", choices=SHOWN, required=False)

    def __init__(self, *args: Any, meters: Iterable[Meter], accounts: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.account_rows = accounts
        values, dimensions, filters = [], [], []
        for meter in list(meters)[:MOST_METERS]:
            for one in [*meter.data_fields, *meter.derived_fields]:
                key, label = f"{meter.pk}|{one['code']}", f"{meter.name}: {one['name']}"
                is_number = one["category"] in NUMERIC_CATEGORIES
                kind = shape.MEASURE if is_number else shape.DIMENSION
                values += [
                    (f"{key}|{kind}|{function}", f"{label}, {FUNCTIONS[function]}")
                    for function in shape.FUNCTIONS[kind]
                ]
                if not is_number:
                    dimensions.append((key, label))
                    if one["category"] != checking.NOT_A_FILTER:
                        filters.append((key, label))
        self.fields["values"].choices = values
        self.fields["dimension"].choices = [NONE, *dimensions]
        self.fields["filter_field"].choices = [NONE, *filters]

    def clean_accounts(self) -> list[str]:
        """Return the ids of the accounts named by their codes."""
        codes = _split(self.cleaned_data["accounts"])
        found = dict(self.account_rows.filter(code__in=codes).values_list("code", "pk"))
        if unknown := [code for code in codes if code not in found]:
            raise forms.ValidationError(f"There is no account {', '.join(unknown)}.")
        return [str(found[code]) for code in codes]

    def clean(self) -> dict[str, Any]:
        """Ask for dates where no period is chosen."""
        cleaned = super().clean() or self.cleaned_data
        start, end = cleaned.get("start"), cleaned.get("end")
        if not cleaned.get("period"):
            if not start or not end:
                self.add_error("period", "Choose a period, or both dates.")
            elif end <= start:
                self.add_error("end", "The end must be after the beginning.")
        is_grouped = cleaned.get("time") or cleaned.get("by_account") or cleaned.get("dimension")
        if is_grouped and not cleaned.get("values"):
            self.add_error("values", "Choose a value: rows of a group need something to show.")
        if cleaned.get("filter_field") and not _split(cleaned.get("filter_values", "")):
            self.add_error("filter_values", "Say which values.")
        return cleaned

    def wire(self, begins: Any) -> dict[str, Any]:
        """Return the question as a saved query keeps it; ``begins`` makes an instant of a day."""
        chosen = self.cleaned_data
        wire: dict[str, Any] = {"accountIds": chosen["accounts"]}
        if chosen["period"]:
            wire["timePeriod"] = chosen["period"]
        else:
            wire |= {"startDate": begins(chosen["start"]), "endDate": begins(chosen["end"])}
        wire["aggregations"] = [
            dict(zip(("meterId", "fieldCode", "fieldType", "function"), one.split("|"),
                     strict=True))
            for one in chosen["values"]
        ]  # fmt: skip
        wire["groups"] = [*_groups(chosen)]
        if chosen["filter_field"]:
            field = _field(chosen["filter_field"])
            wire["dimensionFilters"] = [{**field, "values": _split(chosen["filter_values"])}]
        return {key: value for key, value in wire.items() if value}


def initial(wire: dict[str, Any], accounts: Any) -> dict[str, Any]:
    """Return what has to be chosen for a saved question, as far as the form can say it."""
    groups = wire.get("groups", [])
    filters = wire.get("dimensionFilters", [])
    named = Account.objects.none() if not wire.get("accountIds") else accounts
    codes = named.filter(pk__in=wire.get("accountIds", [])).values_list("code", flat=True)
    dimension = next((one for one in groups if one["groupType"] == shape.DIMENSION), None)
    return {
        "period": wire.get("timePeriod", ""),
        "start": wire.get("startDate", "")[:10],
        "end": wire.get("endDate", "")[:10],
        "values": [
            "|".join((one["meterId"], one["fieldCode"], one["fieldType"], one["function"]))
            for one in wire.get("aggregations", [])
        ],
        "time": next((one["frequency"] for one in groups if one["groupType"] == shape.TIME), ""),
        "by_account": any(one["groupType"] == shape.ACCOUNT for one in groups),
        "dimension": _key(dimension) if dimension else "",
        "accounts": ", ".join(codes),
        "filter_field": _key(filters[0]) if filters else "",
        "filter_values": ", ".join(filters[0]["values"]) if filters else "",
    }


def _groups(chosen: dict[str, Any]) -> Iterable[dict[str, Any]]:
    if chosen["time"]:
        yield {"groupType": shape.TIME, "frequency": chosen["time"]}
    if chosen["by_account"]:
        yield {"groupType": shape.ACCOUNT}
    if chosen["dimension"]:
        yield {"groupType": shape.DIMENSION, **_field(chosen["dimension"])}


def _key(one: dict[str, Any]) -> str:
    return f"{one['meterId']}|{one['fieldCode']}"


def _field(key: str) -> dict[str, str]:
    meter_id, _, code = key.partition("|")
    return {"meterId": meter_id, "fieldCode": code}


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
