"""How the console looks and how its navigation is laid out (C1): settings of django-unfold."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse, reverse_lazy


@dataclass(frozen=True, slots=True)
class Page:
    """An entry of the navigation: a list of the console, perhaps narrowed by ``query``.

    ``view`` names a page of its own that stands for whoever may open the list.
    """

    title: str
    icon: str
    model: str
    query: str = ""
    view: str = ""


# The console's map (C1). An area without any page that the person may see is left out, and so is
# the page.
AREAS: tuple[tuple[str, tuple[Page, ...]], ...] = (
    (
        "Products",
        (
            Page("Products", "category", "catalog.Product"),
            Page("Catalogue as code", "code", "catalog.Product", view="catalogue_as_code"),
        ),
    ),
    (
        "Metering",
        (
            Page("Meters", "speed", "catalog.Meter"),
            Page("Aggregations", "functions", "catalog.Aggregation"),
            Page("Compound aggregations", "calculate", "catalog.CompoundAggregation"),
            Page("Usage explorer", "query_stats", "billing.SavedQuery"),
            Page("File uploads", "upload_file", "billing.MeasurementUpload"),
            Page("Failed usage", "report", "billing.IngestFailure"),
        ),
    ),
    (
        "Pricing",
        (
            Page("Pricing editor", "grid_on", "catalog.Pricing", view="pricing_editor"),
            Page("Plan templates", "copy_all", "catalog.PlanTemplate"),
            Page("Plans", "sell", "catalog.Plan"),
            Page("Plan groups", "stacks", "catalog.PlanGroup"),
            Page("Pricings", "payments", "catalog.Pricing"),
            Page("Lookup tables", "table_view", "catalog.LookupTable"),
            Page("Lookup revisions", "difference", "catalog.LookupTableRevision"),
            Page("Counters", "pin", "catalog.Counter"),
            Page("Counter pricings", "price_change", "catalog.CounterPricing"),
        ),
    ),
    (
        "Accounts",
        (
            Page("Accounts", "business", "billing.Account"),
            Page("Account plans", "assignment_turned_in", "billing.AccountPlan"),
            Page("Counter adjustments", "exposure", "billing.CounterAdjustment"),
            Page("Contracts", "contract", "billing.Contract"),
            Page("Prepayments", "savings", "billing.Commitment"),
            Page("Balances", "account_balance_wallet", "billing.Balance"),
            Page("Transactions", "swap_vert", "billing.BalanceTransaction"),
            Page("Transaction schedules", "event_repeat", "billing.BalanceTransactionSchedule"),
            Page("Charge schedules", "calendar_clock", "billing.BalanceChargeSchedule"),
            Page("Charges", "request_quote", "billing.Charge"),
        ),
    ),
    (
        "Billing",
        (
            Page("Bills", "receipt_long", "billing.Bill"),
            Page("Bill documents", "draft", "organizations.Organization", view="bill_documents"),
            Page("Month end", "event_available", "billing.Bill", view="month_end"),
            Page("Bill jobs", "manufacturing", "billing.BillJob"),
            Page("Rehearsals", "difference", "billing.Rehearsal"),
            Page("Statements", "summarize", "billing.StatementJob"),
            Page("Statement definitions", "table_rows", "billing.StatementDefinition"),
            Page("Late usage", "more_time", "billing.LateUsage"),
            Page("Late usage rules", "rule_settings", "billing.LateUsageRule"),
            Page("Lock date", "lock_clock", "billing.BillConfig"),
        ),
    ),
    (
        "Integrations",
        (
            Page("Systems", "hub", "integrations.SystemIntegration"),
            Page("Webhook destinations", "webhook", "integrations.WebhookDestination"),
            Page("Channels", "campaign", "integrations.NotificationChannel"),
            Page("Connections", "link", "integrations.IntegrationConfiguration"),
            Page("Deliveries", "send", "integrations.Delivery"),
            Page("Runs", "sync", "integrations.IntegrationRun"),
            Page("Credentials", "key", "integrations.IntegrationCredential"),
            Page("External mappings", "sync_alt", "integrations.ExternalMapping"),
        ),
    ),
    (
        "Data exports",
        (
            Page("Export schedules", "schedule", "integrations.ExportSchedule"),
            Page("Export jobs", "download", "integrations.ExportJob"),
            Page("Export destinations", "cloud_upload", "integrations.ExportDestination"),
        ),
    ),
    (
        "Alerts and events",
        (
            Page("Alerts", "notifications", "organizations.Alert"),
            Page("Events", "bolt", "organizations.Event"),
            Page("Rules", "rule", "notifications.NotificationConfiguration"),
            Page("Scheduled events", "event", "notifications.ScheduledEventConfiguration"),
        ),
    ),
    (
        "Organization",
        (
            Page("Details", "apartment", "organizations.Organization"),
            Page("Configuration", "tune", "organizations.OrganizationConfig"),
            Page("Currencies", "currency_exchange", "organizations.Currency"),
            Page("Credit reasons", "add_card", "organizations.CreditReason"),
            Page("Debit reasons", "credit_card_off", "organizations.DebitReason"),
            Page("Transaction types", "swap_horiz", "organizations.TransactionType"),
            Page("Bill grouping keys", "key_vertical", "organizations.BillGroupingKey"),
            Page("Custom fields", "data_object", "organizations.CustomFieldDefaults"),
        ),
    ),
    (
        "Access settings",
        (
            Page("Users", "group", "organizations.Membership"),
            Page("Service users", "smart_toy", "organizations.ServiceUser"),
            Page("User groups", "groups", "organizations.ResourceGroup", "type=orguser"),
            Page("Resource groups", "folder_copy", "organizations.ResourceGroup", "type=rows"),
            Page("Invitations", "mail", "organizations.Invitation"),
            Page("Permission policies", "policy", "organizations.PermissionPolicy"),
            Page("Sign-in", "lock", "organizations.SignInSettings"),
            Page("Support access", "support_agent", "organizations.SupportAccess"),
            Page("Audit trail", "history", "organizations.AuditEntry"),
        ),
    ),
)

OWN_PAGES = [page.view for _title, pages in AREAS for page in pages if page.view]


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the sidebar for this person: only what they may see."""
    home = {"title": "Dashboard", "icon": "space_dashboard", "link": reverse("admin:index")}
    home["active"] = request.path == home["link"]
    groups = [{"items": [home]}] if getattr(request, "organizations", []) else []
    for title, pages in AREAS:
        items = list(_items(request, pages))
        if items:
            groups.append({"title": title, "separator": False, "items": items})
    return [*groups, *_installation(request)]


