"""How the console looks and how its navigation is laid out (C1): settings of django-unfold."""

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse, reverse_lazy

# (area, [(title, icon, model)]): the console's map. An area without any page that the person
# may see is left out, and so is the page.
AREAS: tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...] = (
    (
        "Catalogue",
        (
            ("Products", "category", "catalog.Product"),
            ("Meters", "speed", "catalog.Meter"),
            ("Aggregations", "functions", "catalog.Aggregation"),
        ),
    ),
    (
        "Pricing",
        (
            ("Plan templates", "copy_all", "catalog.PlanTemplate"),
            ("Plans", "sell", "catalog.Plan"),
            ("Pricings", "payments", "catalog.Pricing"),
        ),
    ),
    (
        "Customers",
        (
            ("Accounts", "business", "billing.Account"),
            ("Account plans", "assignment_turned_in", "billing.AccountPlan"),
            ("Failed usage", "report", "billing.IngestFailure"),
        ),
    ),
    (
        "Billing",
        (
            ("Bills", "receipt_long", "billing.Bill"),
            ("Bill jobs", "manufacturing", "billing.BillJob"),
        ),
    ),
    (
        "Events",
        (
            ("Alerts", "notifications", "organizations.Alert"),
            ("Events", "bolt", "organizations.Event"),
            ("Webhook destinations", "webhook", "integrations.WebhookDestination"),
            ("Deliveries", "send", "integrations.Delivery"),
        ),
    ),
    (
        "Settings",
        (
            ("Organization", "apartment", "organizations.Organization"),
            ("Configuration", "tune", "organizations.OrganizationConfig"),
            ("Currencies", "currency_exchange", "organizations.Currency"),
            ("People", "group", "organizations.Membership"),
            ("Service users", "smart_toy", "organizations.ServiceUser"),
            ("Permission policies", "policy", "organizations.PermissionPolicy"),
            ("Audit trail", "history", "organizations.AuditEntry"),
        ),
    ),
)


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the sidebar for this person: only what they may see."""
    home = {"title": "Dashboard", "icon": "space_dashboard", "link": reverse("admin:index")}
    home["active"] = request.path == home["link"]
    groups = [{"items": [home]}]
    for title, pages in AREAS:
        items = list(_items(request, pages))
        if items:
            groups.append({"title": title, "separator": False, "items": items})
    return groups


def _items(request: HttpRequest, pages: Iterable[tuple[str, str, str]]) -> Iterable[dict[str, Any]]:
    from django.apps import apps
    from django.contrib import admin

    for title, icon, label in pages:
        page = admin.site._registry.get(apps.get_model(label))
        if page is None or not page.has_module_permission(request):
            continue
        link = reverse(f"admin:{label.lower().replace('.', '_')}_changelist")
        yield {
            "title": title,
            "icon": icon,
            "link": link,
            "active": request.path.startswith(link),
        }


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
    "STYLES": [lambda request: static("console/console.css")],
    "SCRIPTS": [lambda request: static("console/console.js")],
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
            {"title": "Change password", "link": reverse_lazy("admin:password_change")},
        ],
    },
}
            {"title": "Your profile", "link": reverse_lazy("signin:profile")},
            {"title": "Choose an organization", "link": reverse_lazy("signin:organizations")},
