"""Addresses of this app's entities below the organization, and of the token."""

from django.urls import path

from organizations import invitation_page
from organizations.api import (
    audit,
    auth,
    decisions,
    invitations,
    people,
    policies,
    resource_groups,
    service_users,
    support,
    token_schema,
    views,
)
from organizations.kernel.api import files, openapi
from organizations.kernel.api.views import routes

openapi.describe(token_schema.PATHS)

urlpatterns = [
    path("oauth/token", auth.token, name="token"),
    path("invitations/<str:token>/", invitation_page.accept, name="invitation"),
    *routes(
        "organizationconfig",
        views.OrganizationConfigViewSet,
        collection={"get": "retrieve", "put": "update"},
        item={},
    ),
    *routes(
        "customfields",
        views.CustomFieldViewSet,
        collection={"get": "retrieve", "put": "update"},
        item={},
    ),
    *routes("picklists/currency", views.CurrencyViewSet),
    *routes("picklists/creditreasons", views.CreditReasonViewSet),
    *routes("picklists/debitreasons", views.DebitReasonViewSet),
    *routes("picklists/transactiontypes", views.TransactionTypeViewSet),
    *routes("picklists/billgroupingkeys", views.BillGroupingKeyViewSet),
    *routes("users/me", views.MeViewSet, collection={"get": "retrieve"}, item={}),
    *routes(
        "events",
        views.EventViewSet,
        collection={"get": "list"},
        item={"get": "retrieve"},
        more={"types": {"get": "types"}, "fields": {"get": "fields"}},
    ),
    *decisions.urlpatterns,
    *policies.urlpatterns,
    *resource_groups.urlpatterns,
    *people.urlpatterns,
    *service_users.urlpatterns,
    *invitations.urlpatterns,
    *support.urlpatterns,
    *audit.urlpatterns,
    *files.urlpatterns,
]