def _installation(request: HttpRequest) -> Iterable[dict[str, Any]]:
    """Yield the area of operators, which lies outside of every organization."""
    from organizations.signin import sessions

    if not request.user.is_authenticated or not sessions.is_operator(request):
        return
    items = [
        {"title": title, "icon": icon, "link": link, "active": request.path.startswith(link)}
        for title, icon, link in (
            ("Organizations", "domain", reverse("installation:organizations")),
            ("Operation", "monitor_heart", reverse("operation")),
        )
    ]
    yield {"title": "Installation", "separator": False, "items": items}


def _items(request: HttpRequest, pages: Iterable[Page]) -> Iterable[dict[str, Any]]:
    from django.apps import apps
    from django.contrib import admin

    for page in pages:
        owner = admin.site._registry.get(apps.get_model(page.model))
        if owner is None or not owner.has_module_permission(request):
            continue
        if page.view:
            # A page that needs more than the list says so itself.
            asked = getattr(owner, f"may_open_{page.view}", owner.has_view_permission)
            if asked(request):
                link = reverse(f"admin:{page.view}")
                is_active = request.path == link
                yield {"title": page.title, "icon": page.icon, "link": link, "active": is_active}
            continue
        link = reverse(f"admin:{page.model.lower().replace('.', '_')}_changelist")
        shown = f"{link}?{page.query}" if page.query else link
        yield {
            "title": page.title,
            "icon": page.icon,
            # Whoever may only add rows sees no list: the entry leads to the form.
            "link": shown if owner.has_view_permission(request) else f"{link}add/",
            "active": _is_active(request, link, page),
        }


