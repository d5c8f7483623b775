"""Every page of the console against the table of principals that the API is held against.

Pages come from the URL resolver, actions and buttons from the admin classes: one that is not
declared here fails, and so does one that lets a principal do what ``access.Rights`` refuses.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from billing.models import Bill, BillJob, LateUsage, LineItem, Rehearsal
from catalog.models import Aggregation, Meter
from integrations.models import (
    IntegrationCredential,
    NotificationChannel,
    SystemIntegration,
    WebhookDestination,
)
from organizations import access
from organizations.kernel import registry
from organizations.kernel.principals import Principal
from organizations.models import (
    AuditEntry,
    Membership,
    Organization,
    PermissionPolicy,
    ResourceGroup,
    ServiceUser,
)
from tests.console.clients import Console, address, make_person
from tests.console.inhabited import inhabit
from tests.factories import make_attachment, number
from tests.organizations.api.test_routes_and_policies import PRINCIPALS as ON_THE_API

PAGES = sorted(admin.site._registry, key=lambda model: model._meta.label)
VERBS = ("changelist", "add", "change", "delete", "history")
READ, UPDATE = "config:retrieve", "config:update"
# What Django's own pages of a row and of a list need; None: the page's own action to look.
NEEDED = {"add": "config:create", "delete": "config:delete"}
# Other addresses: verb, action, resource, and the row the address names, where it names one.
CUSTOM: dict[str, tuple[str, str, str, Any]] = {
    "usage_chart": ("GET", READ, "config:meter", None),
    "audit_seals": ("GET", "audit:retrieve", "audit:entry", None),
    "resource_group_find": ("GET", UPDATE, "config:resourceGroup", ResourceGroup),
    "organizations_membership_what_it_may": (
        "GET", READ, "config:permissionPolicy", Membership,
    ),
    "organizations_serviceuser_what_it_may": (
        "GET", READ, "config:permissionPolicy", ServiceUser,
    ),
    "organizations_serviceuser_generate_key": (
        "GET", "config:create", "config:accessKey", ServiceUser,
    ),
    "meter_fields": ("GET", READ, "config:meter", Meter),
    "compound_calculation": ("POST", READ, "config:compoundAggregation", None),
    "rule_calculation": ("POST", READ, "config:notificationConfiguration", None),
    "meter_calculation": ("POST", READ, "config:meter", None),
    "aggregation_segments": ("GET", READ, "config:aggregation", Aggregation),
    "integrations_systemintegration_try_out": (
        "GET", UPDATE, "config:integrationConfiguration", SystemIntegration,
    ),
    "integrations_systemintegration_send_newest": (
        "GET", UPDATE, "config:integrationConfiguration", SystemIntegration,
    ),
    "integrations_systemintegration_switch": (
        "GET", UPDATE, "config:integrationConfiguration", SystemIntegration,
    ),
    "integrations_integrationcredential_connect": (
        "GET", UPDATE, "config:integrationCredentials", IntegrationCredential,
    ),
    "integrations_notificationchannel_send_test": (
        "GET", UPDATE, "config:webhookDestination", NotificationChannel,
    ),
    "integrations_notificationchannel_switch": (
        "GET", UPDATE, "config:webhookDestination", NotificationChannel,
    ),
    "permission_decision": ("GET", READ, "config:permissionPolicy", None),
    "bill_pdf": ("GET", READ, "billing:bill", Bill),
    "bill_lines": ("GET", READ, "billing:bill", Bill),
    "bill_line_explanation": ("GET", READ, "billing:bill", Bill),
    "pricing_editor": ("GET", READ, "config:pricing", None),
    "month_end": ("GET", READ, "billing:bill", None),
    "bill_documents": ("GET", READ, "config:organizationConfig", None),
    "run_billing": ("GET", "config:create", "billing:billJob", None),
    "rehearsal_csv": ("GET", READ, "config:rehearsal", Rehearsal),
    "rehearsal_progress": ("GET", READ, "config:rehearsal", Rehearsal),
    "bill_job_progress": ("GET", READ, "billing:billJob", BillJob),
    "usage_csv": ("GET", "measurements:upload", "data:measurement", None),
    "integrations_integrationcredential_send_test": (
        "GET", UPDATE, "config:integrationCredentials", IntegrationCredential,
    ),
    "integrations_webhookdestination_send_test": (
        "GET", UPDATE, "config:webhookDestination", WebhookDestination,
    ),
    "integrations_webhookdestination_send_failed_again": (
        "GET", UPDATE, "config:webhookDestination", WebhookDestination,
    ),
    "integrations_webhookdestination_switch": (
        "GET", UPDATE, "config:webhookDestination", WebhookDestination,
    ),
}  # fmt: skip
# Open to everybody who works in the organization, and why; what they show is narrowed by row.
OPEN = {
    "index": "the dashboard shows each part only to whom may read it",
    "search": "finds what one may read",
    "autocomplete": "offers what one may read",
    "running_tasks": "tells of what one may read",
    "app_list": "names the pages one may open",
    "price_of_units": "reckons with numbers of the form, and reads nothing",
    "catalogue_as_code": "asks for every kind in it: tested with the page",
    "price_curve": "reckons with numbers of the form, and reads nothing",
    "policy_read": "for whoever composes statements: tested with the editor",
    "policy_targets": "for whoever composes statements: tested with the editor",
    "ingest_failure_log": "narrowed by row: tested with failed usage",
    "ingest_failure_resubmit": "narrowed by row: tested with failed usage",
    "lookup_files": "asks for the data: tested with files of lookup tables",
    "lookup_file": "asks for the data: tested with files of lookup tables",
    "meter_arrived": "asks several policies: tested with samples of sending",
    "upload_file": "narrowed by row: tested with failed usage",
    "statement_file": "narrowed by row: tested with statements",
    "export_file": "narrowed by row: tested with exports",
    "bill_memo": "narrowed by row: tested with memos",
    "integration_choices": "asks for integrations: tested with the systems",
    "integration_connected": "takes consent begun by the same person: tested with the systems",
    "bill_explorer": "asks several policies: tested with bills",
    "usage_explorer": "asks several policies: tested with saved questions",
    "integrations_webhookdestination_send_everything": "asks for rules: tested with connections",
    "switch_organization": "leads only to organizations of the person",
    "login": "before the door", "logout": "out of it", "jsi18n": "words of the date picker",
    "password_change": "one's own", "password_change_done": "one's own",
    "view_on_site": "Django's; rows have no other site",
}  # fmt: skip
SIGN_IN = "admin/sign-in/"  # about oneself, before an organization is entered: tests of signing in
INSTALLATION = "admin/installation/"  # for operators only: tests of the installation's pages
# Needed altogether, and not for the row of the address.
OF_THE_TYPE = {"config:accessKey", "config:permissionPolicy"}


def addresses() -> Iterator[tuple[str, str | None]]:
    """Yield path and name of every address of the console."""

    def walk(patterns: list[Any], before: str) -> Iterator[tuple[str, str | None]]:
        for one in patterns:
            path = before + str(one.pattern)
            if isinstance(one, URLResolver):
                yield from walk(one.url_patterns, path)
            elif isinstance(one, URLPattern):
                yield path, one.name

    for path, name in walk(get_resolver().url_patterns, ""):
        if path.startswith("admin/"):
            yield path, name


def test_every_address_of_the_console_is_declared():
    of_rows = {f"{m._meta.app_label}_{m._meta.model_name}_{verb}" for m in PAGES for verb in VERBS}

    unknown = [
        path
        for path, name in addresses()
        if name not in of_rows | CUSTOM.keys() | OPEN.keys()
        and not path.startswith((SIGN_IN, INSTALLATION))
        # Django's redirect of an address without a verb, and the last one, which answers 404.
        and not (name is None and path.endswith(("/<path:object_id>/", "(?P<url>.*)$")))
    ]

    assert unknown == [], "declare what each of them needs"


@pytest.mark.parametrize("model", PAGES, ids=lambda model: model.__name__)
def test_every_action_and_button_needs_a_permission(model):
    page = admin.site._registry[model]

    loose = []
    for kind in ("actions", "actions_detail", "actions_list", "actions_row", "actions_submit_line"):
        for name in getattr(page, kind, None) or ():
            if not getattr(page, name).allowed_permissions:
                loose.append(f"{kind}: {name}")

    assert loose == []
    assert hasattr(page, "deeds") == (getattr(page, "page_template", None) is not None)


PRINCIPALS: dict[str, list[dict[str, Any]]] = {
    **ON_THE_API,
    "auditor": [{"effect": "allow", "action": ["audit:retrieve"], "resource": ["audit:*"]}],
    "keeper of keys": [
        {"effect": "allow", "action": ["config:*"],
         "resource": ["config:accessKey", "config:serviceUser"]}
    ],
    "reader barred from bills": [
        {"effect": "allow", "action": ["*:retrieve"], "resource": ["*"]},
        {"effect": "deny", "action": ["all"], "resource": ["billing:*", "data:*"]},
    ],
}  # fmt: skip


def somebody(founded: Any, statements: list[dict[str, Any]]) -> tuple[Console, Principal]:
    """Return a person with a policy of these statements."""
    person = make_person(founded, None)
    if statements:
        policy = PermissionPolicy.objects.create(
            organization=founded.organization, name=f"Policy {number()}", statements=statements
        )
        make_attachment(policy, "USER", person.pk)
    return Console(person), Principal(person.pk, "USER", founded.organization.pk)


def item_of(row: Any) -> Any:
    """Return the id policies know a row by."""
    return registry.item_id(row) if registry.find(type(row)) else row.pk


@pytest.fixture
def rows(founded):
    """One row a page."""
    return inhabit(founded)


THERE: dict[tuple[Any, str], bool] = {}


def is_there(operator: Console, model: Any, verb: str, row: Any) -> bool:
    """Say whether a kind of row has this page at all; asked once for all principals."""
    if (model, verb) not in THERE:
        THERE[model, verb] = operator.get(model, verb, row).status_code != 403
    return THERE[model, verb]


def is_denied(rights: access.Rights, bill: Bill) -> bool:
    """Say whether a statement denies reading the bill."""
    rows = Bill.objects.filter(pk=bill.pk)
    return not rights.not_denied(rows, READ, "billing:bill").exists()


@pytest.mark.parametrize("name", PRINCIPALS)
def test_a_page_answers_403_exactly_where_the_engine_says_no(founded, rows, name):
    operator = Console(make_person(founded, "Administrator"))
    console, principal = somebody(founded, PRINCIPALS[name])
    rights = access.Rights(principal)

    wrong, asked = [], 0
    for model in PAGES:
        page, resource = admin.site._registry[model], admin.site._registry[model].resource_name()
        item = item_of(rows[model])
        expected = {
            "changelist": rights.allows_some(page.view_action, resource),
            "change": rights.allows(page.view_action, resource, item),
            "add": rights.allows("config:create", resource),
            "delete": rights.allows("config:delete", resource, item),
        }
        if model is LateUsage:  # it tells of the amounts of its bill
            expected["change"] &= not is_denied(rights, rows[model].bill)
        for verb, is_allowed in expected.items():
            row = rows[model] if verb in {"change", "delete"} else None
            exists = is_there(operator, model, verb, row)
            status = console.get(model, verb, row).status_code
            asked += 1
            if (status != 403) != (is_allowed and exists):
                wrong.append(f"{model.__name__} {verb}: {status}")

    assert asked == 4 * len(PAGES)
    assert wrong == []


@pytest.mark.parametrize("name", PRINCIPALS)
def test_other_addresses_answer_403_exactly_where_the_engine_says_no(founded, rows, name):
    console, principal = somebody(founded, PRINCIPALS[name])
    rights = access.Rights(principal)
    line = LineItem.objects.get(bill=rows[Bill])

    wrong = []
    for url_name, (verb, action, resource, model) in CUSTOM.items():
        args = [] if model is None else [rows[model].pk]
        args += [line.pk] if url_name == "bill_line_explanation" else []
        try:
            path = reverse(f"admin:{url_name}", args=args)
        except Exception:
            path = reverse(url_name, args=args)
        item = None if model is None or resource in OF_THE_TYPE else item_of(rows[model])
        is_allowed = rights.allows(action, resource, item)
        if model is not None:  # the page shows something of the row
            page = admin.site._registry[model]
            is_allowed &= rights.allows(READ, page.resource_name(), item_of(rows[model]))
        status = console.client.generic(verb, path).status_code
        if (status in {403, 404}) == is_allowed:
            wrong.append(f"{url_name}: {status}")

    assert wrong == []


@pytest.mark.parametrize("name", PRINCIPALS)
def test_actions_on_a_selection_change_only_what_the_engine_allows(founded, rows, name):
    console, principal = somebody(founded, PRINCIPALS[name])
    rights = access.Rights(principal)

    wrong = []
    for model in PAGES:
        page = admin.site._registry[model]
        if rights.allows(UPDATE, page.resource_name(), item_of(rows[model])):
            continue
        before = _contents(model)
        for action in page.actions or ():
            console.client.post(
                address(model, "changelist"),
                {"action": action, "confirmed": "yes", ACTION_CHECKBOX_NAME: [str(rows[model].pk)]},
            )
        if isinstance(getattr(page, "deeds", None), dict):
            for deed in page.deeds:
                console.post(model, "change", rows[model], do=deed)
        if _contents(model) != before:
            wrong.append(model.__name__)

    assert wrong == []


def _contents(model: Any) -> list[dict[str, Any]]:
    rows = model.objects if model is not Organization else Organization.objects
    return [] if model is AuditEntry else list(rows.order_by("pk").values())
