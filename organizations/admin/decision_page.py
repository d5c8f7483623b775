"""The page "what may they do": an answer in a sentence, and everything at a glance (C13)."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_safe
from unfold.decorators import action
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from organizations import explaining, policy_reading, policy_targets, policy_words
from organizations.kernel import ids
from organizations.kernel.console import linking
from organizations.kernel.console.base import ConsoleModelAdmin
from organizations.kernel.errors import DomainError
from organizations.kernel.principals import Principal
from organizations.models import Membership, PermissionPolicy, ServiceUser

READ = "config:retrieve"
MOST_OFFERED = 500
URL_NAME = "permission_decision"
Choices = list[tuple[str, Any]]


class AsksWhatMay(ConsoleModelAdmin):
    """A page whose list and rows lead to the question."""

    change_list_template = "console/access_list.html"

    def list_context(self, request: HttpRequest) -> dict[str, Any]:
        """Lead to the question, whom it is answered."""
        return {"decision_url": reverse(f"admin:{URL_NAME}") if _may_ask(request) else ""}

    def has_ask_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say whether the question is answered."""
        return _may_ask(request)

    @action(
        description="What may they do?",
        icon="fact_check",
        url_path="what-it-may",
        permissions=["ask"],
    )
    def what_it_may(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Open the question with this principal chosen."""
        row = self.get_object(request, object_id)
        if row is None or not self.has_view_permission(request, row):
            raise PermissionDenied
        return HttpResponseRedirect(address(getattr(row, "user_id", row.pk)))


def address(principal_id: Any) -> str:
    """Return the address of the page with a principal chosen."""
    return f"{reverse(f'admin:{URL_NAME}')}?{urlencode({'principal': principal_id})}"


def urls(page: ConsoleModelAdmin) -> list[URLPattern]:
    """Return the address of the page, below the list of policies."""

    def view(request: HttpRequest) -> HttpResponse:
        return _view(page, request)

    return [path("decision/", page.admin_site.admin_view(require_safe(view)), name=URL_NAME)]


class QuestionForm(forms.Form):
    """Who, what, on which type, and perhaps on which row."""

    principal = forms.ChoiceField(label="Who", widget=UnfoldAdminSelectWidget)
    action = forms.ChoiceField(
        label="wants to",
        required=False,
        widget=UnfoldAdminSelectWidget,
        choices=lambda: [("", "– everything at a glance –"), *_actions()],
    )
    resource = forms.ChoiceField(
        label="of type",
        required=False,
        widget=UnfoldAdminSelectWidget,
        choices=lambda: [("", "–"), *_types()],
    )
    item = forms.CharField(
        label="the one with the id",
        required=False,
        max_length=100,
        widget=UnfoldAdminTextInputWidget,
        help_text="Leave it empty to ask about the whole type.",
    )

    def __init__(self, *args: Any, people: Choices, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["principal"].choices = people  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """An action is asked about a type."""
        cleaned = super().clean() or {}
        if bool(cleaned.get("action")) != bool(cleaned.get("resource")) and not self.errors:
            self.add_error("resource", "Choose both an action and a type, or neither.")
        return cleaned


def _actions() -> Choices:
    return [
        (policy_reading.AREAS[area], [(f"{area}:{verb}", f"{area}:{verb}") for verb in verbs])
        for area, verbs in policy_words.ACTIONS.items()
    ]


def _types() -> Choices:
    return [
        (service, [(f"{service}:{kind}", kind) for kind in sorted(kinds, key=str.lower)])
        for service, kinds in policy_words.RESOURCES.items()
    ]


def _view(page: ConsoleModelAdmin, request: HttpRequest) -> HttpResponse:
    if not _may_ask(request):
        raise PermissionDenied
    people = _people(request)
    form = QuestionForm(request.GET or None, people=people)
    request.console_title = "What may they do?"
    context = {
        **page.admin_site.each_context(request),
        "title": "What may they do?",
        "opts": page.opts,
        "form": form,
        "back": linking.to_list(request, PermissionPolicy),
    }
    if form.is_bound and form.is_valid():
        context |= _found(request, form.cleaned_data, people)
    return TemplateResponse(request, "console/decision.html", context)


def _may_ask(request: HttpRequest) -> bool:
    return request.permissions.allows(READ, "config:permissionPolicy")


def _people(request: HttpRequest) -> Choices:
    """Return users and service users the asker may read, by name."""
    visible = request.permissions.visible
    members = Membership.objects.for_organization(request.organization).select_related("user")
    robots = ServiceUser.objects.for_organization(request.organization)
    chosen = ids.parse(request.GET.get("principal"))
    offered = [
        (str(row.user_id), f"{row.user.get_full_name()} ({row.user.email})")
        for row in _first(visible(members, READ, "config:orgUser"), "user_id", chosen)
    ]
    programs = [
        (str(row.pk), row.name)
        for row in _first(visible(robots, READ, "config:serviceUser"), "pk", chosen)
    ]
    found: Choices = [("Users", sorted(offered, key=_by_name))] if offered else []
    return [*found, ("Service users", sorted(programs, key=_by_name))] if programs else found


def _first(rows: Any, column: str, chosen: Any) -> list[Any]:
    """Return the newest rows, and the one asked for whatever its age."""
    newest = list(rows.newest_first()[:MOST_OFFERED])
    if chosen is None or any(getattr(row, column) == chosen for row in newest):
        return newest
    return [*newest, *rows.filter(**{column: chosen})]


def _by_name(choice: tuple[str, str]) -> str:
    return choice[1].lower()


def _found(request: HttpRequest, asked: dict[str, Any], people: Choices) -> dict[str, Any]:
    organization_id = request.organization.pk
    principal = explaining.principal_of(organization_id, asked["principal"])
    name = next(text for _, group in people for key, text in group if key == asked["principal"])
    if not asked["action"]:
        return {"who": name, "areas": _areas(principal)}
    row = f"/item/{asked['item'].strip()}" if asked["item"].strip() else ""
    try:
        question = explaining.question(principal, asked["action"], asked["resource"] + row)
    except DomainError as refusal:
        return {"problem": refusal.message}
    answer = explaining.answer(question)
    return {
        "who": name,
        "answer": answer,
        "asked": question,
        "deciding": _shown(request, answer.deciding) if answer.deciding else None,
        "others": [_shown(request, one) for one in answer.applying if one is not answer.deciding],
    }


def _shown(request: HttpRequest, one: explaining.Source) -> dict[str, Any]:
    policy = PermissionPolicy(pk=one.policy[0], name=one.policy[1]) if one.policy else None
    return {
        "origin": one.origin,
        "effect": one.effect,
        "sentence": policy_reading.sentence(
            one.statement, policy_targets.names(request.organization.pk, [dict(one.statement)])
        ),
        "policy": linking.link(request, policy) if policy else "",
    }


def _areas(principal: Principal) -> list[dict[str, Any]]:
    """Return the matrix as tables of the page: a column per action, a row per type."""
    return [
        {
            "service": service,
            "actions": [action.partition(":")[2] for action in explaining.actions_of(service)],
            "rows": rows,
        }
        for service, rows in explaining.matrix(principal).items()
    ]