def _is_active(request: HttpRequest, link: str, page: Page) -> bool:
    """Say whether the page shown belongs to the entry; two entries may share one list."""
    if request.path in {
        reverse(f"admin:{one.view}") for _, pages in AREAS for one in pages if one.view
    }:
        return False
    if not request.path.startswith(link) or not page.query:
        return request.path.startswith(link)
    shown = getattr(request, "console_area", "") or request.GET.get("type", "")
    return f"type={shown}" == page.query


def organization_name(request: HttpRequest) -> str:
    """Return what stands below the product's name: the organization one works in."""
    organization = getattr(request, "organization", None)
    return organization.name if organization else ""


def organizations(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the switcher's entries; nothing to switch with one organization."""
    mine = getattr(request, "organizations", [])
    if len(mine) < 2:
        return []
    return [
        {
            "title": organization.name,
            "icon": "check" if organization == request.organization else "corporate_fare",
            "link": reverse("admin:switch_organization", args=[organization.pk]),
        }
        for organization in mine
    ]


def environment(request: HttpRequest) -> list[str] | None:
    """Return the label in the header of a sandbox organization."""
    organization = getattr(request, "organization", None)
    if organization is not None and organization.type == "SANDBOX":
        return ["Sandbox", "warning"]
    return None


UNFOLD = {
    "SITE_TITLE": "Billwright",
    "SITE_HEADER": "Billwright",
    "SITE_SUBHEADER": "config.console.organization_name",
    "SITE_DROPDOWN": "config.console.organizations",
    "SITE_URL": None,
    "SITE_SYMBOL": "receipt_long",
    "SITE_FAVICONS": [
        {
            "rel": "icon",
            "type": "image/svg+xml",
            "href": lambda request: static("console/favicon.svg"),
        }
    ],
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": False,
    "ENVIRONMENT": "config.console.environment",
    "DASHBOARD_CALLBACK": "config.dashboard.fill",
    "STYLES": [
        lambda request: static("console/console.css"),
        lambda request: static("console/access.css"),
    ],
    "SCRIPTS": [
        lambda request: static("console/console.js"),
        lambda request: static("console/running.js"),
        lambda request: static("console/unsent.js"),
    ],
    "LOGIN": {"form": "organizations.kernel.console.login.ConsoleLoginForm"},
    "BORDER_RADIUS": "6px",
    "COLORS": {
        "primary": {
            "50": "oklch(97.1% .014 195)",
            "100": "oklch(94% .03 195)",
            "200": "oklch(88% .055 195)",
            "300": "oklch(80% .08 195)",
            "400": "oklch(70% .1 197)",
            "500": "oklch(60% .1 200)",
            "600": "oklch(50.5% .09 203)",
            "700": "oklch(43.5% .078 206)",
            "800": "oklch(37.5% .065 210)",
            "900": "oklch(32% .055 214)",
            "950": "oklch(24% .045 218)",
        },
    },
    "SIDEBAR": {
        "show_search": True,
        "command_search": True,
        "show_all_applications": False,
        "navigation": "config.console.navigation",
    },
    "ACCOUNT": {
        "navigation": [
            {"title": "Your profile", "link": reverse_lazy("signin:profile")},
            {"title": "Choose an organization", "link": reverse_lazy("signin:organizations")},
            {"title": "Change password", "link": reverse_lazy("admin:password_change")},
        ],
    },
}
