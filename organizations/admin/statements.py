"""The statement editor as a form field, and what it asks the server while one composes (C13).

What is posted is the JSON of the statements: without JavaScript the field is a text area that
holds it. The spelling of words nobody touched stays as it was received (A5.9).
"""

from dataclasses import asdict
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, JsonResponse
from django.template.loader import render_to_string
from django.views.decorators.http import require_GET, require_POST
from unfold.widgets import UnfoldAdminTextareaWidget

from organizations import access, policies, policy_reading, policy_targets, policy_words
from organizations.kernel import exact_json, registry
from organizations.kernel.console.fields import ExactJSONFormField
from organizations.kernel.errors import DomainError

COMMON_AREAS = {"config", "measurements", "analytics", "audit"}
LONGEST_BODY = 500_000
# Who composes statements: policies, support access, and the inline ones of a person.
COMPOSERS = ("config:permissionPolicy", "config:support", "config:orgUser")


class StatementsWidget(UnfoldAdminTextareaWidget):
    """A text area of JSON with an editor in front of it."""

    template_name = "console/widgets/statements.html"

    class Media:
        js = ("console/statements.js",)

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        """Give the editor the words it offers."""
        context = super().get_context(name, value, attrs)
        context["widget"]["words"] = vocabulary()
        return context


class StatementsField(ExactJSONFormField):
    """A list of statements, checked as the API checks them; ``required`` wants one at least."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("widget", StatementsWidget(attrs={"rows": 14, "spellcheck": "false"}))
        super().__init__(empty=[], **options)

    def validate(self, value: Any) -> None:
        """Refuse what the API refuses, with the same sentence."""
        super().validate(value)
        if not value:
            return
        try:
            policies.checked(value, "statement")
        except DomainError as refusal:
            raise ValidationError(refusal.message) from None


def vocabulary() -> dict[str, Any]:
    """Return actions by area and resource types by service, as the editor shows them."""
    return {
        "areas": [
            {
                "label": policy_reading.AREAS[area],
                "wild": f"{area}:*",
                "isRare": area not in COMMON_AREAS,
                "actions": [
                    {"value": f"{area}:{verb}", "label": verb.replace("fileu", "file u")}
                    for verb in policy_words.ACTIONS[area]
                ],
            }
            for area in policy_reading.AREAS
        ],
        "services": [
            {
                "service": service,
                "types": sorted(
                    (
                        {
                            "value": f"{service}:{kind}",
                            "label": policy_reading.noun(kind),
                            "hasRows": registry.of_type(kind.lower()) is not None,
                        }
                        for kind in kinds
                    ),
                    key=lambda one: str(one["label"]),
                ),
            }
            for service, kinds in policy_words.RESOURCES.items()
        ],
    }


def reading(organization_id: Any, statements: list[dict[str, Any]]) -> dict[str, Any]:
    """Return statements in English with their warnings and normal form."""
    names = policy_targets.names(organization_id, statements)
    return asdict(policy_reading.read(statements, names))


def readable(organization_id: Any, statements: list[dict[str, Any]]) -> str:
    """Return the statements for people: a sentence each, and the JSON behind a click."""
    context = {
        "read": reading(organization_id, statements),
        "effects": [policies.effect(one) for one in statements],
        "json": exact_json.dumps(statements).decode(),
    }
    context["rows"] = list(zip(context["effects"], context["read"]["statements"], strict=True))
    return render_to_string("console/statements.html", context)


@require_POST
def read_view(request: HttpRequest) -> JsonResponse:
    """Answer what the posted statements mean, or why they mean nothing."""
    _require_composer(request)
    try:
        body = request.body
        sent = StatementsField(required=False).clean(body.decode()) if _is_short(body) else None
    except UnicodeDecodeError:
        sent = None
    except ValidationError as error:
        return JsonResponse({"problem": " ".join(error.messages)})
    if sent is None:
        return JsonResponse({"problem": "This is too long or no text."})
    return JsonResponse(reading(request.organization.pk, sent))


@require_GET
def targets_view(request: HttpRequest) -> JsonResponse:
    """Answer rows or groups of a type whose name, code or id fits what was typed."""
    _require_composer(request)
    rights = access.Rights(request.principal)
    kind = policy_words.group_type(request.GET.get("type", "").partition(":")[2])
    text = request.GET.get("q", "").strip()[:200]
    if kind is None:
        return JsonResponse({"found": []})
    look = policy_targets.search_groups
    if request.GET.get("reach") == "item":
        look = policy_targets.search_rows
    return JsonResponse({"found": [asdict(one) for one in look(rights, kind, text)]})


def _is_short(body: bytes) -> bool:
    return len(body) <= LONGEST_BODY


def _require_composer(request: HttpRequest) -> None:
    allows_some = request.permissions.allows_some
    if not any(allows_some("config:retrieve", one) for one in COMPOSERS):
        raise PermissionDenied
